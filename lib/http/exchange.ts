/**
 * One request being answered: the words between the engine and whoever decides what the answer is.
 * Types only, and the reason for which a request's signal aborts.
 * @module
 */
import type { FieldFilter } from "./fields.ts";
import type { Upstream } from "./upstream.ts";

/** An answer of our own. Content-Length and Connection are the engine's to add. */
export interface Reply {
  readonly status: number;
  /** Names and values, latin1; `["Content-Type", "text/plain"]`. */
  readonly headers: readonly (readonly [string, string])[];
  /** A string is sent as UTF-8. */
  readonly body: string | Uint8Array;
}

/** How a request is passed on. */
export interface ForwardOptions {
  /** Replaces the request target, latin1. */
  readonly target?: string;
  /** Fields not to pass on, beside those that end at this hop. */
  readonly drop?: FieldFilter;
  /** Complete lines for the request, `Name: value\r\n…`, latin1, added after removal; unchecked. */
  readonly add?: string;
  /** Complete lines for the final response, as `add`. */
  readonly addToResponse?: string;
  /**
   * `performance.now()` by which the exchange must have ended; within a tenth of a second. Upgraded
   * connections are exempt after the 101.
   */
  readonly deadline: number;
  /** Longest wait for the answer to begin, in milliseconds. @default {Infinity} */
  readonly answerWithinMs?: number;
  /** Largest body of the request, in bytes. @default {Infinity} */
  readonly bodyBytesMax?: number;
  /** Longest silence inside a response body. @default the server's `bodyIdleMs` */
  readonly responseIdleMs?: number;
}

/**
 * How passing on ended. `mayRepeat`: no byte of an answer came before the upstream was lost, and the
 * request is idempotent and has no body, so it may be forwarded again. Time that is up is no loss.
 */
export type ForwardResult =
  /** The whole answer was passed on; for an upgrade, both directions have ended. */
  | { readonly kind: "done"; readonly status: number }
  /** The instance saw nothing of it, or nothing that may not be repeated: forward again or answer. */
  | { readonly kind: "not_sent"; readonly error: Error }
  /** The instance may have seen it and broke off or answered nonsense: answer 502. */
  | { readonly kind: "gone"; readonly error: Error; readonly mayRepeat?: boolean }
  /**
   * The deadline passed before any byte of a final response, or the upstream was closed and fell
   * silent: answer 504.
   */
  | { readonly kind: "timed_out"; readonly mayRepeat?: boolean }
  /** The body is larger than allowed and was not passed on whole: answer 413. */
  | { readonly kind: "too_large" }
  /** Nothing more can be said to the client; the upstream connection was closed. */
  | { readonly kind: "client_left" }
  /** Failed after part of the response went out: the client's connection was broken off. */
  | { readonly kind: "cut" };

/** One request being answered. Valid until the handler's promise settles, not after. */
export interface Exchange {
  readonly method: string;
  /** Raw target in origin form (or `*`), latin1; an absolute one is reduced to it. */
  readonly target: string;
  /** The target before "?". */
  readonly path: string;
  /** Host or the absolute target's authority, lower-case, without port; "" when 1.0 gave none. */
  readonly host: string;
  /** Host, or the absolute target's authority, as it came, port included; "" when none came. */
  readonly hostField: string;
  /** Address of the TCP peer, `127.0.0.1` or `::1`; "" on unix sockets. */
  readonly clientAddress: string;
  /** Port it arrived at; 0 on unix sockets. */
  readonly localPort: number;
  /** True when it came through TLS. */
  readonly secure: boolean;
  /** True when it came through TLS that was set up for another host: answer 421. */
  readonly misdirected: boolean;
  /** Aborts with an {@linkcode ExchangeAborted} when the client leaves or the server cuts. */
  readonly signal: AbortSignal;
  /** True when the client asks to switch protocols, to one that can be passed through. */
  readonly upgrade: boolean;
  /**
   * The field `name` (lower-case), latin1; repeated ones are joined by ", ". `host` is the authority
   * of an absolute target, where there is one.
   */
  header(name: string): string | undefined;
  /**
   * Answers. Resolves when the answer was handed to the system, or nobody is there to hear it.
   *
   * @throws {Error} the exchange is already answered, or a header is malformed: a bug
   */
  respond(reply: Reply): Promise<void>;
  /**
   * Passes the request on and the answer back. After `not_sent`, `gone` and `timed_out` the
   * exchange is still to be answered; after `not_sent`, and with `mayRepeat`, it may also be
   * forwarded again.
   *
   * @throws {Error} the exchange is already answered, or its body was sent: a bug
   */
  forward(upstream: Upstream, options: ForwardOptions): Promise<ForwardResult>;
}

/** Decides about one request. What it throws is logged and answered 500. */
export type Handler = (exchange: Exchange) => void | Promise<unknown>;

/** Why a request's signal aborted. */
export class ExchangeAborted extends Error {
  override readonly name = "AbortError";

  constructor(readonly why: "client_left" | "server_cut") {
    super(why === "client_left" ? "Client left" : "Server cut the connection");
  }
}
