/**
 * Calls methods of a node: JSON-RPC 2.0 over its control socket or its private port. Owns the
 * connection, the key and the time limit; knows nothing of what the methods mean.
 * @module
 */
import type { z } from "zod";
import { readText } from "../async/body.ts";
import { withDeadline } from "../async/deadline.ts";
import type { inputSchemas, Method, Outputs } from "../contract/v1.ts";
import { MaelstromError, messageOf } from "../errors.ts";
import type { FoundKey, RpcPlace, RpcTarget } from "./locate.ts";
import { type Reply, resultOf } from "./reply.ts";

const LIMIT_MS = 30_000;
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const PATH = "/_mael/v1";

/** What a method takes, before the node fills in defaults. */
export type CallInput<M extends Method> = z.input<typeof inputSchemas[M]>;

/** How {@linkcode RpcClient} calls. */
export interface RpcClientOptions {
  /** Longest time for one call, all places included, in milliseconds. @default {30_000} */
  readonly limitMs?: number;
}

/** A place could not be connected to, so no byte of the call has left. */
class NotConnected extends Error {}

/** Calls one node, the first of a target's places that can be connected to. */
export class RpcClient {
  readonly #target: RpcTarget;
  readonly #limitMs: number;
  #calls = 0;

  constructor(target: RpcTarget, { limitMs = LIMIT_MS }: RpcClientOptions = {}) {
    this.#target = target;
    this.#limitMs = limitMs;
  }

  /**
   * Calls `method` and resolves with its result. Never sends a call twice.
   *
   * @throws {MaelstromError} unreachable: no place answers, or what answers is not a node
   * @throws {MaelstromError} not_allowed: the node refuses the key
   * @throws {MaelstromError} timeout: no answer within the limit; the node may still do the work
   * @throws {MaelstromError} any code the node answers with
   */
  async call<M extends Method>(
    method: M,
    input: CallInput<M>,
    signal: AbortSignal,
  ): Promise<Outputs[M]> {
    signal.throwIfAborted();
    const id = String(++this.#calls);
    const body = JSON.stringify({ jsonrpc: "2.0", id, method, params: [input] });
    const result = await withDeadline(
      this.#limitMs,
      signal,
      (limited) => this.#send(body, limited),
      () =>
        new MaelstromError(
          "timeout",
          `Cannot complete ${method}: no answer from ${this.#places()} within ` +
            `${this.#limitMs / 1000} s; the node may still be working on it`,
        ),
    );
    // The node is ours: its results are trusted to have the shape the contract gives them.
    return result as Outputs[M];
  }

  async #send(body: string, signal: AbortSignal): Promise<object> {
    const { absentSocket } = this.#target;
    const tried = absentSocket === undefined ? [] : [`${absentSocket} (no such socket)`];
    for (const place of this.#target.places) {
      const key = place.kind === "url" ? await this.#target.findKey() : undefined;
      try {
        const reply = await exchange(place, key, body, signal);
        return resultOf(reply, nameOf(place), key);
      } catch (error) {
        if (!(error instanceof NotConnected)) throw error;
        tried.push(`${nameOf(place)} (${error.message})`);
      }
    }
    throw new MaelstromError(
      "unreachable",
      `Cannot reach a node: nothing answers at ${tried.join(" or ")}; is the daemon running?`,
    );
  }

  #places(): string {
    return this.#target.places.map(nameOf).join(" or ");
  }
}

/** One HTTP exchange on a connection of its own, because `fetch` repeats a POST on a kept one. */
async function exchange(
  place: RpcPlace,
  key: FoundKey | undefined,
  body: string,
  signal: AbortSignal,
): Promise<Reply> {
  using client = httpClient(place);
  // A name would be looked up in DNS even for a socket, and could stall there.
  const base = place.kind === "socket" ? "http://127.0.0.1" : place.url;
  const headers = new Headers({ "content-type": "application/json" });
  if (key?.key !== undefined) headers.set("authorization", `Bearer ${key.key}`);
  try {
    const response = await fetch(base + PATH, {
      client,
      method: "POST",
      headers,
      body,
      signal,
      // A node never redirects, and the key must not follow to wherever one leads.
      redirect: "manual",
    });
    return {
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      body: await readText(response.body, REPLY_BYTES_MAX),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw sendFailure(error, nameOf(place));
  }
}

function httpClient(place: RpcPlace): Deno.HttpClient {
  const options = { poolMaxIdlePerHost: 0 };
  if (place.kind === "socket") {
    return Deno.createHttpClient({ ...options, proxy: { transport: "unix", path: place.path } });
  }
  const { protocol, hostname, port } = new URL(place.url);
  if (protocol !== "http:" || !isLoopback(hostname)) return Deno.createHttpClient(options);
  // HTTP_PROXY is meant for other machines; a proxy could not reach this one's loopback.
  return Deno.createHttpClient({
    ...options,
    proxy: {
      transport: "tcp",
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 80),
    },
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
}

function sendFailure(error: unknown, place: string): Error {
  if (error instanceof MaelstromError) {
    const found = error.message.replace(/^.*?: /, "");
    return new MaelstromError("unreachable", `Cannot read answer of ${place}: ${found}`);
  }
  // `fetch` tells the kind of a failure only in the text of its cause.
  const text = messageOf(error instanceof Error && error.cause ? error.cause : error);
  const reason = text.slice(text.lastIndexOf("): ") + 1).replace(/^: /, "")
    .replace(/^tcp connect error: /, "").replace(/ \(os error \d+\)$/, "").toLowerCase();
  // The second kind are ports that no browser connects to, such as 6000.
  if (/client error \(Connect\)|Requests to port \d+ are blocked/.test(text)) {
    return new NotConnected(reason);
  }
  return new MaelstromError(
    "unreachable",
    `Cannot complete the call: ${place} broke it off (${reason}); it may have been carried out`,
    undefined,
    { cause: error },
  );
}

function nameOf(place: RpcPlace): string {
  return place.kind === "socket" ? place.path : place.url;
}
