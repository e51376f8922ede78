import assert from "node:assert/strict";
import { Instance, WINDOW_MS } from "../../../daemon/router/instance.ts";

function setUp() {
  const clock = { ms: 1_000_000 };
  const address = { hostname: "127.0.0.1", port: 9 };
  const instance = new Instance({ id: "a", address, admits: 9, now: () => clock.ms });
  return { clock, instance };
}

Deno.test("Instance.activity() averages requests in progress over each window", () => {
  const { clock, instance } = setUp();
  instance.claim();
  instance.claim();
  clock.ms += WINDOW_MS / 2;
  instance.release();
  clock.ms += WINDOW_MS / 2;
  assert.deepEqual(instance.activity(), [{ requests: 1, concurrency: 1.5 }]);
});

Deno.test("Instance.activity() shows a long request in every window it spans", () => {
  const { clock, instance } = setUp();
  instance.claim();
  clock.ms += 3 * WINDOW_MS;
  instance.release();
  assert.deepEqual(instance.activity().map(({ concurrency }) => concurrency), [1, 1, 1]);
});

Deno.test("Instance.activity() keeps the newest ten windows, newest first", () => {
  const { clock, instance } = setUp();
  clock.ms += 11 * WINDOW_MS;
  instance.claim();
  clock.ms += WINDOW_MS;
  const activity = instance.activity();
  assert.equal(activity.length, 10);
  assert.equal(activity[0]?.concurrency, 1);
  assert.equal(activity[1]?.concurrency, 0);
});

Deno.test("Instance survives a clock that goes back", () => {
  const { clock, instance } = setUp();
  instance.claim();
  clock.ms -= 5000;
  instance.release();
  clock.ms += 5000 + WINDOW_MS;
  for (const { concurrency } of instance.activity()) assert.ok(concurrency >= 0);
});

Deno.test("Instance.release() refuses what was not claimed", () => {
  const { instance } = setUp();
  assert.throws(() => instance.release(), /released more than claimed/);
});
