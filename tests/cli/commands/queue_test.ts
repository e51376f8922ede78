import assert from "node:assert/strict";
import type { QueuedMessage, QueueInfo } from "../../../lib/contract/queues.ts";
import { type FakeCall, rpcError, startFakeNode } from "../../support/cli/fake_node.ts";
import { assertGolden } from "../../support/cli/golden.ts";
import { NOW_MS, run } from "../../support/cli/run.ts";

const QUEUES: readonly QueueInfo[] = [
  {
    name: "images",
    ready: 1200,
    delayed: 3,
    inFlight: 20,
    dead: 2,
    oldestSentAt: NOW_MS - 90_000,
    eventSources: ["images_queue", "thumbs_queue"],
  },
  {
    name: "images-dead",
    ready: 2,
    delayed: 0,
    inFlight: 0,
    dead: 0,
    oldestSentAt: NOW_MS - 3600_000,
    eventSources: [],
  },
  {
    name: "mail",
    ready: 0,
    delayed: 0,
    inFlight: 0,
    dead: 0,
    oldestSentAt: 0,
    eventSources: ["mail_queue"],
  },
];

const MESSAGES: readonly QueuedMessage[] = [
  {
    id: "0000000112345678123456781234abcd",
    priority: 9,
    sentAt: NOW_MS - 60_000,
    visibleAt: NOW_MS,
    receives: 0,
    attributes: { kind: "jpeg" },
    body: '{"id":7}',
  },
  {
    id: "0000000212345678123456781234abcd",
    priority: 0,
    sentAt: NOW_MS - 3600_000,
    visibleAt: NOW_MS + 8000,
    receives: 4,
    failure: "status 500: no\u001b[31mdisk",
    attributes: {},
    body: `many\n  ${"words ".repeat(20)}`,
  },
];

/** A node that keeps {@linkcode QUEUES}. */
function queueNode() {
  const intercept = ({ method, input }: FakeCall) => {
    const { queue, messages = [] } = input as { queue?: string; messages?: unknown[] };
    if (queue === "absent") return rpcError("not_found", "No queue found with name: absent");
    const results: Record<string, unknown> = {
      "MaelstromService.SendMessages": { ids: messages.map((_, index) => `id${index}`) },
      "MaelstromService.ListQueues": { queues: QUEUES },
      "MaelstromService.PeekQueue": { messages: queue === "mail" ? [] : MESSAGES },
      "MaelstromService.PurgeQueue": { queue, removed: 12 },
      "MaelstromService.RedriveQueue": { queue, moved: 2 },
    };
    return Response.json({ jsonrpc: "2.0", id: "1", result: results[method] });
  };
  const node = startFakeNode({ intercept });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  return {
    calls: node.calls,
    tell: (...args: string[]) => run(["queue", ...args], { env }),
    pipe: (stdin: string, ...args: string[]) => run(["queue", ...args], { env, stdin }),
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

Deno.test("queue ls prints a table", async () => {
  await using node = queueNode();
  await assertGolden((await node.tell("ls")).stdout, "queue_ls.txt");
  assert.deepEqual(JSON.parse((await node.tell("ls", "--json")).stdout), QUEUES);
});

Deno.test("queue peek prints messages on one line each, and steers no terminal", async () => {
  await using node = queueNode();
  const { stdout } = await node.tell("peek", "images", "-n", "2", "--dead");
  await assertGolden(stdout, "queue_peek.txt");
  assert.deepEqual(node.calls[0]?.input, { queue: "images", limit: 2, dead: true });
  assert.equal((await node.tell("peek", "mail")).stdout, "No messages found\n");
  const absent = await node.tell("peek", "absent");
  assert.deepEqual([absent.code, absent.stderr.includes("No queue found")], [3, true]);
});

Deno.test("queue send sends a word, standard input, or each of its lines", async () => {
  await using node = queueNode();
  const flags = ["--delay", "60", "--priority", "9", "--attribute", "kind=a=b"];
  const one = await node.tell("send", "images", "hello", ...flags);
  assert.deepEqual(one, { code: 0, stdout: "Message sent: id0\n", stderr: "" });
  await node.pipe("two\nlines\n", "send", "images", "-");
  const lines = Array.from({ length: 250 }, (_, index) => `line ${index}`);
  const many = await node.pipe(`${lines.join("\n")}\n\n`, "send", "images", "--lines");
  assert.equal(many.stdout, "Messages sent: 250\n");
  const [first, second, ...rest] = node.calls.map(({ input }) => input.messages as object[]);
  assert.deepEqual(first, [
    { body: "hello", delaySeconds: 60, priority: 9, attributes: { kind: "a=b" } },
  ]);
  assert.deepEqual(second, [{ body: "two\nlines\n" }]);
  assert.deepEqual(rest.map(({ length }) => length), [100, 100, 50]);
  assert.deepEqual(rest.flat(), lines.map((body) => ({ body })));
});

Deno.test("queue send says how it is used", async () => {
  await using node = queueNode();
  const cases: [string[], RegExp][] = [
    [["send"], /NAME is missing/],
    [["send", "images"], /MESSAGE or --lines is missing/],
    [["send", "images", "x", "--lines"], /--lines reads standard input, found "x"/],
    [["send", "images", "--lines"], /standard input holds no line/],
    [["send", "images", "x", "--priority", "10"], /--priority: must be at most 9/],
    [["send", "images", "x", "--delay", "1h"], /--delay: must be a whole number, found "1h"/],
    [["send", "images", "x", "--attribute", "kind"], /must be NAME=VALUE, found "kind"/],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await node.tell(...args);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, says);
  }
  assert.equal(node.calls.length, 0);
});

Deno.test("queue purge and redrive tell how many messages they moved", async () => {
  await using node = queueNode();
  assert.equal((await node.tell("purge", "images")).stdout, "Messages removed: 12\n");
  assert.equal((await node.tell("redrive", "images")).stdout, "Messages moved back: 2\n");
  assert.equal((await node.tell("redrive", "absent")).code, 3);
});
