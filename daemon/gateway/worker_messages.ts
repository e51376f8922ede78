/**
 * What the main thread and a proxy worker tell each other. Each direction keeps its order. Types
 * only; the part about tokens is the router's.
 * @module
 */
import type { ErrorCode } from "../../lib/errors.ts";
import type { TokenNote, TokenOrder } from "../router/token_messages.ts";

/**
 * A desired state as JSON: text crosses to a thread many times faster than objects do, and is made
 * once for all of them.
 */
export interface StateMessage {
  readonly kind: "state";
  readonly revision: number;
  /** JSON of a `DesiredState`. */
  readonly text: string;
}

/** What a worker is told first. `S` is whatever its wiring wants to know. */
export interface WorkerStart<S> {
  readonly kind: "start";
  /** From 1. */
  readonly number: number;
  /** Unix socket to which the worker holds a connection as long as it lives. */
  readonly lifeline: string;
  readonly setup: S;
  readonly state: StateMessage;
}

/** From the main thread to a worker. */
export type WorkerOrder<S> =
  | WorkerStart<S>
  /** Replaces the desired state. */
  | StateMessage
  | { readonly kind: "tokens"; readonly orders: readonly TokenOrder[] }
  /** The lines of the access log were taken. */
  | { readonly kind: "written" }
  /** Stop accepting, and let requests in progress end. */
  | { readonly kind: "drain" }
  /** Break off what is still in progress. */
  | { readonly kind: "cut" };

/** From a worker to the main thread. */
export type WorkerNote =
  /** It can hear. */
  | { readonly kind: "hello" }
  /** It serves. */
  | { readonly kind: "ready" }
  /** It cannot serve. */
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string }
  /** Requests from now on are served by this state or a later one. */
  | { readonly kind: "applied"; readonly revision: number }
  | { readonly kind: "tokens"; readonly notes: readonly TokenNote[] }
  /** Whole lines of the access log; the next ones come after `written`. */
  | { readonly kind: "write"; readonly text: string }
  | { readonly kind: "drained" };
