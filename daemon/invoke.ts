/**
 * How event sources reach components: by this node's own private door, so that routing, queueing
 * and cold starts are those of every request. Walk: sources → **invoke** → gateway.
 * @module
 */
import { MaelstromError, messageOf } from "../lib/errors.ts";
import { call } from "../lib/http/call.ts";
import type { Line } from "../lib/http/line.ts";
import { Upstream } from "../lib/http/upstream.ts";
import type { Invoke } from "./sources/invoke.ts";

/** What an answer may be later than the component allows, in milliseconds. */
const GRACE_MS = 10_000;
/** The last word on these is ours. */
const OWN_FIELDS = ["maelstrom-component", "maelstrom-relay-pass", "maelstrom-relay-path"];

/** Where requests go, and how long they may take. */
export interface InvokerOptions {
  readonly hostname: string;
  readonly port: number;
  /** How the port is reached, if not by TCP. */
  readonly connect?: () => Promise<Line>;
  /** Shows that the node itself sends a request. */
  readonly pass: () => string;
  /** Longest time of a request to `component`, in milliseconds. */
  readonly maxDurationMs: (component: string) => number;
}

/** Makes requests through the private door at `hostname` and `port`. */
export class Invoker implements Disposable {
  readonly #options: InvokerOptions;
  readonly #upstream: Upstream;

  constructor(options: InvokerOptions) {
    this.#options = options;
    this.#upstream = new Upstream(options);
  }

  /** @throws {MaelstromError} unreachable: there was no answer */
  readonly invoke: Invoke = async (component, request, signal) => {
    const { pass, maxDurationMs } = this.#options;
    const headers = [
      ...request.headers.filter(([name]) => !OWN_FIELDS.includes(name.toLowerCase())),
      ["Maelstrom-Component", component],
      ["Maelstrom-Relay-Pass", pass()],
    ] as const;
    const limits = {
      bodyBytesMax: request.replyBytesMax,
      limitMs: maxDurationMs(component) + GRACE_MS,
      signal,
    };
    try {
      return await call(this.#upstream, { ...request, headers }, limits);
    } catch (cause) {
      signal.throwIfAborted();
      const message = `Cannot call "${component}": ${messageOf(cause)}`;
      throw new MaelstromError("unreachable", message, undefined, { cause });
    }
  };

  [Symbol.dispose](): void {
    this.#upstream.close();
  }
}
