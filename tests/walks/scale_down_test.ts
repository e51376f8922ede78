/**
 * How far the load has to fall before an instance is stopped. Takes more than a minute, because the
 * highest load counts for so long.
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../support/cluster.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 150_000;
/** More than one instance takes. */
const BURST = 12;
/** What one instance takes, with room for a machine on which the burst lasts. */
const STEADY = 7;

Deno.test("walk: instances go when the load is below scaleDownConcurrencyPct, and no request fails", async () => {
  await using node = await TestNode.start();
  const fields = { maxConcurrency: 10, scaleUpConcurrencyPct: 1, maxInstances: 2 };
  // 7 of 20 at once: below 0.9 and above the 0.25 of the default.
  await node.putSample("keen", {}, { ...fields, scaleDownConcurrencyPct: 0.9 });
  await node.putSample("calm", {}, fields);
  const count = async (component: string) => {
    const labels = [`maelstrom_node=${node.nodeId}`, `maelstrom_component=${component}`];
    return (await node.docker.listContainers({ labels }, AbortSignal.timeout(9000))).length;
  };
  const statuses = new Map<number, number>();
  const send = async (component: string) => {
    const { status, body } = await fetch(`${node.url}/${component}/sleep?ms=1000`);
    await body?.cancel();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  const stop = new AbortController();
  const load = ["keen", "calm"].flatMap((component) =>
    Array.from({ length: BURST }, async (_, index) => {
      const isWanted = async () => index < STEADY || await count(component) < 2;
      while (!stop.signal.aborted && await isWanted()) await send(component);
    })
  );
  const begunMs = performance.now();
  for (const component of ["keen", "calm"]) {
    await until(
      LIMIT_MS,
      `two of ${component}`,
      async () => await count(component) === 2 || undefined,
    );
  }
  await until(LIMIT_MS, "one of keen", async () => await count("keen") === 1 || undefined);
  console.log(`one instance less after ${((performance.now() - begunMs) / 1000).toFixed(0)} s`);
  assert.equal(await count("calm"), 2);
  stop.abort();
  await Promise.all(load);
  assert.deepEqual([...statuses.keys()], [200]);
});
