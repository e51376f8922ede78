/**
 * Pieces of bodies take turns with everything else that arrives.
 * @module
 */
import assert from "node:assert/strict";
import { look } from "../../../lib/http/look.ts";
import { pieceTurn } from "../../../lib/http/turns.ts";

Deno.test("pieceTurn() lets few pieces go at once", () => {
  for (let piece = 0; piece < 15; piece++) assert.equal(pieceTurn(), undefined);
});

Deno.test("pieceTurn() lets every piece go, in order", async () => {
  const gone: number[] = [];
  const pieces = Array.from({ length: 1000 }, async (_, piece) => {
    await pieceTurn();
    gone.push(piece);
  });
  await Promise.all(pieces);
  assert.deepEqual(gone, gone.toSorted((a, b) => a - b));
  assert.equal(gone.length, 1000);
});

Deno.test("pieceTurn() lets what arrives at sockets be read before all have gone", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = await Deno.connect({ port: listener.addr.port });
  using server = await listener.accept();
  let gone = 0;
  const pieces = Array.from({ length: 1000 }, async () => {
    await pieceTurn();
    for (const endMs = performance.now() + 0.05; performance.now() < endMs;);
    gone++;
  });
  const read = async () => {
    await server.read(new Uint8Array(1));
    return gone;
  };
  const [seen] = await Promise.all([read(), client.write(new Uint8Array(1)), ...pieces]);
  assert.ok(seen < 500, `read after ${seen} of 1000 pieces`);
});

Deno.test("pieceTurn() passes nothing on while pieces come by the hundred", async () => {
  await new Promise<void>((resolve) => look(resolve));
  let gone = 0;
  const pieces = Array.from({ length: 200 }, async () => {
    await pieceTurn();
    gone++;
  });
  // Time for each to be passed on, were it allowed, but none for a look.
  for (let step = 0; step < 2000; step++) await undefined;
  assert.ok(gone < 32, `${gone} of 200 gone`);
  await Promise.all(pieces);
});
