/** A node that is drained while messages flow: its pollers go first, and nothing is lost or done twice. */
import assert from "node:assert/strict";
import type { NodeStatus } from "../../lib/contract/v1.ts";
import { AWS_ENV, SqsEmulator } from "../support/aws/sqs.ts";
import { TestCluster, until } from "../support/cluster.ts";
import type { LogLine, TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";
import { Collector, sendTasks, type Task } from "../support/queue_handler.ts";

/** So many messages wait or are being handled while they flow, in both queues together. */
const WAITING = 2000;
const LIMIT_MS = 60_000;
const NODES = 3;
const BATCH = 250;

const isOfSource = ({ role }: LogLine) => String(role).startsWith("source/");

/** A node with slots of both sources and an instance, once all instances serve. */
async function busyNode(cluster: TestCluster): Promise<TestNode> {
  return await until(LIMIT_MS, "a node that polls both queues", async () => {
    const listed: NodeStatus[] = JSON.parse(
      await cluster.nodes[0]!.run(["node", "ls", "--json"]),
    );
    const serving = listed.filter(({ runningComponents }) =>
      runningComponents.some(({ status }) => status === "active")
    );
    const busy = serving.find(({ sources, roles }) =>
      sources.length === 2 && sources.every(({ inFlight }) => inFlight > 0) &&
      ["source/tasks/", "source/sqs/"].every((slot) =>
        roles.some(({ role }) => role.startsWith(slot))
      )
    );
    if (serving.length < NODES || !busy) return undefined;
    return cluster.nodes.find(({ nodeId }) => nodeId === busy.nodeId);
  });
}

/** Messages of 100 ms, sent to both queues faster than they are handled, until they are enough. */
class Flow implements AsyncDisposable {
  /** Messages sent so far, in both queues together. */
  sent = 0;
  readonly #done: Promise<void>;
  #enough = false;

  constructor(
    private readonly node: TestNode,
    private readonly emulator: SqsEmulator,
    private readonly collector: Collector,
  ) {
    this.#done = this.#send();
    this.#done.catch(() => {}); // enough() tells.
  }

  /** Sends no more; resolves when all that was sent is on disk. */
  async enough(): Promise<void> {
    this.#enough = true;
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.enough();
  }

  async #send(): Promise<void> {
    for (let from = 0; !this.#enough; from += BATCH) {
      const tasks = (kind: string): Task[] =>
        Array.from({ length: BATCH }, (_, n) => ({ id: `${kind}-${from + n}`, takesMs: 100 }));
      const bodies = tasks("sqs").map((task) => ({ MessageBody: JSON.stringify(task) }));
      await this.emulator.send("images", bodies);
      await sendTasks(this.node, "jobs", tasks("own"));
      this.sent += 2 * BATCH;
      while (!this.#enough && this.sent - this.collector.handled.length > WAITING) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

Deno.test({
  name: "walk: a node that is drained hands its pollers over first, and finishes what it holds",
  ignore: lacksPostgres(),
}, async () => {
  await using emulator = await SqsEmulator.start();
  await using collector = new Collector();
  await using cluster = await TestCluster.start({ nodes: NODES, env: AWS_ENV });
  const [first] = cluster.nodes as [TestNode, ...TestNode[]];
  const slots = { maxConcurrency: 30, concurrencyPerPoller: 5 };
  const instances = { minInstances: NODES, maxConcurrency: 20, restartOrder: "startstop" } as const;
  await collector.put(first, { name: "jobs", ...slots }, instances);
  await emulator.createQueue("images");
  const { endpoint } = emulator;
  const sqs = { queueName: "images", path: "/", endpoint, messagesPerPoll: 10, ...slots };
  const source = { name: "sqs", componentName: "worker", sqs };
  await first.run(["es", "put", "-f", "-"], JSON.stringify(source));
  await using flow = new Flow(first, emulator, collector);

  const victim = await busyNode(cluster);
  const others = cluster.nodes.filter((node) => node !== victim);
  const from = victim.log.length;
  const fromMs = performance.now();
  const before = collector.handled.length;
  const said = await others[0]!.run(["node", "drain", victim.nodeId]);
  const drainedMs = performance.now();
  assert.match(said, /Node drained/);
  await flow.enough();
  const log = victim.log.slice(from);
  const handed = log.filter((line) => line.message === "role handed back" && isOfSource(line));
  assert.ok(handed.length >= 2, `${handed.length} pollers handed over`);
  const stoppedAt = log.findIndex(({ message }) => message === "stopping instance");
  assert.ok(stoppedAt > log.lastIndexOf(handed.at(-1)!), "its pollers went before its instances");

  await collector.reached(flow.sent, LIMIT_MS);
  await until(LIMIT_MS, "empty queues", async () => {
    const { waiting, inFlight } = await emulator.counts("images");
    const [queue] = JSON.parse(await first.run(["queue", "ls", "--json"]));
    const left = queue ? queue.ready + queue.delayed + queue.inFlight + queue.dead : 0;
    return waiting + inFlight + left === 0 || undefined;
  });
  assert.deepEqual(victim.log.slice(from).filter(({ message }) => message === "role won"), []);
  const duplicates = collector.handled.length - flow.sent;
  const times = collector.handled.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs);
  const gapMs = Math.max(...times.map((atMs, n) => atMs - (times[n - 1] ?? fromMs)));
  const perSecond = (count: number, ms: number) => (1000 * count / ms).toFixed(0);
  const during = times.filter((atMs) => atMs < drainedMs).length;
  const after = times.length - during;
  console.log(
    `${handed.length} pollers handed over; drained in ${Math.round(drainedMs - fromMs)} ms with ` +
      `${perSecond(during, drainedMs - fromMs)} messages/s, ` +
      `${perSecond(after, times.at(-1)! - drainedMs)} after it (${before} before); longest pause ` +
      `${Math.round(gapMs)} ms; handled twice: ${duplicates}`,
  );
  assert.ok(during > 0, "messages flowed while it was drained");
  assert.equal(duplicates, 0);

  const marks = cluster.nodes.map(({ log }) => log.length);
  const offMs = performance.now();
  await first.run(["es", "disable", "--component", "worker"]);
  await Promise.all(others.map((node) => {
    const isLast = ({ message, role }: LogLine) =>
      message === "role handed back" && String(role).startsWith("source/tasks/");
    return node.seen(isLast, { from: marks[cluster.nodes.indexOf(node)]! });
  }));
  const switchedMs = Math.round(performance.now() - offMs);
  console.log(`switched off at the nodes that poll within ${switchedMs} ms (goal 1000)`);
  assert.ok(switchedMs < 5000, `${switchedMs} ms`);
});
