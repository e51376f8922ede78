/**
 * How event sources reach components: by this node's own private port, so that routing, queueing
 * and cold starts are those of every request. Walk: sources → **invoke** → gateway.
 * @module
 */
import { type IncomingMessage, request as send, type RequestOptions } from "node:http";
import { MaelstromError, messageOf } from "../lib/errors.ts";
import type { Invoke, InvokeRequest } from "./sources/cron_starts.ts";

/** What of an answer that failed is told. */
const TEXT_BYTES_MAX = 300;
/** What an answer may be later than the component allows, in milliseconds. */
const GRACE_MS = 10_000;

/** Where requests go, and how long they may take. */
export interface InvokerOptions {
  readonly hostname: string;
  readonly port: number;
  /** Shows that the node itself sends a request. */
  readonly pass: () => string;
  /** Longest time of a request to `component`, in milliseconds. */
  readonly maxDurationMs: (component: string) => number;
}

/** Makes requests through the private port at `hostname` and `port`, each on its own connection. */
export function invoker({ hostname, port, pass, maxDurationMs }: InvokerOptions): Invoke {
  return async (component, request, signal) => {
    const limitMs = maxDurationMs(component) + GRACE_MS;
    const late = AbortSignal.timeout(limitMs);
    const options: RequestOptions = {
      hostname,
      port,
      agent: false,
      method: request.method,
      path: request.path,
      headers: { ...fieldsOf(component, request), "maelstrom-relay-pass": [pass()] },
      signal: AbortSignal.any([signal, late]),
    };
    try {
      const answer = await begin(options, request.body);
      return { status: answer.statusCode ?? 0, text: await beginningOf(answer) };
    } catch (cause) {
      signal.throwIfAborted();
      const found = late.aborted ? `no answer within ${limitMs} ms` : messageOf(cause);
      const message = `Cannot call "${component}": ${found}`;
      throw new MaelstromError("unreachable", message, undefined, { cause });
    }
  };
}

/** Sends a request; resolves with the head of its answer. */
function begin(options: RequestOptions, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = send(options, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The beginning of an answer's body, after it has been read to its end. */
async function beginningOf(answer: IncomingMessage): Promise<string> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Uint8Array>) {
    if (size < TEXT_BYTES_MAX) kept.push(part.slice(0, TEXT_BYTES_MAX - size));
    size += part.length;
  }
  const text = new TextDecoder().decode(await new Blob(kept as BlobPart[]).bytes());
  return text.trim().replaceAll(/\s+/g, " ");
}

/** Names may come several times; the last word on the component is ours. */
function fieldsOf(component: string, { headers, body }: InvokeRequest): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const [name, value] of headers) (fields[name.toLowerCase()] ??= []).push(value);
  const bytes = new TextEncoder().encode(body).length;
  if (bytes > 0) fields["content-length"] = [String(bytes)];
  return { ...fields, "maelstrom-component": [component] };
}
