/**
 * What a component is sent and what its answer means, the same for every kind of queue. Pure.
 *
 * A message is a POST whose body is the message's. In a batch the body is JSON,
 * `{ "messages": [{ "id": "…", "queue": "…", "receiveCount": 1, "headers": {}, "body": "…" }] }`,
 * and a 2xx answer may name those that are to come again: `{ "failed": ["…"] }`.
 * @module
 */
import type { HandlerReply, InvokeRequest } from "./invoke.ts";
import type { Message } from "./message_source.ts";
import type { Polling } from "./polling.ts";

/** Longest pause that an answer can ask for, in seconds. */
const PAUSE_SECONDS_MAX = 3600;
const RETRY_SECONDS_MAX = 900;

/** The request that delivers `messages`: one, or all of a batch. */
export function deliveryOf(messages: readonly Message[], polling: Polling): InvokeRequest {
  const { path, source, isBatch, replyBytesMax } = polling;
  const [first] = messages;
  const common = { method: "POST", path, replyBytesMax };
  const origin = ["Mael-Event-Source", source] as const;
  if (isBatch || !first) {
    const headers = [origin, ["Content-Type", "application/json"]] as const;
    return { ...common, headers, body: JSON.stringify({ messages: messages.map(entryOf) }) };
  }
  const headers = [
    origin,
    ["Mael-Message-Id", headerText(first.id)],
    ["Mael-Queue", headerText(first.queue)],
    ["Mael-Receive-Count", String(first.receiveCount)],
    ...(first.group === undefined ? [] : [["Mael-Message-Group", headerText(first.group)]]),
    ...first.headers.map(([name, value]) => [name, headerText(value)]),
  ] as [string, string][];
  return { ...common, headers, body: first.body };
}

function entryOf({ id, queue, receiveCount, group, headers, body }: Message) {
  return { id, queue, receiveCount, group, headers: Object.fromEntries(headers), body };
}

/** `text` as a header's value: what a header cannot hold, and "%", as `encodeURIComponent` has it. */
export function headerText(text: string): string {
  return text.toWellFormed().replaceAll(/[^\x20-\x24\x26-\x7e]|^ | $/gu, encodeURIComponent);
}

/** The messages that were handled, and why the others were not. */
export interface Verdict {
  readonly handled: readonly Message[];
  readonly failed: readonly Message[];
  /** Said once for all that failed. */
  readonly reason?: string;
}

/** What `reply` says of `messages`. */
export function verdictOf(
  reply: HandlerReply,
  messages: readonly Message[],
  { isBatch }: Pick<Polling, "isBatch">,
): Verdict {
  const { status, body } = reply;
  if (status < 200 || status > 299) {
    const reason = `the component answered ${status}: ${firstLine(body)}`;
    return { handled: [], failed: messages, reason };
  }
  if (!isBatch || body.trim() === "") return { handled: messages, failed: [] };
  const failedIds = readFailed(body, messages);
  if (!failedIds) {
    const reason = `the answer to a batch must be empty or like {"failed":["id"]}, found: ${
      firstLine(body)
    }`;
    return { handled: [], failed: messages, reason };
  }
  return split(messages, failedIds);
}

/** What follows a failed message in its group waits for it. */
function split(messages: readonly Message[], failedIds: ReadonlySet<string>): Verdict {
  const held = new Set<string>();
  const handled: Message[] = [];
  const failed: Message[] = [];
  for (const message of messages) {
    const { id, group } = message;
    const isHeld = group !== undefined && held.has(group);
    if (!isHeld && !failedIds.has(id)) {
      handled.push(message);
      continue;
    }
    failed.push(message);
    if (group !== undefined) held.add(group);
  }
  return failed.length === 0
    ? { handled, failed }
    : { handled, failed, reason: "the answer names it" };
}

/** The ids of an answer to a batch; undefined when it is none, or names a message that was not sent. */
function readFailed(body: string, messages: readonly Message[]): Set<string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { failed = [] } = value as { failed?: unknown };
  if (!Array.isArray(failed)) return undefined;
  const sent = new Set<unknown>(messages.map(({ id }) => id));
  return failed.every((id) => sent.has(id)) ? new Set(failed as string[]) : undefined;
}

/** How long the component asks not to be sent anything, in seconds; 0 when it does not ask. */
export function pauseSecondsOf({ status, headers }: HandlerReply): number {
  const isBusy = status === 429 || status === 503;
  const given = headers.get("pause-seconds") ?? (isBusy ? headers.get("retry-after") ?? "1" : "");
  const seconds = /^\s*\d{1,9}\s*$/.test(given) ? Number(given) : 0;
  return Math.min(seconds, PAUSE_SECONDS_MAX);
}

/**
 * Time until a message that failed is delivered again, in seconds: 1, 2, 4, … up to a quarter of an
 * hour, each up to half longer by `random` (from 0 to 1), so that what failed together comes apart.
 */
export function retrySeconds(receiveCount: number, random: number): number {
  const seconds = Math.min(RETRY_SECONDS_MAX, 2 ** Math.min(20, Math.max(0, receiveCount - 1)));
  return Math.min(RETRY_SECONDS_MAX, Math.round(seconds * (1 + random / 2)));
}

function firstLine(body: string): string {
  const [line = ""] = body.trim().split("\n");
  return JSON.stringify(line.slice(0, 200));
}
