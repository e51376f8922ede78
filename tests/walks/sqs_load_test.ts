/**
 * Many messages of SQS: none lost when a node dies, as fast as a plain consumer, and soon at full
 * concurrency. `MAELSTROM_TEST_MESSAGES` says how many; the suite takes fewer than the 10,000 of a full run.
 * @module
 */
import assert from "node:assert/strict";
import {
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import type { ComponentInfo } from "../../lib/contract/v1.ts";
import { AWS_ENV, SqsEmulator } from "../support/aws/sqs.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { MessageHandler } from "../support/message_handler.ts";
import { type LogLine, TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";

const MESSAGES = Number(Deno.env.get("MAELSTROM_TEST_MESSAGES") || 1500);
const LIMIT_MS = 30_000 + MESSAGES * 20;
const VISIBILITY_SECONDS = 10;

const tasks = (count: number, of: (n: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, n) => ({ MessageBody: JSON.stringify({ n, ...of(n) }) }));

async function putSqs(node: TestNode, emulator: SqsEmulator, sqs: object): Promise<void> {
  const { endpoint } = emulator;
  const source = {
    name: "load",
    componentName: "job",
    sqs: { queueName: "load", path: "/", endpoint, messagesPerPoll: 10, ...sqs },
  };
  await node.run(["es", "put", "-f", "-"], JSON.stringify(source));
}

/** The queue holds nothing, and nobody has anything of it. */
async function isEmpty(emulator: SqsEmulator): Promise<void> {
  await until(LIMIT_MS, "the queue to be empty", async () => {
    const { waiting, inFlight } = await emulator.counts("load");
    return waiting + inFlight === 0 ? true : undefined;
  });
}

Deno.test({
  name: "walk: two nodes, one killed half-way: every message is handled, failing ones end apart",
  ignore: lacksPostgres(),
}, async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler();
  await using cluster = await TestCluster.start({ nodes: 2, env: AWS_ENV });
  const [first, second] = cluster.nodes as [TestNode, TestNode];
  await handler.putOn(first, "job", { maxConcurrency: 20, maxInstances: 2 });
  const VisibilityTimeout = String(VISIBILITY_SECONDS);
  await emulator.createWithDeadLetters("load", 3, { VisibilityTimeout });
  const isFailing = (n: number) => n % 20 === 7;
  await emulator.send("load", tasks(MESSAGES, (n) => ({ fails: isFailing(n), ms: 5 })));
  const sqs = { maxConcurrency: 40, visibilityTimeout: VISIBILITY_SECONDS };
  const begunMs = performance.now();
  await putSqs(first, emulator, sqs);
  await handler.until("half of them", ({ length }) => length >= MESSAGES / 2, LIMIT_MS);
  await second.kill();
  await isEmpty(emulator);
  const seconds = (performance.now() - begunMs) / 1000;
  for (const { log, nodeId } of [first, second]) {
    const isSlot = ({ message, role }: LogLine) =>
      message === "role won" && String(role).startsWith("source/load/");
    assert.ok(log.some(isSlot), `${nodeId} polled too`);
  }
  const numbers = handler.numbers();
  const seen = new Set(numbers);
  assert.equal(seen.size, MESSAGES, "every message was handled");
  const failing = [...seen].filter(isFailing).length;
  assert.equal((await emulator.counts("load-dead")).waiting, failing, "dead letters");
  const duplicates = numbers.length - MESSAGES - 2 * failing;
  console.log(
    `${MESSAGES} messages in ${seconds.toFixed(1)} s, ${failing} of them to the dead letters ` +
      `after 3 deliveries; ${duplicates} other duplicates`,
  );
  assert.ok(duplicates <= 200, `${duplicates} duplicates`);
});

/** What one writes without us: receives ten, has them handled at once, deletes them. */
async function plainConsumer({ client }: SqsEmulator, url: string, loops: number): Promise<void> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: "load" }));
  const loop = async () => {
    while (true) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return;
      await Promise.all(Messages.map(async ({ Body }) => {
        const response = await fetch(url, { method: "POST", body: Body! });
        await response.text();
      }));
      const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
}

Deno.test("walk: messages go through nearly as fast as with a plain consumer", async () => {
  await using emulator = await SqsEmulator.start();
  await using node = await TestNode.start({ env: AWS_ENV });
  await node.putSample("job", {}, { maxConcurrency: 20, minInstances: 1, maxInstances: 1 });
  const [name] = await node.hasContainers(1);
  const detail = await node.docker.inspectContainer(name!, AbortSignal.timeout(5000));
  const address = detail!.addresses["bridge"];
  await emulator.createQueue("load");
  await putSqs(node, emulator, { maxConcurrency: 20, concurrencyPerPoller: 20 });
  const seconds: Record<string, number[]> = { plain: [], ours: [] };
  for (let round = 0; round < 2; round++) {
    await node.run(["es", "disable", "--type", "sqs"]);
    await emulator.send("load", tasks(MESSAGES));
    const plainMs = performance.now();
    await plainConsumer(emulator, `http://${address}:8080/`, 2);
    seconds["plain"]!.push((performance.now() - plainMs) / 1000);
    await emulator.send("load", tasks(MESSAGES));
    const from = node.log.length;
    const enabled = node.run(["es", "enable", "--type", "sqs"]);
    await node.seen(({ message, role }) => message === "role won" && role === "source/load/0", {
      from,
    });
    const oursMs = performance.now();
    await enabled;
    await isEmpty(emulator);
    seconds["ours"]!.push((performance.now() - oursMs) / 1000);
  }
  const rate = (of: string) => MESSAGES / Math.min(...seconds[of]!);
  const ratio = rate("ours") / rate("plain");
  console.log(
    `plain consumer ${rate("plain").toFixed(0)} messages/s, ours ${rate("ours").toFixed(0)} ` +
      `messages/s: ${ratio.toFixed(2)} ×`,
  );
  // A shared machine; the figure is printed to be read.
  assert.ok(ratio > 0.2, `${ratio} × the plain consumer`);
});

Deno.test("walk: a full queue brings 1 to 100 requests at once within seconds", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler(() => ({ ms: 4000 }));
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job", { maxConcurrency: 25 });
  await emulator.createQueue("load");
  await emulator.send("load", tasks(500));
  const begunMs = performance.now();
  await putSqs(node, emulator, { maxConcurrency: 100 });
  await until(30_000, "100 at once", async () => {
    const infos: ComponentInfo[] = JSON.parse(await node.run(["ps", "--json"]));
    const inFlight = infos.reduce((sum, info) => sum + info.inFlight, 0);
    return inFlight >= 100 ? true : undefined;
  });
  const seconds = (performance.now() - begunMs) / 1000;
  console.log(`1 to 100 at once in ${seconds.toFixed(1)} s, the first start included`);
  assert.ok(seconds <= 15, `${seconds} s`);
});
