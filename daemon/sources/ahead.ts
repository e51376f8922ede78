/**
 * Messages that were received before there was a place for them, so that a place that becomes free
 * has its next message at once, while the queue is asked for more. Owns how many, in which order and
 * for how long; knows nothing of queues. Walk: poller → **ahead**.
 *
 * Nothing is held that others could begin sooner: no more than all places together begin within
 * {@linkcode AHEAD_MS}, going by what requests took of late, and not more than one receive brings or
 * half of the places serve. With handlers of 10 s that is nothing. Where they become slow all of a
 * sudden, what was held for {@linkcode HELD_MS} is for others, and nothing more is taken ahead until
 * a request shows what it takes.
 * @module
 */
import type { Message } from "./message_source.ts";

/** Time within which a message that is taken ahead should begin, in milliseconds. */
const AHEAD_MS = 100;
/** Longest time that one waits: more than the pause of a component that is only busy. */
export const HELD_MS = 1500;
/** Part of the newest request in what requests take. */
const NEWEST = 1 / 8;

/** Messages that are served one after another, or in one request. */
export interface Lane {
  readonly messages: readonly Message[];
  /** Places that it takes. */
  readonly places: number;
}

interface Held {
  readonly lane: Lane;
  readonly priority: number;
  readonly sinceMs: number;
}

/** The lanes that wait for a place of one poller. Times are those of one clock, in milliseconds. */
export class Ahead {
  readonly #heldMs: number;
  #held: Held[] = [];
  #places = 0;
  /** None of what waits has waited too long before that. */
  #dueMs = Infinity;
  /** What a request takes; undefined while that is not known. */
  #tookMs: number | undefined;

  /** `heldMs` is the longest time that a message waits, if that is shorter than usual. */
  constructor(heldMs: number) {
    this.#heldMs = Math.min(heldMs, HELD_MS);
  }

  /** Places that what waits will take. */
  get places(): number {
    return this.#places;
  }

  /** Places for which messages may wait while `limit` go round and a receive brings `perReceive`. */
  placesMax(limit: number, perReceive: number): number {
    if (this.#tookMs === undefined) return 0;
    const soon = limit * AHEAD_MS / Math.max(1, this.#tookMs);
    return Math.floor(Math.min(soon, Math.max(perReceive, limit / 2)));
  }

  /** A request took `ms`. */
  took(ms: number): void {
    this.#tookMs = this.#tookMs === undefined ? ms : this.#tookMs + (ms - this.#tookMs) * NEWEST;
  }

  /** What requests took says nothing of the next ones. */
  forget(): void {
    this.#tookMs = undefined;
  }

  /** Adds `lane` behind those of its priority. */
  put(lane: Lane, nowMs: number): void {
    const priority = lane.messages[0]?.priority ?? 0;
    const at = this.#held.findLastIndex((before) => before.priority >= priority);
    this.#held.splice(at + 1, 0, { lane, priority, sinceMs: nowMs });
    this.#places += lane.places;
    this.#dueMs = Math.min(this.#dueMs, nowMs + this.#heldMs);
  }

  /** The next to begin. */
  take(): Lane | undefined {
    const next = this.#held.shift();
    this.#places -= next?.lane.places ?? 0;
    return next?.lane;
  }

  /** Those that have waited too long, or `all` of them; they no longer wait. */
  takeOverdue(nowMs: number, all = false): Lane[] {
    if (!all && nowMs < this.#dueMs) return [];
    const over: Lane[] = [];
    const held = this.#held;
    this.#held = [];
    this.#dueMs = Infinity;
    for (const one of held) {
      const dueMs = one.sinceMs + this.#heldMs;
      if (all || dueMs <= nowMs) {
        over.push(one.lane);
        this.#places -= one.lane.places;
      } else {
        this.#held.push(one);
        this.#dueMs = Math.min(this.#dueMs, dueMs);
      }
    }
    return over;
  }
}
