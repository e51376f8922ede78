import assert from "node:assert/strict";
import {
  checkHealth,
  watchHealth,
  type WatchOptions,
  withNews,
  withResult,
} from "../../../daemon/converger/health.ts";
import type { HealthResult } from "../../../lib/contract/v1.ts";

const never = new AbortController().signal;

function result(healthy: boolean, at = 0): HealthResult {
  return { at, healthy, detail: healthy ? "status 200" : "status 503" };
}

/** Watches checks that come out as `outcomes` say; aborts when they are used up. */
async function watched(outcomes: readonly boolean[], parts: Partial<WatchOptions> = {}) {
  const end = new AbortController();
  const failures: number[] = [];
  const left = [...outcomes];
  const isUnwell = await watchHealth({
    everyMs: 1,
    failuresMax: 2,
    first: "at once",
    check: () => Promise.resolve(result(left.shift()!)),
    checked(_result, count) {
      failures.push(count);
      if (left.length === 0) end.abort();
    },
    ...parts,
  }, end.signal);
  return { isUnwell, failures, unused: left.length };
}

const cases: { name: string; outcomes: boolean[]; failuresMax: number; unwell: boolean }[] = [
  { name: "all are healthy", outcomes: [true, true, true], failuresMax: 1, unwell: false },
  { name: "the only one allowed fails", outcomes: [false], failuresMax: 1, unwell: true },
  { name: "one of two fails", outcomes: [false, true], failuresMax: 2, unwell: false },
  {
    name: "failures are not in a row",
    outcomes: [false, true, false],
    failuresMax: 2,
    unwell: false,
  },
  {
    name: "as many fail as are too many",
    outcomes: [true, false, false],
    failuresMax: 2,
    unwell: true,
  },
];
for (const { name, outcomes, failuresMax, unwell } of cases) {
  Deno.test(`watchHealth() is ${unwell} when ${name}`, async () => {
    const { isUnwell, unused } = await watched(outcomes, { failuresMax });
    assert.deepEqual([isUnwell, unused], [unwell, 0]);
  });
}

Deno.test("watchHealth() ends at the last failure that is allowed, and counts anew after a success", async () => {
  const { failures, unused } = await watched([false, true, false, false, true]);
  assert.deepEqual(failures, [1, 0, 1, 2]);
  assert.equal(unused, 1);
});

Deno.test("watchHealth() ends with its signal while it waits", async () => {
  const end = new AbortController();
  const watching = watchHealth({
    everyMs: 1e6,
    failuresMax: 1,
    first: "spread",
    random: () => 1,
    check: () => assert.fail("it was not time yet"),
    checked: () => {},
  }, end.signal);
  end.abort();
  assert.equal(await watching, false);
});

Deno.test("checkHealth() says what was found", async () => {
  let status = 302;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(null, { status }),
  );
  const { hostname, port } = server.addr;
  const check = { address: { hostname, port }, path: "/health" };
  const { healthy, detail } = await checkHealth(check, never);
  assert.deepEqual({ healthy, detail }, { healthy: true, detail: "status 302" });
  status = 404;
  assert.equal((await checkHealth(check, never)).healthy, false);
  await server.shutdown();
  const refused = await checkHealth(check, never);
  assert.equal(refused.healthy, false);
  assert.match(refused.detail, /refused/i);
  await assert.rejects(checkHealth(check, AbortSignal.abort()), { name: "AbortError" });
});

Deno.test("withResult() keeps the last five", () => {
  let results: readonly HealthResult[] = [];
  for (let at = 1; at <= 7; at++) results = withResult(results, result(true, at));
  assert.deepEqual(results.map(({ at }) => at), [3, 4, 5, 6, 7]);
});

Deno.test("withNews() tells a repetition by its latest time only", () => {
  const first = [result(true, 1), result(false, 2)];
  assert.deepEqual(withNews(first, result(false, 3)), [result(true, 1), result(false, 3)]);
  assert.deepEqual(withNews(first, result(true, 3)).length, 3);
  assert.deepEqual(withNews([], result(true, 3)), [result(true, 3)]);
  assert.equal(first[1]!.at, 2);
});
