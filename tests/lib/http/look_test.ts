/** The loop of the runtime looks at the sockets when it is asked to, and soon. @module */
import assert from "node:assert/strict";
import { look, LookHold } from "../../../lib/http/look.ts";
import { within } from "../../support/http/raw.ts";

const looked = () => within(new Promise<void>((resolve) => look(resolve)), "a look");

Deno.test("look() comes after what had arrived", async () => {
  await using hold = new LookHold();
  await hold.ready;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using client = await Deno.connect({ port: listener.addr.port });
  using server = await listener.accept();
  for (let round = 0; round < 100; round++) {
    let isRead = false;
    const reading = server.read(new Uint8Array(1)).then(() => isRead = true);
    await client.write(new Uint8Array(1));
    if (!isRead) await looked();
    assert.ok(isRead, `round ${round}`);
    await reading;
  }
});

Deno.test("look() ends when the last hold does", async () => {
  const first = new LookHold();
  const second = new LookHold();
  await looked();
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await looked();
  const last = looked();
  await second[Symbol.asyncDispose]();
  await last;
  await looked();
});

Deno.test("LookHold leaves nothing when it ends at once", async () => {
  for (let round = 0; round < 20; round++) {
    const first = new LookHold();
    const ended = first[Symbol.asyncDispose]();
    await using _second = new LookHold();
    await ended;
    await looked();
  }
});
