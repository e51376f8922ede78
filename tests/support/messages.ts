/** Messages and what belongs to them, with defaults for everything a test does not speak of. @module */
import type { HandlerReply } from "../../daemon/sources/invoke.ts";
import type { Message } from "../../daemon/sources/message_source.ts";
import { type Polling, sqsPolling } from "../../daemon/sources/polling.ts";

/** A message of the queue `q`, changed by `parts`. */
export function message(parts: Partial<Message> = {}): Message {
  return { id: "m", queue: "q", body: "", headers: [], receiveCount: 1, receipt: "r", ...parts };
}

/** How the source `images` of the component `shop` is polled, changed by `parts`. */
export function polling(parts: Partial<Polling> = {}): Polling {
  const sqs = { queueName: "q", path: "/image" };
  const source = { name: "images", componentName: "shop", version: 1, modifiedAt: 0, sqs };
  return { ...sqsPolling(source), ...parts };
}

/** An answer of the component. */
export function reply(
  status: number,
  body = "",
  headers: Readonly<Record<string, string>> = {},
): HandlerReply {
  return { status, headers: new Map(Object.entries(headers)), body };
}
