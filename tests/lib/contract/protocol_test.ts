/** Which version of their messages two nodes use. @module */
import assert from "node:assert/strict";
import { commonProtocol, PROTOCOLS, protocolsOf } from "../../../lib/contract/protocol.ts";

const range = (oldest: number, newest: number) => ({ oldest, newest });

for (
  const { a, b, common } of [
    { a: range(1, 1), b: range(1, 1), common: 1 },
    { a: range(1, 2), b: range(1, 1), common: 1 },
    { a: range(1, 4), b: range(2, 3), common: 3 },
    { a: range(2, 3), b: range(3, 4), common: 3 },
    { a: range(1, 2), b: range(3, 3), common: undefined },
    { a: range(4, 5), b: range(1, 3), common: undefined },
  ]
) {
  Deno.test(`commonProtocol() of ${JSON.stringify([a, b])} is ${common}`, () => {
    assert.equal(commonProtocol(a, b), common);
    assert.equal(commonProtocol(b, a), common);
  });
}

Deno.test("protocolsOf() knows nodes that name one version, or none", () => {
  assert.deepEqual(protocolsOf({ protocol: 3, oldestProtocol: 2 }), range(2, 3));
  assert.deepEqual(protocolsOf({ protocol: 3 }), range(3, 3));
  assert.deepEqual(protocolsOf({}), range(1, 1));
});

Deno.test("PROTOCOLS keeps the version of the release before", () => {
  assert.ok(PROTOCOLS.oldest <= Math.max(1, PROTOCOLS.newest - 1));
});
