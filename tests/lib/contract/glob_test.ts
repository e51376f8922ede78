import assert from "node:assert/strict";
import fc from "fast-check";
import { globMatches, isLiteral, matchesAny, splitGlobs } from "../../../lib/contract/glob.ts";

const cases: readonly [glob: string, text: string, want: boolean][] = [
  ["*", "foo", true],
  ["*", "", true],
  ["cat", "cat", true],
  ["*cat*", "cat", true],
  ["*cat*", "1cat", true],
  ["*cat*", "1cat1", true],
  ["*cat*", "cat1", true],
  ["*cat", "foocat", true],
  ["cat*", "catfoo", true],
  ["cat", "Cat", false],
  ["cat", "cat1", false],
  ["cat", "1cat", false],
  ["*cat*", "cdat1", false],
  ["*cat", "catfoo", false],
  ["cat*", "foocat", false],
  ["", "", true],
  ["", "cat", false],
  ["**", "cat", true],
  ["c*t", "cat", false],
  ["c*t", "c*t", true],
];
for (const [glob, text, want] of cases) {
  Deno.test(`globMatches() ${want ? "matches" : "refuses"} "${text}" by "${glob}"`, () => {
    assert.equal(globMatches(glob, text), want);
  });
}

Deno.test("globMatches() follows from what surrounds the part", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "/", "."), maxLength: 6 });
  fc.assert(fc.property(word, word, word, (before, part, after) => {
    assert.ok(globMatches(`${part}*`, part + after));
    assert.ok(globMatches(`*${part}`, before + part));
    assert.ok(globMatches(`*${part}*`, before + part + after));
    assert.equal(globMatches(`${part}*`, before), before.startsWith(part));
  }));
});

Deno.test("splitGlobs() drops what says nothing, and none left means all", () => {
  assert.deepEqual(splitGlobs(" shop, ,*,blog-* "), ["shop", "blog-*"]);
  assert.deepEqual(splitGlobs("*"), []);
  assert.ok(matchesAny(splitGlobs(""), "shop"));
  assert.ok(!matchesAny(["blog-*"], "shop"));
});

Deno.test("isLiteral() tells a name from a kind of names", () => {
  assert.deepEqual(["shop", "*", "shop*", "*shop", "s*p"].map(isLiteral), [
    true,
    false,
    false,
    false,
    true,
  ]);
});
