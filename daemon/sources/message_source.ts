/**
 * What a poller needs of a queue, whichever kind it is: SQS, Step Functions or our own. Types only.
 * @module
 */
import type { HandlerReply } from "./invoke.ts";

/** One message that was received and is ours until its visibility ends. */
export interface Message {
  readonly id: string;
  /** The queue it came from; one source may read several. */
  readonly queue: string;
  readonly body: string;
  /** Header fields for the component besides those that every message gets. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Deliveries so far, this one included. */
  readonly receiveCount: number;
  /** Messages of one group are handled one after another, in order; absent when order is free. */
  readonly group?: string;
  /** Of those that wait for a place the highest begins first. @default {0} */
  readonly priority?: number;
  /** What the queue knows this delivery by. */
  readonly receipt: string;
}

/** Messages that wait, and those that were given up: `{ "waiting": 17, "dead": 2 }`. */
export interface QueueDepth {
  /** Those that could be received now; load for the autoscaler. */
  readonly waiting: number;
  readonly dead: number;
}

/** One or several queues of one event source. Every method may reject; the poller backs off. */
export interface MessageSource extends AsyncDisposable {
  /** Up to `max` messages; waits for the first of them for as long as the queue allows. */
  receive(max: number, signal: AbortSignal): Promise<readonly Message[]>;
  /** Keeps `message` invisible to others for `seconds` from now. */
  extend(message: Message, seconds: number, signal: AbortSignal): Promise<void>;
  /** `message` was handled: it goes. */
  done(message: Message, reply: HandlerReply, signal: AbortSignal): Promise<void>;
  /** `message` was not handled: it is delivered again after `seconds`, or given up as the queue says. */
  failed(
    message: Message,
    seconds: number,
    reply: HandlerReply | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * `message` was not sent to the component: others may have it at once. Absent where that cannot be
   * said; then nothing is received before there is a place for it.
   */
  giveBack?(message: Message, signal: AbortSignal): Promise<void>;
  /** What is in the queues, as far as is known. */
  depth(signal: AbortSignal): Promise<QueueDepth>;
}
