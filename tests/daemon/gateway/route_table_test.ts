import assert from "node:assert/strict";
import fc from "fast-check";
import { RouteTable, type Rule } from "../../../daemon/gateway/route_table.ts";

const rule = (hostname: string, pathPrefix: string, component = "shop"): Rule => ({
  component,
  hostname,
  pathPrefix,
  stripPrefix: false,
});

// Rule host, rule prefix, request host, request path, match: the ancestor's table.
const matches: [string, string, string, string, boolean][] = [
  ["", "", "", "", false],
  ["foo.com", "", "foo.com", "", true],
  ["foo.com", "", "foo2.com", "", false],
  ["foo.com", "/foo", "foo.com", "", false],
  ["foo.com", "/foo", "foo.com", "/foo", true],
  ["foo.com", "/foo", "foo.com", "/foo/bar", true],
  ["foo.com", "/foo", "foo2.com", "/foo/bar", false],
  ["", "/foo", "any.com", "/foobar", true],
  ["*.foo.com", "", "a.foo.com", "/", true],
  ["*.foo.com", "", "a.b.foo.com", "/", true],
  ["*.foo.com", "", "foo.com", "/", false],
  ["[::1]", "", "[::1]", "/", true],
];

for (const [host, prefix, requestHost, path, want] of matches) {
  Deno.test(`RouteTable.find() ${host}${prefix} and ${requestHost}${path}: ${want}`, () => {
    const found = new RouteTable([rule(host, prefix)]).find(requestHost, path);
    assert.equal(found !== undefined, want);
  });
}

Deno.test("RouteTable.find() prefers the exact host, then the longest wildcard, then none", () => {
  const table = new RouteTable([
    rule("", "/a/very/long/prefix", "none"),
    rule("*.com", "", "wide"),
    rule("*.foo.com", "", "narrow"),
    rule("x.foo.com", "/", "exact"),
  ]);
  const find = (host: string) => table.find(host, "/a/very/long/prefix/x")?.component;
  assert.equal(find("x.foo.com"), "exact");
  assert.equal(find("y.foo.com"), "narrow");
  assert.equal(find("y.bar.com"), "wide");
  assert.equal(find("y.bar.org"), "none");
});

const hosts = ["", "foo.com", "bar.com", "a.foo.com"];
const path = fc.stringMatching(/^[/ab]{0,6}$/);
const rules = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...hosts), path),
  { selector: (pair) => pair.join(" "), maxLength: 40 },
);

Deno.test("RouteTable.find() gives what the ancestor's sorted list gives first", () => {
  fc.assert(
    fc.property(
      rules,
      fc.constantFrom(...hosts),
      path,
      (pairs, host, path) => {
        const all = pairs.map(([host, prefix]) => rule(host, prefix, `${host} ${prefix}`));
        const sorted = all.toSorted((a, b) =>
          Number(b.hostname !== "") - Number(a.hostname !== "") ||
          b.pathPrefix.length - a.pathPrefix.length || (a.hostname < b.hostname ? 1 : -1)
        );
        const want = sorted.find((rule) =>
          (rule.hostname !== "" || rule.pathPrefix !== "") &&
          (rule.hostname === "" || rule.hostname === host) && path.startsWith(rule.pathPrefix)
        );
        assert.equal(new RouteTable(all).find(host, path)?.component, want?.component);
      },
    ),
    { numRuns: 2000 },
  );
});
