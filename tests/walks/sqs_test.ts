/** Queues of SQS: what a component is sent, and what becomes of messages when things fail. @module */
import assert from "node:assert/strict";
import { AWS_ENV, SqsEmulator } from "../support/aws/sqs.ts";
import { until } from "../support/cluster.ts";
import { MessageHandler } from "../support/message_handler.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 30_000;

const task = (n: number, more: object = {}) => ({ MessageBody: JSON.stringify({ n, ...more }) });

async function putSqs(node: TestNode, emulator: SqsEmulator, sqs: object): Promise<void> {
  const { endpoint } = emulator;
  const source = { name: "images", componentName: "job", sqs: { path: "/", endpoint, ...sqs } };
  await node.run(["es", "put", "-f", "-"], JSON.stringify(source));
}

/** The queue holds `count` messages, and nobody has one. */
async function isEmpty(emulator: SqsEmulator, queue: string, count = 0): Promise<void> {
  await until(LIMIT_MS, `${queue} to hold ${count}`, async () => {
    const { waiting, inFlight } = await emulator.counts(queue);
    return waiting === count && inFlight === 0 ? true : undefined;
  });
}

/** Something was delivered, and then the queue was empty. */
async function isEmptyAfter(
  handler: MessageHandler,
  emulator: SqsEmulator,
  queue: string,
): Promise<void> {
  await handler.until("a delivery", (delivered) => delivered.length > 0);
  await isEmpty(emulator, queue);
}

Deno.test("walk: a message starts a component, tells what it is, and goes after a 2xx", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler(() => ({ status: 204, body: null as never }));
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createQueue("images");
  await putSqs(node, emulator, { queueName: "images", path: "/image" });
  const Kind = { DataType: "String", StringValue: "größe" };
  await emulator.send("images", [{ MessageBody: "plain", MessageAttributes: { Kind } }]);
  await handler.until("a delivery", (delivered) => delivered.length > 0);
  const { path, headers, body } = handler.delivered[0]!;
  assert.deepEqual([path, body], ["/image", "plain"]);
  assert.equal(headers["mael-event-source"], "images");
  assert.equal(headers["mael-queue"], "images");
  assert.equal(headers["mael-receive-count"], "1");
  assert.equal(headers["mael-attribute-kind"], "gr%C3%B6%C3%9Fe");
  assert.match(headers["mael-message-id"]!, /^[\w-]{8,}$/);
  assert.equal(headers["maelstrom-relay-pass"], undefined);
  await isEmpty(emulator, "images");
});

Deno.test("walk: a handler that is slower than the visibility gets its message once", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler();
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createQueue("slow");
  await putSqs(node, emulator, { queueName: "slow", visibilityTimeout: 4 });
  await emulator.send("slow", [task(1, { ms: 10_000 })]);
  await isEmptyAfter(handler, emulator, "slow");
  assert.deepEqual(handler.numbers(), [1]);
});

Deno.test("walk: what fails comes again, and ends in the dead-letter queue", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler();
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createWithDeadLetters("images", 3);
  await putSqs(node, emulator, { queueName: "images" });
  await emulator.send("images", [task(1), task(2, { fails: true })]);
  await until(LIMIT_MS, "a dead letter", async () => {
    const { waiting } = await emulator.counts("images-dead");
    return waiting === 1 ? true : undefined;
  });
  assert.deepEqual(handler.numbers().toSorted(), [1, 2, 2, 2]);
  const counts = handler.delivered.filter(({ body }) => JSON.parse(body).n === 2)
    .map(({ headers }) => headers["mael-receive-count"]);
  assert.deepEqual(counts, ["1", "2", "3"]);
  await until(LIMIT_MS, "es ls to tell of it", async () => {
    const shown = await node.run(["es", "ls"]);
    return shown.includes("images: 1 dead letter\n") ? true : undefined;
  });
});

Deno.test("walk: the answer to a batch names what comes again", async () => {
  await using emulator = await SqsEmulator.start();
  const ids = (body: string): string[] =>
    JSON.parse(body).messages.map(({ id }: { id: string }) => id);
  let batches = 0;
  await using handler = new MessageHandler(({ body }) => ({
    body: JSON.stringify({ failed: batches++ === 0 ? ids(body).slice(1) : [] }),
  }));
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createQueue("images");
  await emulator.send("images", [task(1), task(2), task(3)]);
  await putSqs(node, emulator, { queueName: "images", messagesPerPoll: 10, batch: true });
  await isEmptyAfter(handler, emulator, "images");
  const [first, ...others] = handler.delivered.map(({ body }) => ids(body));
  assert.equal(first!.length, 3);
  assert.deepEqual(others.flat().toSorted(), first!.slice(1).toSorted());
});

Deno.test("walk: changed settings count without a restart, and so does a switch", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler();
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createQueue("images-2");
  await putSqs(node, emulator, { queueName: "images-2", path: "/old" });
  await emulator.send("images-2", [task(1)]);
  await isEmptyAfter(handler, emulator, "images-2");
  await putSqs(node, emulator, { queueName: "images-2", path: "/new" });
  await emulator.send("images-2", [task(2)]);
  await handler.until("the second", (delivered) => delivered.length === 2);
  assert.deepEqual(handler.delivered.map(({ path }) => path), ["/old", "/new"]);
  await node.run(["es", "disable", "--prefix", "images"]);
  await node.seen(({ message, role }) =>
    message === "role handed back" && role === "source/images/0"
  );
  await emulator.send("images-2", [task(3)]);
  await isEmpty(emulator, "images-2", 1);
  await node.run(["es", "enable", "--prefix", "images"]);
  await handler.until("the third", (delivered) => delivered.length === 3);
});

Deno.test("walk: a node that stops finishes what it holds, and leaves the rest", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler();
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createQueue("images");
  await putSqs(node, emulator, { queueName: "images", maxConcurrency: 1 });
  await emulator.send("images", [task(1, { ms: 2000 }), task(2)]);
  await handler.until("a delivery", (delivered) => delivered.length > 0);
  assert.equal(await node.stop(), 0);
  assert.deepEqual(handler.numbers(), [1]);
  assert.deepEqual(await emulator.counts("images"), { waiting: 1, inFlight: 0 });
  await node.start();
  await handler.until("the other", (delivered) => delivered.length === 2);
  assert.deepEqual(handler.numbers(), [1, 2]);
});

Deno.test("walk: pause-seconds keeps the next message waiting", async () => {
  await using emulator = await SqsEmulator.start();
  await using handler = new MessageHandler(() => ({ headers: { "pause-seconds": "3" } }));
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  await emulator.createQueue("images");
  await putSqs(node, emulator, { queueName: "images", maxConcurrency: 1 });
  await emulator.send("images", [task(1), task(2)]);
  await handler.until("both", (delivered) => delivered.length === 2);
  const [first, second] = handler.delivered.map(({ atMs }) => atMs);
  assert.ok(second! - first! >= 2990, `${second! - first!} ms apart`);
});

Deno.test("walk: a queue that is not there, a refused key and a deaf endpoint are told, idly", async () => {
  await using emulator = await SqsEmulator.start();
  using deaf = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using refusing = Deno.serve({ port: 0, onListen: () => {} }, () => {
    const body = {
      __type: "com.amazon.coral.service#InvalidClientTokenId",
      message: "no such key",
    };
    return Response.json(body, { status: 403 });
  });
  await using handler = new MessageHandler();
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  const put = async (name: string, endpoint: string) => {
    const sqs = { queueName: "absent", path: "/", endpoint };
    await node.run(["es", "put", "-f", "-"], JSON.stringify({ name, componentName: "job", sqs }));
  };
  await put("absent", emulator.endpoint);
  await put("deaf", `http://127.0.0.1:${deaf.addr.port}`);
  await put("refused", `http://127.0.0.1:${refusing.addr.port}`);
  const told = [
    /^absent: Cannot find SQS queue "absent": QueueDoesNotExist: .* \(since .*\)$/m,
    /^deaf: Cannot find SQS queue "absent": no answer within 10000 ms \(since .*\)$/m,
    /^refused: Cannot find SQS queue "absent": InvalidClientTokenId: no such key \(since .*\)$/m,
  ];
  let shown = "";
  await until(LIMIT_MS, "three reasons", async () => {
    shown = await node.run(["es", "ls"]);
    return told.every((words) => words.test(shown)) ? true : undefined;
  }).catch((error) => {
    throw new Error(`${error.message}; es ls printed:\n${shown}`);
  });
  const from = await cpuMs(node.pid);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const share = (await cpuMs(node.pid) - from) / 5000;
  console.log(`three sources that fail cost ${(share * 100).toFixed(1)} % of a core`);
  assert.ok(share < 0.15, `${share} of a core`);
  await emulator.createQueue("absent");
  await emulator.send("absent", [task(1)]);
  await handler.until("the message", (delivered) => delivered.length === 1);
});

/** CPU time that the process has had. Source: proc(5), in ticks of 10 ms. */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
