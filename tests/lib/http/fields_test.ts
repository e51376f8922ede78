import assert from "node:assert/strict";
import { dropFields } from "../../../lib/http/fields.ts";
import { bytesOf } from "../../support/http/raw.ts";

const filter = dropFields(["x-real-ip", "forwarded", "maelstrom-"]);

const cases: [string, boolean][] = [
  ["X-Real-IP", true],
  ["x_real_ip", true],
  ["forwarded", true],
  ["forwarded2", false],
  ["Maelstrom-Component", true],
  ["MAELSTROM_VERSION", true],
  ["maelstrom-", false],
  ["maelstrom", false],
  ["host", false],
];

for (const [name, want] of cases) {
  Deno.test(`FieldFilter.has() says ${want} of "${name}"`, () => {
    assert.equal(filter.has(bytesOf(`..${name}: x`), 2, 2 + name.length), want);
  });
}

Deno.test("dropFields() refuses what no field is named", () => {
  for (const name of ["", "A", "a b", "a_b"]) assert.throws(() => dropFields([name]));
});
