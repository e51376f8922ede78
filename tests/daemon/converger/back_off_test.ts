import assert from "node:assert/strict";
import { BackOff } from "../../../daemon/converger/back_off.ts";
import { MaelstromError } from "../../../lib/errors.ts";

function setUp() {
  const clock = { ms: 1_000_000 };
  const backOff = new BackOff(() => clock.ms);
  const fail = (message = "no") => {
    const error = new MaelstromError("start_failed", message, { lines: ["last words"] });
    return backOff.fail({ componentVersion: 4, error, health: [] });
  };
  return { backOff, clock, fail };
}

Deno.test("BackOff.fail() waits twice as long each time, a minute at most", () => {
  const { backOff, clock, fail } = setUp();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    waits.push(fail());
    clock.ms += backOff.leftMs;
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

Deno.test("BackOff.fail() begins anew a minute after a try was due", () => {
  const { backOff, clock, fail } = setUp();
  fail();
  assert.equal(fail(), 2000);
  clock.ms += backOff.leftMs + 60_000;
  assert.equal(fail(), 1000);
});

Deno.test("BackOff.blocked gives the reason until the next try is due", () => {
  const { backOff, clock, fail } = setUp();
  const reason = () => backOff.blocked?.message;
  assert.equal(reason(), undefined);
  fail("process exited");
  assert.equal(reason(), "process exited");
  clock.ms += 1000;
  assert.equal(reason(), undefined);
  assert.equal(backOff.leftMs, 0);
});

Deno.test("BackOff.failure stays while tries fail, and goes with a success", () => {
  const { backOff, clock, fail } = setUp();
  assert.equal(backOff.failure, undefined);
  fail();
  clock.ms += 5000;
  assert.deepEqual(backOff.failure, {
    componentVersion: 4,
    message: "no",
    attempts: 1,
    retryAt: 1_001_000,
    lines: ["last words"],
    health: [],
  });
  backOff.succeed();
  assert.equal(backOff.failure, undefined);
});

Deno.test("BackOff counts on when what started did not last", () => {
  const { backOff, clock, fail } = setUp();
  fail();
  clock.ms += 1000;
  backOff.succeed();
  clock.ms += 3000;
  assert.equal(fail(), 2000);
  assert.equal(backOff.failure?.attempts, 2);
});

Deno.test("BackOff.reset() forgets what another version did", () => {
  const { backOff, fail } = setUp();
  fail();
  backOff.reset();
  assert.deepEqual([backOff.blocked, backOff.failure, backOff.leftMs], [undefined, undefined, 0]);
  assert.equal(fail(), 1000);
});
