/**
 * What the token desk in the main thread and the remote routers in a worker tell each other. Each
 * direction keeps its order; nothing else is assumed of the channel. Types only.
 *
 * A token is the right to one place on one instance. It is at the main router, idle at a worker, or
 * in use at a worker, so the limit holds whatever is on its way. An instance without a limit lends
 * tokens that any number of requests may use.
 * @module
 */
import type { ErrorCode } from "../../lib/errors.ts";
import type { InstanceOptions } from "./instance.ts";

/** One token of an instance. */
export interface Grant {
  readonly kind: "grant";
  readonly component: string;
  readonly instance: string;
  /** Told with the first grant of an instance. */
  readonly address?: InstanceOptions["address"];
  /** Any number of requests may use the token. */
  readonly isSoft: boolean;
  /** Nobody else waits, so what is not needed may be kept for the next request. */
  readonly keep: boolean;
  /** The want that this answers. */
  readonly want?: number;
}

/** A failure in a form that crosses threads. */
export interface FailureMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** From the main thread to a worker. */
export type TokenOrder =
  | Grant
  /** The want ended without a token. */
  | { readonly kind: "refuse"; readonly want: number; readonly why: Refusal }
  /** Others wait: return idle tokens now and used ones as their requests end. */
  | { readonly kind: "recall"; readonly component: string }
  /** The instance takes no further request: return its tokens likewise. */
  | { readonly kind: "retire"; readonly instance: string }
  /** The instance is gone: its connections may be closed. */
  | { readonly kind: "gone"; readonly instance: string }
  /** Whether instances serve the component. */
  | { readonly kind: "serving"; readonly component: string; readonly isOn: boolean }
  /** The answer to a knock. */
  | { readonly kind: "knocked"; readonly knock: number; readonly failure?: FailureMessage };

/** Why a want was not granted. */
export type Refusal =
  | { readonly kind: "full" | "timed_out" | "left" }
  | { readonly kind: "failed"; readonly failure: FailureMessage };

/** All that a worker did with one instance's tokens so far; a later one replaces an earlier one. */
export interface LoanReport {
  readonly kind: "loan";
  readonly instance: string;
  /** Tokens that have arrived, ever. */
  readonly arrived: number;
  /** Tokens that were given back, ever. */
  readonly returned: number;
  /** Requests in progress. */
  readonly inFlight: number;
  /** Requests completed, ever. */
  readonly requests: number;
  /** Requests × milliseconds in progress, ever. */
  readonly busyMs: number;
  /** When the last request ended, in milliseconds since 1970; 0 means never. */
  readonly lastRequestMs: number;
}

/** From a worker to the main thread. */
export type TokenNote =
  | LoanReport
  /** A request waits for a place, at most `waitMs` from now. */
  | {
    readonly kind: "want";
    readonly want: number;
    readonly component: string;
    readonly waitMs: number;
  }
  /** The client of a want left. */
  | { readonly kind: "leave"; readonly want: number }
  | { readonly kind: "knock"; readonly knock: number; readonly component: string }
  /** The instance could not be reached. */
  | { readonly kind: "suspend"; readonly instance: string };
