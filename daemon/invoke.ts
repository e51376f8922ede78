/**
 * How event sources reach components: by this node's own private port, so that routing, queueing
 * and cold starts are those of every request. Walk: sources → **invoke** → gateway.
 * @module
 */
import { Agent, type IncomingMessage, request as send } from "node:http";
import { MaelstromError } from "../lib/errors.ts";
import type { Invoke, InvokeRequest } from "./sources/cron_starts.ts";

/** What of an answer that failed is told. */
const TEXT_BYTES_MAX = 300;
/** What an answer may be later than the component allows, in milliseconds. */
const GRACE_MS = 10_000;

/** Where requests go, and how long they may take. */
export interface InvokerOptions {
  readonly hostname: string;
  readonly port: number;
  /** Longest time of a request to `component`, in milliseconds. */
  readonly maxDurationMs: (component: string) => number;
}

/** Makes requests through the private port at `hostname` and `port`, each on its own connection. */
export function invoker({ hostname, port, maxDurationMs }: InvokerOptions): Invoke {
  return async (component, request, signal) => {
    const limitMs = maxDurationMs(component) + GRACE_MS;
    const late = AbortSignal.timeout(limitMs);
    try {
      const answer = await begin({ hostname, port }, component, request, [signal, late]);
      return { status: answer.statusCode ?? 0, text: await textOf(answer) };
    } catch (cause) {
      signal.throwIfAborted();
      const found = late.aborted ? `no answer within ${limitMs} ms` : messageOf(cause);
      throw new MaelstromError("unreachable", `Cannot call "${component}": ${found}`, {}, { cause });
    }
  };
}
