import assert from "node:assert/strict";
import fc from "fast-check";
import { escapeTokens, interpolate } from "../../../lib/project/interpolate.ts";

const VALUES = { A: "aval", B: "bval", b: "bvallower", E: "", NESTED: "${A}" };

const cases: readonly (readonly [string, string])[] = [
  ["", ""],
  ["${A}", "aval"],
  ["$${A}", "${A}"],
  [" hello $${A} ", " hello ${A} "],
  ["${A} ${B}\n ${b} ${} ${", "aval bval\n bvallower ${} ${"],
  ["${E}", ""],
  ["${E:-defaultVal}", "defaultVal"],
  ["${E:defaultVal}", ""],
  ["${E-defaultVal}", ""],
  ["test ${D:-defaultVal}", "test defaultVal"],
  ["test ${D:defaultVal}", "test defaultVal"],
  ["test ${D:}", "test "],
  ["${a}", ""],
  ["${NESTED}", "${A}"],
  ["$$${A}", "$${A}"],
  ["${D:a\nb}c", "a\nbc"],
  ["${D:http://x:1/}", "http://x:1/"],
  ["${toString}", ""],
  ["$A $$ {A}", "$A $$ {A}"],
  ["$${}", "$${}"],
  ["${cfg:A}", "${cfg:A}"],
  ["$${cfg:A}", "$${cfg:A}"],
  ["x${A}${cfg:A}$${A}y", "xaval${cfg:A}${A}y"],
  ["${cfg}${cfgs:x}", "x"],
];

for (const [text, want] of cases) {
  Deno.test(`interpolate() makes ${JSON.stringify(want)} of ${JSON.stringify(text)}`, () => {
    assert.equal(interpolate(text, VALUES).text, want);
  });
}

const anyText = fc.array(
  fc.constantFrom(
    "$",
    "{",
    "}",
    "A",
    ":",
    "-",
    "\n",
    "${A}",
    "$${A}",
    "${cfg:A}",
    "$${cfg:",
    " x ",
  ),
  { maxLength: 20 },
).map((parts) => parts.join(""));

Deno.test("escapeTokens() keeps any text from being replaced", () => {
  fc.assert(fc.property(anyText, (text) => {
    assert.equal(interpolate(escapeTokens(text), VALUES).text, text);
  }));
});

Deno.test("interpolate() knows where each character it kept came from", () => {
  fc.assert(fc.property(anyText, (text) => {
    const { text: result, originalOffset } = interpolate(text, { A: "#" });
    let last = 0;
    for (let offset = 0; offset < result.length; offset++) {
      const original = originalOffset(offset);
      assert.ok(original >= last && original <= text.length);
      last = original;
    }
    const at = originalOffset(result.length);
    assert.ok(at >= last && at <= text.length);
  }));
  const { text, originalOffset } = interpolate("a ${A} b\nc", VALUES);
  assert.equal(text, "a aval b\nc");
  assert.deepEqual([0, 2, 5, 6, 9].map(originalOffset), [0, 2, 2, 6, 9]);
});
