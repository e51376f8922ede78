/**
 * How messages reach components: by this node's own private port, so that routing, queueing and
 * cold starts are those of every request. Connections are kept, as messages come in thousands; one
 * that is sent twice because a connection broke is a message delivered twice, which queues do anyway.
 * Walk: poller → **deliver** → gateway.
 * @module
 */
import { MaelstromError, messageOf } from "../lib/errors.ts";
import type { Invoke } from "./sources/message_source.ts";

/** Connections that wait for their next request. */
const IDLE_CONNECTIONS_MAX = 256;
/** What an answer may be later than the component allows, in milliseconds. */
const GRACE_MS = 10_000;

/** Where requests go, and how they show whose they are. */
export interface DelivererOptions {
  readonly hostname: string;
  readonly port: number;
  /** The field that shows that the node itself sends a request. */
  readonly pass: () => string;
  /** Longest time of a request to `component`, in milliseconds. */
  readonly maxDurationMs: (component: string) => number;
}

/** Sends requests through the private port. */
export class Deliverer implements Disposable {
  readonly #options: DelivererOptions;
  readonly #client: Deno.HttpClient;

  constructor(options: DelivererOptions) {
    this.#options = options;
    const { hostname, port } = options;
    // Named as a proxy, so that HTTP_PROXY of the environment is not asked for the way.
    const proxy = { transport: "tcp", hostname, port } as const;
    this.#client = Deno.createHttpClient({ proxy, poolMaxIdlePerHost: IDLE_CONNECTIONS_MAX });
  }

  /**
   * Makes one request to `component`.
   *
   * @throws {MaelstromError} unreachable: there was no answer
   * @throws the reason of `signal` when it aborts
   */
  readonly invoke: Invoke = async (component, request, signal) => {
    const limitMs = this.#options.maxDurationMs(component) + GRACE_MS;
    const late = AbortSignal.timeout(limitMs);
    const { method, path, body, replyBytesMax } = request;
    // A list is several times cheaper than Headers.
    const headers: [string, string][] = [
      ...request.headers.map(([name, value]): [string, string] => [name, value]),
      ["Accept-Encoding", "identity"],
      ["Maelstrom-Component", component],
      ["Maelstrom-Relay-Pass", this.#options.pass()],
    ];
    try {
      const { hostname, port } = this.#options;
      const response = await fetch(`http://${hostname}:${port}${path}`, {
        method,
        headers,
        redirect: "manual",
        body: new TextEncoder().encode(body),
        client: this.#client,
        signal: AbortSignal.any([signal, late]),
      });
      const text = await beginningOf(response, replyBytesMax);
      return { status: response.status, headers: response.headers, body: text };
    } catch (cause) {
      signal.throwIfAborted();
      const found = late.aborted ? `no answer within ${limitMs} ms` : messageOf(cause);
      const message = `Cannot call "${component}": ${found}`;
      throw new MaelstromError("unreachable", message, undefined, { cause });
    }
  };

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** The first bytes of an answer; the rest is read and dropped, so that its handler comes to an end. */
async function beginningOf(response: Response, bytesMax: number): Promise<string> {
  const length = response.headers.get("content-length");
  if (length !== null && Number(length) <= bytesMax) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  let left = bytesMax;
  for await (const part of response.body ?? []) {
    text += decoder.decode(part.subarray(0, left), { stream: true });
    left = Math.max(0, left - part.length);
  }
  return text + decoder.decode();
}
