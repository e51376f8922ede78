import assert from "node:assert/strict";
import fc from "fast-check";
import {
  digestOf,
  newNonce,
  sign,
  type SignedRequest,
  type SignedWords,
  signingKey,
  verify,
} from "../../../lib/rpc/signature.ts";

const key = await signingKey("0123456789abcdef");
const request: SignedRequest = { method: "POST", target: "/_mael/v1?a=b" };
const words: SignedWords = {
  by: "cli",
  atMs: 1_732_184_292_123,
  nonce: "n".repeat(22),
  digest: await digestOf("body"),
};
const field = await sign(key, request, words);

Deno.test("sign() writes what verify() reads", async () => {
  assert.deepEqual(await verify(key, request, field), words);
  assert.match(field, /^Maelstrom-HMAC v=1, by="cli", at=1732184292123, nonce=n{22}, digest=/);
});

Deno.test("sign() and verify() agree on any names and moments", async () => {
  const name = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" });
  const property = fc.asyncProperty(
    fc.record({ by: name, to: fc.option(name, { nil: undefined }), atMs: fc.nat() }),
    async ({ by, to, atMs }) => {
      const given = { ...words, by, atMs, ...(to === undefined ? {} : { to }) };
      assert.deepEqual(await verify(key, request, await sign(key, request, given)), given);
    },
  );
  await fc.assert(property);
});

Deno.test("verify() refuses or reads the same when any character of the field is changed", async () => {
  const from = field.indexOf("v=");
  const property = fc.asyncProperty(
    fc.integer({ min: from, max: field.length - 1 }),
    fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
    async (at, character) => {
      fc.pre(field[at] !== character);
      const changed = field.slice(0, at) + character + field.slice(at + 1);
      const read = await verify(key, request, changed).catch(({ code }) => code);
      // Capitals in the names of the parts, and the last bits of the last digit, mean nothing.
      if (typeof read === "object") assert.deepEqual(read, words, changed);
      else assert.equal(read, "not_allowed");
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

Deno.test("verify() refuses another method or target", async () => {
  const property = fc.asyncProperty(
    fc.constantFrom("GET", "POST", "PUT"),
    fc.oneof(fc.webPath(), fc.constant("/_mael/v1"), fc.constant(request.target)),
    async (method, target) => {
      fc.pre(method !== request.method || target !== request.target);
      await assert.rejects(verify(key, { method, target }, field), {
        code: "not_allowed",
        message: /made with another cluster key or for another request$/,
      });
    },
  );
  await fc.assert(property);
});

Deno.test("verify() refuses another key", async () => {
  const other = await signingKey("0123456789abcdeF");
  await assert.rejects(verify(other, request, field), { code: "not_allowed" });
});

const odd: [string, string, RegExp][] = [
  ["nothing", "", /malformed$/],
  ["another scheme", field.replace("Maelstrom-HMAC", "Bearer"), /malformed$/],
  ["a newer version", field.replace("v=1", "v=2"), /of version 2, this node knows 1; upgrade/],
  ["a name that is not encoded", field.replace('"cli"', '"%"'), /malformed$/],
  ["a part twice", `${field}, at=1`, /malformed$/],
  ["no signature", field.replace(/, sig=.*/, ""), /malformed$/],
  ["a moment that is no number", field.replace(/at=\d+/, "at=1e9"), /malformed$/],
  ["a node that was not named", field.replace(", at", ', to="x", at'), /another cluster key/],
];
for (const [name, text, message] of odd) {
  Deno.test(`verify() refuses ${name}`, async () => {
    await assert.rejects(verify(key, request, text), { code: "not_allowed", message });
  });
}

Deno.test("digestOf() is the same for text and its bytes, and differs with any byte", async () => {
  const property = fc.asyncProperty(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.nat(),
    async (bytes, place) => {
      const body = new Uint8Array(bytes);
      const before = await digestOf(body);
      body[place % body.length]! ^= 1;
      assert.notEqual(await digestOf(body), before);
    },
  );
  await fc.assert(property);
  assert.equal(await digestOf("é"), await digestOf(new Uint8Array([0xc3, 0xa9])));
});

Deno.test("newNonce() gives what the field takes", () => {
  assert.match(newNonce(), /^[A-Za-z0-9_-]{22}$/);
  assert.notEqual(newNonce(), newNonce());
});
