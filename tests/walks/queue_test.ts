/** The node's own queues, from a send to a component's answer, and what is left when nodes die. */
import assert from "node:assert/strict";
import type { QueuedMessage, QueueInfo } from "../../lib/contract/queues.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";
import { Collector, sendTasks, type Task } from "../support/queue_handler.ts";

/** The whole test has 10000. */
const MESSAGES = Number(Deno.env.get("MAELSTROM_TEST_MESSAGES") ?? 1000);
const LIMIT_MS = 60_000 + MESSAGES * 30;

async function queue(node: TestNode, name: string): Promise<QueueInfo> {
  const queues: QueueInfo[] = JSON.parse(await node.run(["queue", "ls", "--json"]));
  return queues.find((queue) => queue.name === name)!;
}

/** Tasks of which each twentieth fails. */
function tasksOf(count: number): Task[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `task-${index}`,
    fails: index % 20 === 7,
  }));
}

/** Resolves when nothing of `jobs` is left to be done. */
async function emptied(node: TestNode): Promise<void> {
  await until(LIMIT_MS, "the queue to be empty", async () => {
    const { ready, delayed, inFlight } = await queue(node, "jobs");
    return ready + delayed + inFlight === 0 || undefined;
  });
}

/** Every task was handled, the failing ones are among the dead letters; tells of duplicates. */
async function checkAll(node: TestNode, collector: Collector, tasks: readonly Task[]) {
  const good = tasks.filter(({ fails }) => !fails).map(({ id }) => id);
  const successes = collector.successes();
  assert.deepEqual([...successes.keys()].toSorted(), good.toSorted());
  const bad = tasks.filter(({ fails }) => fails).map(({ id }) => id);
  assert.equal((await queue(node, "jobs")).dead, bad.length);
  const peek = ["queue", "peek", "jobs", "--dead", "-n", "100", "--json"];
  const dead: QueuedMessage[] = JSON.parse(await node.run(peek));
  for (const { body, failure } of dead) {
    assert.ok(bad.includes(JSON.parse(body).id));
    assert.match(failure ?? "", /^status 500: no$|^no node told|^no answer$/);
  }
  const handlings = [...successes.values()].reduce((sum, count) => sum + count, 0);
  return handlings - good.length;
}

Deno.test("walk: a node is killed in the middle of its queue, and nothing is lost", async () => {
  await using collector = new Collector();
  await using node = await TestNode.start();
  await collector.put(node, {
    name: "jobs",
    maxConcurrency: 50,
    visibilitySeconds: 4,
    maxReceives: 3,
  });
  const tasks = tasksOf(MESSAGES);
  const sentMs = performance.now();
  await sendTasks(node, "jobs", tasks);
  const begunMs = performance.now();
  await collector.reached(MESSAGES / 2, LIMIT_MS);
  const halfMs = performance.now() - begunMs;
  await node.kill();
  await node.start();
  await emptied(node);
  const duplicates = await checkAll(node, collector, tasks);
  console.log(
    `${MESSAGES} messages sent in ${Math.round(begunMs - sentMs)} ms; the first half, with the ` +
      `start of its instance, in ${Math.round(halfMs)} ms; handled twice: ${duplicates}`,
  );
  const redriven = await node.run(["queue", "redrive", "jobs"]);
  assert.equal(redriven, `Messages moved back: ${MESSAGES / 20}\n`);
});

if (!lacksPostgres()) {
  Deno.test("walk: one of two nodes is killed in the middle of a queue", async () => {
    await using collector = new Collector();
    await using cluster = await TestCluster.start({ nodes: 2 });
    const [first, second] = cluster.nodes as [TestNode, TestNode];
    await collector.put(first, {
      name: "jobs",
      maxConcurrency: 100,
      visibilitySeconds: 4,
      maxReceives: 3,
    });
    const tasks = tasksOf(MESSAGES);
    await sendTasks(second, "jobs", tasks);
    const begunMs = performance.now();
    await collector.reached(MESSAGES / 2, LIMIT_MS);
    await first.kill();
    await emptied(second);
    const ms = performance.now() - begunMs;
    const duplicates = await checkAll(second, collector, tasks);
    console.log(
      `${MESSAGES} messages over two nodes, one killed: ${Math.round(ms)} ms; handled twice: ` +
        duplicates,
    );
    await first.start();
  });
}

Deno.test("walk: a handler slower than the visibility is not sent its message twice", async () => {
  await using collector = new Collector();
  await using node = await TestNode.start();
  await collector.put(node, { name: "jobs", visibilitySeconds: 4 });
  await sendTasks(node, "jobs", [{ id: "slow", takesMs: 10_000 }]);
  await collector.reached(1, 60_000);
  await emptied(node);
  assert.equal(collector.handled.length, 1);
  const [{ headers }] = collector.handled as [Collector["handled"][number]];
  assert.deepEqual(
    [headers["mael-queue"], headers["mael-receive-count"]],
    ["jobs", "1"],
  );
});

Deno.test("walk: programs send to open queues, and a message comes as it was sent", async () => {
  await using collector = new Collector();
  await using node = await TestNode.start();
  await collector.put(node, { name: "jobs", open: true });
  await node.run(
    ["es", "put", "-f", "-"],
    JSON.stringify({
      name: "closed",
      componentName: "worker",
      queue: { name: "closed", path: "/" },
    }),
  );
  const send = (name: string) =>
    fetch(`http://127.0.0.1:${node.privatePort}/queues/${name}?priority=3`, {
      method: "POST",
      headers: { "content-type": "application/json", "mael-attribute-kind": "jpeg" },
      body: '{"id":"sent"}',
    });
  const closed = await send("closed");
  assert.deepEqual([closed.status, /it is not open/.test(await closed.text())], [403, true]);
  const open = await send("jobs");
  const { id } = await open.json();
  assert.equal(open.status, 201);
  await collector.reached(1, 60_000);
  const { headers } = collector.handled[0]!;
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["mael-attribute-kind"], "jpeg");
  assert.equal(headers["mael-message-id"], id);
  assert.equal(headers["mael-event-source"], "tasks");

  // From inside a container, with what every container knows.
  const [container = ""] = await node.hasContainers(1);
  const script = `
    const url = Deno.env.get("MAELSTROM_PRIVATE_URL") + "/queues/";
    for (const name of ["jobs", "closed"]) {
      const answer = await fetch(url + name, { method: "POST", body: '{"id":"inside"}' });
      console.log(answer.status);
    }`;
  const signal = AbortSignal.timeout(30_000);
  const command = ["/bin/deno", "eval", "--quiet", script];
  const ran = await node.docker.exec(container, command, { timeoutMs: 30_000, signal });
  assert.equal(ran.stdout, "201\n403\n", ran.stderr);
  await collector.reached(2, 60_000);
});
