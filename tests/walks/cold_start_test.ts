/**
 * What we add to a cold start: time to first byte, less what the engine took to create and start
 * the container and what the application took until it listened. Printed, not asserted.
 */
import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

const ROUNDS = 10;

Deno.test("walk: cold start in its phases", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  const rows: { create: number; start: number; app: number; total: number; ours: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const from = node.log.length;
    const begun = performance.now();
    const response = await fetch(`${node.url}/hello/listening`);
    const total = performance.now() - begun;
    assert.equal(response.status, 200);
    const listeningAtMs = Number(await response.text());
    const line = await node.seen(({ message }) => message === "instance serves", { from });
    const { createMs: create, startMs: start, startedAtMs } = line as Record<string, number>;
    const app = Math.max(0, listeningAtMs - startedAtMs!);
    rows.push({ create: create!, start: start!, app, total, ours: total - create! - start! - app });
    // The next round starts from nothing: a put makes a new version, and its removal stops it.
    await node.run(["comp", "rm", "hello"]);
    await node.hasContainers(0);
    await node.putSample("hello");
  }
  const median = (key: keyof typeof rows[number]) =>
    rows.map((row) => row[key]).sort((a, b) => a - b)[ROUNDS / 2]!.toFixed(1);
  const phases = (["create", "start", "app", "total", "ours"] as const)
    .map((key) => `${key} ${median(key)} ms`).join(", ");
  console.log(`cold start, median of ${ROUNDS}: ${phases} (goal for ours: 20 ms)`);
});
