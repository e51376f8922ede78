import { strict as assert } from "node:assert";
import { Limiter } from "../../../lib/async/limiter.ts";

const never = new AbortController().signal;

/** Work that goes on until it is told to end. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = false;
  return {
    run: () => {
      begun = true;
      return promise;
    },
    end: resolve,
    get begun() {
      return begun;
    },
  };
}

/** Lets everything that can go on now do so. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("Limiter.run() lets the first ones go on and the others wait their turn", async () => {
  const limiter = new Limiter(2);
  const works = Array.from({ length: 4 }, work);
  const runs = works.map(({ run }) => limiter.run(run, never));
  const begun = () => works.map((one) => one.begun);
  await settle();
  assert.deepEqual(begun(), [true, true, false, false]);
  works[1]!.end();
  await settle();
  assert.deepEqual(begun(), [true, true, true, false]);
  for (const { end } of works) end();
  await Promise.all(runs);
  assert.deepEqual(begun(), [true, true, true, true]);
});

Deno.test("Limiter.run() gives the turn on when the work fails", async () => {
  const limiter = new Limiter(1);
  const failing = limiter.run(() => Promise.reject(new Error("failed")), never);
  const next = limiter.run(() => Promise.resolve("next"), never);
  await assert.rejects(failing, /failed/);
  assert.equal(await next, "next");
});

Deno.test("Limiter.run() forgets who gave up waiting", async () => {
  const limiter = new Limiter(1);
  const first = work();
  const running = limiter.run(first.run, never);
  const giveUp = new AbortController();
  const left = work();
  const waiting = limiter.run(left.run, giveUp.signal);
  giveUp.abort(new Error("left"));
  await assert.rejects(waiting, /left/);
  first.end();
  await running;
  assert.equal(await limiter.run(() => Promise.resolve(1), never), 1);
  assert.equal(left.begun, false);
});
