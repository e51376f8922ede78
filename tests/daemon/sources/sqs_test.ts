/** Queues of SQS, against an emulator. @module */
import assert from "node:assert/strict";
import { naturally, SqsQueues } from "../../../daemon/sources/sqs_queues.ts";
import { SqsSource } from "../../../daemon/sources/sqs.ts";
import type { Message } from "../../../daemon/sources/message_source.ts";
import type { SqsEventSource } from "../../../lib/contract/v1.ts";
import { AWS_ENV, SqsEmulator } from "../../support/aws/sqs.ts";

for (const [name, value] of Object.entries(AWS_ENV)) Deno.env.set(name, value);

const signal = AbortSignal.timeout(60_000);
const emulator = await SqsEmulator.start();
globalThis.addEventListener("unload", () => void emulator[Symbol.asyncDispose]());

function open(source: Partial<SqsEventSource>, visibilitySeconds = 30): SqsSource {
  const { endpoint } = emulator;
  return new SqsSource({ queueName: "none", path: "/", endpoint, ...source }, visibilitySeconds);
}

const bodies = (messages: readonly Message[]) => messages.map(({ body }) => body);

Deno.test("SqsSource.receive() tells what a message carries, and done() deletes it", async () => {
  await emulator.createQueue("whole");
  await emulator.send("whole", [{
    MessageBody: "body",
    MessageAttributes: {
      Kind: { DataType: "String", StringValue: "größe" },
      Raw: { DataType: "Binary", BinaryValue: new Uint8Array([1, 2, 255]) },
    },
  }]);
  await using source = open({ queueName: "whole" });
  const [message, ...others] = await source.receive(10, signal);
  assert.deepEqual(others, []);
  const { id, receipt, headers, ...rest } = message!;
  assert.deepEqual(rest, { queue: "whole", body: "body", receiveCount: 1, priority: 1 });
  assert.ok(id && receipt);
  const attributes = headers.filter(([name]) => name !== "Mael-Message-Sent").toSorted();
  assert.deepEqual(attributes, [["Mael-Attribute-Kind", "größe"], ["Mael-Attribute-Raw", "AQL/"]]);
  assert.deepEqual(await emulator.counts("whole"), { waiting: 0, inFlight: 1 });
  await source.done(message!);
  assert.deepEqual(await emulator.counts("whole"), { waiting: 0, inFlight: 0 });
  await assert.rejects(source.extend(message!, 5, signal), { code: "not_found" });
});

Deno.test("SqsSource.failed() lets a message come again, counted", async () => {
  await emulator.createQueue("again");
  await emulator.send("again", [{ MessageBody: "one" }]);
  await using source = open({ queueName: "again" });
  const [first] = await source.receive(1, signal);
  await source.failed(first!, 0, undefined, signal);
  const [second] = await source.receive(1, signal);
  assert.equal(second?.receiveCount, 2);
  assert.equal(second?.id, first?.id);
});

Deno.test("SqsSource.giveBack() lets others have a message at once", async () => {
  await emulator.createQueue("back");
  await emulator.send("back", [{ MessageBody: "one" }]);
  await using source = open({ queueName: "back" });
  const [message] = await source.receive(1, signal);
  await source.giveBack(message!, signal);
  assert.deepEqual(await emulator.counts("back"), { waiting: 1, inFlight: 0 });
});

Deno.test("SqsSource.receive() reads queues of a prefix in natural order, first ones first", async () => {
  for (const name of ["q-10", "q-2", "q-1"]) await emulator.createQueue(name);
  const many = Array.from({ length: 10 }, (_, n) => ({ MessageBody: `two ${n}` }));
  await emulator.send("q-2", many);
  await emulator.send("q-10", [{ MessageBody: "ten" }]);
  await using source = open({ queueName: "q-", nameAsPrefix: true });
  const first = await source.receive(2, signal);
  assert.deepEqual(bodies(first), ["two 0", "two 1"]);
  await emulator.send("q-1", [{ MessageBody: "one" }]);
  const second = await source.receive(2, signal);
  assert.deepEqual(bodies(second), ["one"], "overtakes within one poll");
  assert.ok(second[0]!.priority! > first[0]!.priority!, "and before those that were taken ahead");
  const rest: string[] = [];
  while (rest.length < 9) rest.push(...bodies(await source.receive(10, signal)));
  assert.deepEqual(rest.at(-1), "ten", "waits for all before it");
  assert.deepEqual(await source.receive(10, signal), []);
  await emulator.send("q-2", [{ MessageBody: "late" }]);
  const late: string[] = [];
  while (late.length === 0) late.push(...bodies(await source.receive(1, signal)));
  assert.deepEqual(late, ["late"], "found when all were empty");
});

Deno.test("SqsQueues.list() finds new queues of a prefix after half a minute", async () => {
  let nowMs = 0;
  const prefix = { queueName: "new-", nameAsPrefix: true, path: "/" };
  const queues = new SqsQueues(emulator.client, prefix, () => nowMs);
  const names = async () => (await queues.list()).map(({ name }) => name);
  await emulator.createQueue("new-2");
  assert.deepEqual(await names(), ["new-2"]);
  await emulator.createQueue("new-1");
  nowMs = 29_000;
  assert.deepEqual(await names(), ["new-2"]);
  nowMs = 31_000;
  assert.deepEqual(await names(), ["new-1", "new-2"]);
});

Deno.test("SqsSource leaves dead-letter queues of its prefix alone, and counts them", async () => {
  await emulator.createWithDeadLetters("letters", 1);
  await emulator.send("letters", [{ MessageBody: "a" }, { MessageBody: "b" }]);
  await emulator.send("letters-dead", [{ MessageBody: "dead" }]);
  await using source = open({ queueName: "letters", nameAsPrefix: true });
  assert.deepEqual(await source.depth(signal), { waiting: 2, dead: 1 });
  assert.deepEqual(bodies(await source.receive(10, signal)), ["a", "b"]);
});

Deno.test("SqsSource.receive() says which queue does not exist, and finds it later", async () => {
  await using source = open({ queueName: "later" });
  await assert.rejects(source.receive(1, signal), {
    code: "not_found",
    message: /^Cannot find SQS queue "later": QueueDoesNotExist: /,
  });
  await using prefixed = open({ queueName: "late", nameAsPrefix: true });
  await assert.rejects(prefixed.receive(1, signal), {
    code: "not_found",
    message: 'Cannot find SQS queues: the name of none begins with "late"',
  });
  await emulator.createQueue("later");
  await emulator.send("later", [{ MessageBody: "one" }]);
  assert.deepEqual(bodies(await source.receive(1, signal)), ["one"]);
});

Deno.test("SqsSource.receive() keeps the order of a group, and the group from others", async () => {
  await emulator.createQueue("order.fifo", {
    FifoQueue: "true",
    ContentBasedDeduplication: "true",
  });
  await emulator.send(
    "order.fifo",
    ["a1", "a2", "b1"].map((MessageBody) => ({ MessageBody, MessageGroupId: MessageBody[0] })),
  );
  await using source = open({ queueName: "order.fifo" });
  const first = await source.receive(1, signal);
  assert.deepEqual(first.map(({ body, group }) => [body, group]), [["a1", "a"]]);
  assert.deepEqual(bodies(await source.receive(10, signal)), ["b1"]);
  await source.done(first[0]!);
  assert.deepEqual(bodies(await source.receive(10, signal)), ["a2"]);
});

Deno.test("SqsSource.receive() ends when its signal aborts", async () => {
  await emulator.createQueue("quiet");
  await using source = open({ queueName: "quiet" });
  const stop = new AbortController();
  const received = source.receive(1, stop.signal);
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(received, { name: "AbortError" });
});

Deno.test("naturally() reads numbers as such", () => {
  const names = ["q-10", "q-2", "q-1", "q", "q-1.fifo"].toSorted(naturally);
  assert.deepEqual(names, ["q", "q-1", "q-1.fifo", "q-2", "q-10"]);
});
