/**
 * Calls methods of a node: JSON-RPC 2.0 over its control socket or its private port. Owns the order
 * of places and the time limit; knows nothing of what the methods mean.
 * @module
 */
import type { z } from "zod";
import { withDeadline } from "../async/deadline.ts";
import type { inputSchemas, Method, Outputs } from "../contract/v1.ts";
import { MaelstromError } from "../errors.ts";
import { Credentials } from "./credentials.ts";
import {
  httpClient,
  nameOf,
  NotConnected,
  type PlaceRequest,
  replyOf,
  send,
  sendFailure,
} from "./connection.ts";
import type { FoundKey, RpcPlace, RpcTarget } from "./locate.ts";
import { type Reply, resultOf } from "./reply.ts";
import { openStream, readLines, type StreamRequest } from "./stream.ts";

const LIMIT_MS = 30_000;
const PATH = "/_mael/v1";

/** What a method takes, before the node fills in defaults. */
export type CallInput<M extends Method> = z.input<typeof inputSchemas[M]>;

/** How {@linkcode RpcClient} calls. */
export interface RpcClientOptions {
  /** Longest time for one call, all places included, in milliseconds. @default {30_000} */
  readonly limitMs?: number;
  /** Who signs requests: a node's id. @default {"cli"} */
  readonly by?: string;
  /** Id of the node that is meant, which alone then takes the requests. @default any node */
  readonly to?: string;
}

/** Asks one place; `shown` is what a request there shows of `key`. */
type Ask<T> = (
  place: RpcPlace,
  key: FoundKey | undefined,
  shown: Pick<PlaceRequest, "authorization">,
) => Promise<T>;

/** Calls one node, the first of a target's places that can be connected to. */
export class RpcClient {
  readonly #target: RpcTarget;
  readonly #limitMs: number;
  readonly #credentials: Credentials;
  #calls = 0;

  constructor(target: RpcTarget, options: RpcClientOptions = {}) {
    const { limitMs = LIMIT_MS, by = "cli", to } = options;
    this.#target = target;
    this.#limitMs = limitMs;
    this.#credentials = new Credentials(to === undefined ? { by } : { by, to });
  }

  /**
   * Calls `method` and resolves with its result. Never sends a call twice.
   *
   * @throws {MaelstromError} unreachable: no place answers, or what answers is not a node
   * @throws {MaelstromError} not_allowed: the node refuses the key or token, or the call
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
      () => this.#late(method),
    );
    // The node is ours: its results are trusted to have the shape the contract gives them.
    return result as Outputs[M];
  }

  /**
   * The lines of an endpoint that streams, such as `/_mael/logs?follow=true`, without their line
   * ends; empty ones are left out. Ends with the node's stream, or by `return()`.
   *
   * @throws {MaelstromError} as {@linkcode RpcClient.call}, also when the stream breaks off
   */
  async *stream(
    request: StreamRequest,
    signal: AbortSignal,
  ): AsyncGenerator<string, void, undefined> {
    signal.throwIfAborted();
    await using opened = await withDeadline(
      this.#limitMs,
      signal,
      (limited) =>
        this.#reach(
          request,
          (place, key, shown) => openStream(place, key, { ...request, ...shown }, limited),
        ),
      () => this.#late(request.path),
    );
    yield* readLines(opened, request.silenceMs ?? Infinity, signal);
  }

  async #send(body: string, signal: AbortSignal): Promise<object> {
    const request = { method: "POST", path: PATH, body } as const;
    return await this.#reach(request, async (place, key, shown) => {
      const reply = await exchange(place, { ...request, ...shown }, signal);
      return resultOf(reply, nameOf(place), key);
    });
  }

  /** What the first place gives that can be connected to. */
  async #reach<T>(request: PlaceRequest, ask: Ask<T>): Promise<T> {
    const { absentSocket } = this.#target;
    const tried = absentSocket === undefined ? [] : [`${absentSocket} (no such socket)`];
    for (const place of this.#target.places) {
      const key = place.kind === "url" ? await this.#target.findKey() : undefined;
      const shown = key ? await this.#credentials.show(key, request) : {};
      try {
        return await ask(place, key, shown);
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

  #late(act: string): MaelstromError {
    return new MaelstromError(
      "timeout",
      `Cannot complete ${act}: no answer from ${this.#places()} within ` +
        `${this.#limitMs / 1000} s; the node may still be working on it`,
    );
  }

  #places(): string {
    return this.#target.places.map(nameOf).join(" or ");
  }
}

/** One HTTP exchange on a connection of its own, because `fetch` repeats a POST on a kept one. */
async function exchange(
  place: RpcPlace,
  request: PlaceRequest,
  signal: AbortSignal,
): Promise<Reply> {
  using client = httpClient(place);
  try {
    return await replyOf(await send(client, place, request, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw sendFailure(error, nameOf(place));
  }
}
