/**
 * One HTTP/2 connection: its limits, and a lane to the HTTP/1.1 engine for each of its streams.
 *
 * The protocol itself is node:http2 (nghttp2), which answers floods of PING, SETTINGS, PRIORITY,
 * CONTINUATION and empty DATA frames, malformed messages and lengths that differ by closing the
 * connection. What is ours: how many requests may be cancelled, and how long one may be idle.
 *
 * Source: RFC 9113 §5.1.2, §6.8, §10.5; CVE-2023-44487 (rapid reset).
 * @module
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import { clock, NEVER, ticksFor, type Watched } from "../http/clock.ts";
import type { TlsFacts } from "../http/secure.ts";
import { Lane, type LaneOwner } from "./h2_lane.ts";
import { requestHead } from "./h2_request.ts";
import { netAddr } from "./socket_conn.ts";

/** What one HTTP/2 connection may cost. */
export interface H2Limits {
  /** Requests at once. @default {100} */
  readonly streamsMax: number;
  /** Requests the client may cancel within {@linkcode resetWindowMs}. @default {200} */
  readonly resetsMax: number;
  /** @default {30000} */
  readonly resetWindowMs: number;
  /** Field section of a request, in bytes as HTTP/2 counts them. @default {65536} */
  readonly headBytesMax: number;
  /** Request bytes that may be on their way and unread, over all streams. @default {1048576} */
  readonly windowBytes: number;
  /** Time until the first request, in milliseconds. @default {10000} */
  readonly firstRequestMs: number;
  /** Time without a request, in milliseconds. @default {75000} */
  readonly idleMs: number;
}

/** The documented defaults. */
export const H2_LIMITS: H2Limits = {
  streamsMax: 100,
  resetsMax: 200,
  resetWindowMs: 30_000,
  headBytesMax: 64 * 1024,
  windowBytes: 1024 * 1024,
  firstRequestMs: 10_000,
  idleMs: 75_000,
};

/** Lanes kept for the next request. */
const IDLE_LANES_MAX = 16;
const STREAM_WINDOW_BYTES = 256 * 1024;

/** Where a session's lanes go, and its end. */
export interface H2SessionOptions {
  readonly tls: TlsFacts;
  readonly limits: H2Limits;
  /** Hands a new lane to the engine. */
  onLane(lane: Lane): void;
  /** The connection was closed for too many cancelled requests. */
  onFlood(resets: number): void;
  /** The session has ended. */
  onClose(): void;
}

/** One HTTP/2 connection. */
export class H2Session implements LaneOwner, Watched {
  readonly remoteAddr: Deno.NetAddr;
  readonly localAddr: Deno.NetAddr;
  readonly tls: TlsFacts;
  readonly #session: ServerHttp2Session;
  readonly #options: H2SessionOptions;
  readonly #idle: Lane[] = [];
  readonly #idleTicks: number;
  readonly #windowTicks: number;
  #streams = 0;
  #resets = 0;
  #windowEnds = 0;
  #idleBy: number;

  /** Takes over `socket`, on which h2 was agreed. */
  constructor(socket: TLSSocket, options: H2SessionOptions) {
    const { limits, tls } = options;
    this.#options = options;
    this.tls = tls;
    this.remoteAddr = netAddr(socket.remoteAddress, socket.remotePort);
    this.localAddr = netAddr(socket.localAddress, socket.localPort);
    this.#idleTicks = ticksFor(limits.idleMs);
    this.#windowTicks = ticksFor(limits.resetWindowMs);
    this.#idleBy = clock.tick + ticksFor(limits.firstRequestMs);
    socket.setNoDelay(true);
    this.#session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: limits.streamsMax,
        maxHeaderListSize: limits.headBytesMax,
        initialWindowSize: STREAM_WINDOW_BYTES,
        enablePush: false,
        enableConnectProtocol: false,
      },
    });
    this.#session.setLocalWindowSize(limits.windowBytes);
    this.#session.on(
      "stream",
      (stream: ServerHttp2Stream, _fields: unknown, _flags: unknown, raw: string[]) =>
        this.#onStream(stream, raw),
    );
    // Whatever went wrong, the session closes; why is the client's affair.
    this.#session.on("error", () => {});
    this.#session.on("close", () => this.#onClose());
    clock.watch(this);
  }

  /** Tells the client to open no more streams; ends when those there are have ended. */
  drain(): void {
    if (!this.#session.closed) this.#session.close();
  }

  /** Ends the connection and what it is doing. */
  cut(): void {
    this.#session.destroy();
  }

  onTick(tick: number): void {
    if (this.#idleBy > tick) return;
    this.#idleBy = NEVER;
    this.drain();
  }

  onFree(lane: Lane, reusable: boolean): void {
    const at = this.#idle.indexOf(lane);
    if (at >= 0) this.#idle.splice(at, 1);
    if (reusable && this.#idle.length < IDLE_LANES_MAX) this.#idle.push(lane);
    else if (reusable) lane.close();
  }

  #onStream(stream: ServerHttp2Stream, raw: string[]): void {
    this.#streams++;
    this.#idleBy = NEVER;
    stream.on("error", () => {});
    stream.on("aborted", () => this.#countReset());
    stream.on("close", () => {
      if (--this.#streams === 0) this.#idleBy = clock.tick + this.#idleTicks;
    });
    const head = requestHead(raw, !stream.endAfterHeaders);
    if ("problem" in head) return this.#refuse(stream, head.status);
    let lane = this.#idle.pop();
    const isHead = raw[raw.indexOf(":method") + 1] === "HEAD";
    if (lane) return lane.carry(stream, head, isHead);
    lane = new Lane(this);
    lane.carry(stream, head, isHead);
    this.#options.onLane(lane);
  }

  #refuse(stream: ServerHttp2Stream, status: number): void {
    stream.respond({ ":status": status }, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** Cancelling costs the client nothing and us a request, so it is rationed. */
  #countReset(): void {
    if (clock.tick >= this.#windowEnds) {
      this.#windowEnds = clock.tick + this.#windowTicks;
      this.#resets = 0;
    }
    if (++this.#resets !== this.#options.limits.resetsMax + 1 || this.#session.destroyed) return;
    this.#options.onFlood(this.#resets);
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#session.destroy();
  }

  #onClose(): void {
    clock.unwatch(this);
    for (const lane of this.#idle.splice(0)) lane.close();
    this.#options.onClose();
  }
}
