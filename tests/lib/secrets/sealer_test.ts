import assert from "node:assert/strict";
import fc from "fast-check";
import { keyIdOf, SEAL_KEY_BYTES, Sealer } from "../../../lib/secrets/sealer.ts";

const anyKey = fc.uint8Array({ minLength: SEAL_KEY_BYTES, maxLength: SEAL_KEY_BYTES });
const anyText = fc.string({ unit: "binary" });
const sealer = new Sealer(new Uint8Array(SEAL_KEY_BYTES).fill(7));

Deno.test("Sealer.open() gives what seal() was given, and every seal differs", () => {
  fc.assert(fc.property(anyKey, anyText, anyText, (key, name, text) => {
    const sealer = new Sealer(key);
    const sealed = sealer.seal(name, text);
    assert.match(sealed, /^v1:[A-Za-z0-9+/]+=*$/);
    assert.deepEqual(new Sealer(key).open(name, sealed), { kind: "open", text });
    assert.notEqual(sealer.seal(name, text), sealed);
    assert.equal(keyIdOf(sealed), sealer.keyId);
  }));
});

Deno.test("Sealer.open() opens nothing that was changed, in whichever bit", () => {
  const sealed = sealer.seal("name", "a secret");
  const bytes = Uint8Array.fromBase64(sealed.slice(3));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const { kind } = sealer.open("name", `v1:${changed.toBase64()}`);
    assert.equal(kind, bit < 32 ? "other_key" : "damaged", `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    const { kind } = sealer.open("name", `v1:${bytes.subarray(0, length).toBase64()}`);
    assert.equal(kind, "damaged", `${length} bytes`);
  }
});

Deno.test("Sealer.open() opens under the same name only", () => {
  const sealed = sealer.seal("A", "a secret");
  assert.equal(sealer.open("B", sealed).kind, "damaged");
});

Deno.test("Sealer.open() tells another key by its id, and foreign text as damaged", () => {
  const other = new Sealer(new Uint8Array(SEAL_KEY_BYTES).fill(8));
  const { keyId } = other;
  assert.deepEqual(sealer.open("A", other.seal("A", "x")), { kind: "other_key", keyId });
  for (const text of ["", "plain", "v1:", "v1:***", "v2:AAAA"]) {
    assert.deepEqual(sealer.open("A", text), { kind: "damaged" });
    assert.equal(keyIdOf(text), undefined);
  }
});
