/**
 * Calls methods of a node: JSON-RPC 2.0 over its control socket or its private port. Owns the
 * connection, the key and the time limit; knows nothing of what the methods mean.
 * @module
 */
import type { z } from "zod";
import { withDeadline } from "../async/deadline.ts";
import type { inputSchemas, Method, Outputs } from "../contract/v1.ts";
import { MaelstromError } from "../errors.ts";
import { httpClient, nameOf, NotConnected, replyOf, send, sendFailure } from "./connection.ts";
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
}

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
      (limited) => this.#reach((place, key) => openStream(place, key, request, limited)),
      () => this.#late(request.path),
    );
    yield* readLines(opened, request.silenceMs ?? Infinity, signal);
  }

  async #send(body: string, signal: AbortSignal): Promise<object> {
    return await this.#reach(async (place, key) =>
      resultOf(await exchange(place, key, body, signal), nameOf(place), key)
    );
  }

  /** What the first place gives that can be connected to. */
  async #reach<T>(ask: (place: RpcPlace, key: FoundKey | undefined) => Promise<T>): Promise<T> {
    const { absentSocket } = this.#target;
    const tried = absentSocket === undefined ? [] : [`${absentSocket} (no such socket)`];
    for (const place of this.#target.places) {
      const key = place.kind === "url" ? await this.#target.findKey() : undefined;
      try {
        return await ask(place, key);
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
  key: FoundKey | undefined,
  body: string,
  signal: AbortSignal,
): Promise<Reply> {
  using client = httpClient(place);
  try {
    const request = { method: "POST", path: PATH, body } as const;
    return await replyOf(await send(client, place, key, request, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw sendFailure(error, nameOf(place));
  }
}
