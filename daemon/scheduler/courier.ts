/**
 * Brings one node its targets: the newest at once when they have changed or the node has started
 * again, and again and again in case a word was lost. Never two at a time, so none overtakes another.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import type { TargetOrder } from "../../lib/contract/v1.ts";
import { asMaelstromError, isAbort } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";

const AGAIN_EVERY_MS = 2000;

/** What {@linkcode Courier} needs. */
export interface CourierOptions {
  readonly send: (nodeId: string, order: TargetOrder, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** The number of a new order: higher than all before, of whatever courier. */
  readonly number: () => number;
  /** The node knows a newer owner. */
  readonly stale: () => void;
}

/** The way to one node. */
export class Courier implements AsyncDisposable {
  readonly #nodeId: string;
  readonly #options: CourierOptions;
  readonly #sender: Recurring;
  #order: TargetOrder | undefined;
  #text = "";
  #fault = "";

  constructor(nodeId: string, options: CourierOptions) {
    this.#nodeId = nodeId;
    this.#options = options;
    this.#sender = new Recurring((signal) => this.#send(signal), {
      name: `targets of ${nodeId}`,
      everyMs: AGAIN_EVERY_MS,
      log: options.log,
    });
  }

  /** Brings `order` to the node that started at `startedAt`, soon if that is news. */
  bring(order: Omit<TargetOrder, "number">, startedAt: number): void {
    const text = JSON.stringify([startedAt, order]);
    if (text === this.#text) return;
    this.#text = text;
    this.#order = { ...order, number: this.#options.number() };
    this.#sender.poke();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  async #send(signal: AbortSignal): Promise<void> {
    if (!this.#order) return;
    const { send, log, stale } = this.#options;
    try {
      await send(this.#nodeId, this.#order, signal);
      this.#fault = "";
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const { code, message } = asMaelstromError(error);
      if (code === "stale_epoch") return stale();
      // Said once; the cluster soon knows if the node is gone.
      if (code !== this.#fault) {
        log.warn("cannot bring targets", { node: this.#nodeId, reason: message });
      }
      this.#fault = code;
    }
  }
}
