import assert from "node:assert/strict";
import { Recurring } from "../../../lib/async/recurring.ts";
import { silentLog } from "../../../lib/log.ts";

const options = { name: "test", everyMs: 60_000, log: silentLog };

Deno.test("Recurring runs once for many pokes before it begins", async () => {
  let looks = 0;
  const recurring = new Recurring(() => void looks++, options);
  for (let n = 0; n < 5; n++) recurring.poke();
  await recurring[Symbol.asyncDispose]();
  assert.equal(looks, 1);
});

Deno.test("Recurring looks again for a poke during a look, never twice at once", async () => {
  let running = 0;
  let looks = 0;
  const done = Promise.withResolvers<void>();
  const recurring = new Recurring(async () => {
    assert.equal(++running, 1);
    if (++looks === 1) { for (let n = 0; n < 5; n++) recurring.poke(); }
    else done.resolve();
    await Promise.resolve();
    running -= 1;
  }, options);
  recurring.poke();
  await done.promise;
  await recurring[Symbol.asyncDispose]();
  assert.equal(looks, 2);
});

Deno.test("Recurring survives work that pokes before it first waits", async () => {
  let looks = 0;
  const done = Promise.withResolvers<void>();
  const recurring = new Recurring(() => {
    if (++looks < 3) recurring.poke();
    else done.resolve();
  }, options);
  recurring.poke();
  await done.promise;
  await recurring[Symbol.asyncDispose]();
  assert.equal(looks, 3);
});

Deno.test("Recurring goes on after a failure, and by its timer", async () => {
  let looks = 0;
  const done = Promise.withResolvers<void>();
  const recurring = new Recurring(() => {
    if (++looks === 3) done.resolve();
    throw new Error("fails");
  }, { ...options, everyMs: 1 });
  recurring.poke();
  await done.promise;
  await recurring[Symbol.asyncDispose]();
});

Deno.test("Recurring tells its work to stop and waits for it", async () => {
  let ended = false;
  const begun = Promise.withResolvers<void>();
  const recurring = new Recurring(async (signal) => {
    begun.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended = true;
  }, options);
  recurring.poke();
  await begun.promise;
  await recurring[Symbol.asyncDispose]();
  assert.ok(ended);
  recurring.poke();
});
