import assert from "node:assert/strict";
import fc from "fast-check";
import { normalizePath } from "../../../daemon/gateway/path.ts";

const cases: [string, string | undefined][] = [
  ["/", "/"],
  ["*", "*"],
  ["/a/b", "/a/b"],
  ["//a//b", "//a//b"],
  ["/%61%2Db", "/a-b"],
  ["/%7euser", "/~user"],
  ["/a%2fb%5c%3b%20", "/a%2Fb%5C%3B%20"],
  ["/a/./b", "/a/b"],
  ["/a/../b", "/b"],
  ["/a/..", "/"],
  ["/a/b/..", "/a/"],
  ["/a/.", "/a/"],
  ["/a/%2e%2E/b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/.well-known/x", "/.well-known/x"],
  ["/...", "/..."],
  ["/a/..b", "/a/..b"],
  ["/..", undefined],
  ["/a/../../b", undefined],
  ["/%2e%2e/b", undefined],
  ["/%00", undefined],
  ["/%0", undefined],
  ["/%zz", undefined],
  ["/%", undefined],
];

for (const [path, want] of cases) {
  Deno.test(`normalizePath() makes ${want} of ${path}`, () => {
    assert.equal(normalizePath(path), want);
  });
}

Deno.test("normalizePath() leaves nothing to normalise and climbs nowhere", () => {
  const parts = fc.constantFrom("/", ".", "..", "%2e", "%2E", "a", "%2f", "%41", "%", "0", "%20");
  fc.assert(fc.property(fc.array(parts, { maxLength: 12 }), (texts) => {
    const once = normalizePath(`/${texts.join("")}`);
    if (once === undefined) return;
    assert.equal(normalizePath(once), once);
    assert.ok(!once.split("/").some((segment) => segment === ".." || segment === "."), once);
  }));
});
