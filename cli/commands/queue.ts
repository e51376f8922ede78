/** What `maelstrom queue` does: the queues that the nodes keep. @module */
import { PRIORITY_MAX, type QueuedMessage, type QueueInfo } from "../../lib/contract/queues.ts";
import type { MessageInput } from "../../lib/contract/v1.ts";
import { type Call, UsageError } from "../command.ts";
import { readInput } from "../input.ts";
import type { Cell, TableLayout } from "../output.ts";
import { relativeTime } from "../relative_time.ts";
import { oneName } from "./operands.ts";

const SEND = ["queue", "send"];
const PEEK = ["queue", "peek"];
/** Messages, and characters of them, that one call sends. */
const CALL_MESSAGES_MAX = 100;
const CALL_LENGTH_MAX = 200_000;
const BODY_SHOWN_MAX = 60;

const QUEUES: TableLayout = {
  columns: [
    { title: "Queue", width: 24, cut: true },
    { title: "Ready", width: 9 },
    { title: "Delayed", width: 9 },
    { title: "In flight", width: 9 },
    { title: "Dead", width: 9 },
    { title: "Oldest", width: 13 },
    { title: "Read by", width: 20, cut: true },
  ],
  dashes: 100,
  empty: "No queues found",
};

const MESSAGES: TableLayout = {
  columns: [
    { title: "ID", width: 32 },
    { title: "Pri", width: 3 },
    { title: "Sent", width: 13 },
    { title: "Due", width: 13 },
    { title: "Tries", width: 5 },
    { title: "Message", width: 40 },
    { title: "Last failure", width: 30 },
  ],
  dashes: 144,
  empty: "No messages found",
};

/**
 * `queue send`: sends a message, or each line of standard input.
 *
 * @throws {UsageError} there is no message, or more than one
 * @throws {MaelstromError} not_found: no event source reads the queue
 * @throws {MaelstromError} queue_full: it holds as many messages as it may
 */
export async function sendMessages(call: Call): Promise<void> {
  const queue = oneName(call, SEND);
  const messages = await messagesOf(call);
  const client = await call.client();
  const ids: string[] = [];
  for (const part of partsOf(messages)) {
    const input = { queue, messages: part };
    const sent = await client.call("MaelstromService.SendMessages", input, call.signal);
    ids.push(...sent.ids);
  }
  if (call.flags.has("json")) return await call.output.json({ queue, ids });
  const what = ids.length === 1 ? `Message sent: ${ids[0]}` : `Messages sent: ${ids.length}`;
  await call.output.line(what);
}

/** `queue ls`: lists queues and how many messages they hold. */
export async function listQueues(call: Call): Promise<void> {
  const client = await call.client();
  const { queues } = await client.call("MaelstromService.ListQueues", {}, call.signal);
  if (call.flags.has("json")) return await call.output.json(queues);
  await call.output.table(QUEUES, queues.map((queue) => queueRow(queue, call.nowMs)));
}

/** `queue peek`: shows the next messages, and takes none. @throws {MaelstromError} not_found */
export async function peekQueue(call: Call): Promise<void> {
  const queue = oneName(call, PEEK);
  const limit = call.flags.count("limit");
  const input = { queue, dead: call.flags.has("dead"), ...(limit === undefined ? {} : { limit }) };
  const client = await call.client();
  const { messages } = await client.call("MaelstromService.PeekQueue", input, call.signal);
  if (call.flags.has("json")) return await call.output.json(messages);
  await call.output.table(MESSAGES, messages.map((message) => messageRow(message, call.nowMs)));
}

/** `queue purge`: removes every message. @throws {MaelstromError} not_found */
export async function purgeQueue(call: Call): Promise<void> {
  const queue = oneName(call, ["queue", "purge"]);
  const client = await call.client();
  const { removed } = await client.call("MaelstromService.PurgeQueue", { queue }, call.signal);
  await call.output.line(`Messages removed: ${removed}`);
}

/** `queue redrive`: brings back what the queue gave up. @throws {MaelstromError} not_found */
export async function redriveQueue(call: Call): Promise<void> {
  const queue = oneName(call, ["queue", "redrive"]);
  const client = await call.client();
  const { moved } = await client.call("MaelstromService.RedriveQueue", { queue }, call.signal);
  await call.output.line(`Messages moved back: ${moved}`);
}

async function messagesOf(call: Call): Promise<MessageInput[]> {
  const { operands: [, given], flags } = call;
  const settings = settingsOf(call);
  if (flags.has("lines")) {
    if (given !== undefined) {
      throw new UsageError(
        `Cannot run "queue send": --lines reads standard input, found ${JSON.stringify(given)}`,
        SEND,
      );
    }
    const lines = (await readInput("-", "standard input", call)).split(/\r?\n/);
    const bodies = lines.filter((line) => line !== "");
    if (bodies.length > 0) return bodies.map((body) => ({ body, ...settings }));
    throw new UsageError(`Cannot run "queue send": standard input holds no line`, SEND);
  }
  if (given === undefined) {
    throw new UsageError(`Cannot run "queue send": MESSAGE or --lines is missing`, SEND);
  }
  const body = given === "-" ? await readInput("-", "standard input", call) : given;
  return [{ body, ...settings }];
}

function settingsOf(call: Call): Omit<MessageInput, "body"> {
  const delaySeconds = call.flags.count("delay");
  const priority = call.flags.count("priority");
  if (priority !== undefined && priority > PRIORITY_MAX) {
    throw new UsageError(`Cannot read --priority: must be at most ${PRIORITY_MAX}`, SEND);
  }
  const attributes = call.flags.texts("attribute").map((text): [string, string] => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new UsageError(
      `Cannot read --attribute: must be NAME=VALUE, found ${JSON.stringify(text)}`,
      SEND,
    );
  });
  return {
    ...(delaySeconds === undefined ? {} : { delaySeconds }),
    ...(priority === undefined ? {} : { priority }),
    ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
  };
}

/** `messages` in parts that one call takes. */
function partsOf(messages: readonly MessageInput[]): MessageInput[][] {
  const parts: MessageInput[][] = [];
  let length = Infinity;
  for (const message of messages) {
    let part = parts.at(-1);
    if (
      !part || part.length >= CALL_MESSAGES_MAX || length + message.body.length > CALL_LENGTH_MAX
    ) {
      parts.push(part = []);
      length = 0;
    }
    part.push(message);
    length += message.body.length;
  }
  return parts;
}

function queueRow(
  { name, ready, delayed, inFlight, dead, oldestSentAt, eventSources }: QueueInfo,
  nowMs: number,
): Cell[] {
  return [
    name,
    String(ready),
    String(delayed),
    String(inFlight),
    dead === 0 ? "0" : { text: String(dead), style: "red" },
    oldestSentAt === 0 ? "" : relativeTime(oldestSentAt, nowMs),
    eventSources.join(", "),
  ];
}

function messageRow(
  { id, priority, sentAt, visibleAt, receives, failure = "", body }: QueuedMessage,
  nowMs: number,
): Cell[] {
  return [
    id,
    String(priority),
    relativeTime(sentAt, nowMs),
    visibleAt <= nowMs ? "now" : relativeTime(visibleAt, nowMs),
    String(receives),
    oneLine(body),
    oneLine(failure),
  ];
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= BODY_SHOWN_MAX ? line : `${line.slice(0, BODY_SHOWN_MAX - 1)}…`;
}
