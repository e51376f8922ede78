/**
 * One instance as the router sees it: how many requests it has, how many it may have, and what it
 * did lately. Owns its pool of connections. Knows nothing of containers.
 * @module
 */
import type { ComponentActivity } from "../../lib/contract/v1.ts";
import { Upstream } from "../../lib/http/upstream.ts";

/** Length of one activity window, in milliseconds. */
export const WINDOW_MS = 20_000;
const WINDOWS_MAX = 10;

/** Where requests are sent to. */
export interface PlaceAddress {
  readonly hostname: string;
  readonly port: number;
  /** Id of the node that listens there, when it is no instance but a peer that has some. */
  readonly peer?: string;
}

/** What {@linkcode Instance} needs to know of a container. */
export interface InstanceOptions {
  readonly id: string;
  readonly address: PlaceAddress;
  /** Requests admitted at the same time; Infinity for a soft limit. */
  readonly admits: number;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** What became of lent places since it was last told. */
export interface LoanChange {
  /** Places that came back. */
  readonly returned: number;
  /** Change of the number of requests in progress. */
  readonly inFlight: number;
  /** Requests completed. */
  readonly requests: number;
  /** Requests × milliseconds in progress. */
  readonly busyMs: number;
  /** When the last request ended, in milliseconds since 1970; 0 means none did. */
  readonly lastRequestMs: number;
}

/** One instance's traffic. */
export class Instance {
  readonly id: string;
  readonly address: InstanceOptions["address"];
  readonly upstream: Upstream;
  admits: number;
  #now: () => number;
  // Places claimed here, places lent to other threads, and requests in progress on the lent ones.
  #claimed = 0;
  #lent = 0;
  #inFlightAway = 0;
  #totalRequests = 0;
  #lastRequestMs = 0;
  #drained: (() => void) | undefined;
  // The window under way: requests × milliseconds so far, and where it began.
  #area = 0;
  #areaAtMs: number;
  #windowStartMs: number;
  #windowRequests = 0;
  readonly #activity: ComponentActivity[] = [];

  constructor({ id, address, admits, now }: InstanceOptions) {
    this.id = id;
    this.address = address;
    this.upstream = new Upstream(address);
    this.admits = admits;
    this.#now = now;
    this.#areaAtMs = this.#windowStartMs = now();
  }

  /** Id of the node that this stands for, when the instances are a peer's. */
  get peer(): string | undefined {
    return this.address.peer;
  }

  /** Requests in progress. */
  get inFlight(): number {
    return this.#claimed + this.#inFlightAway;
  }

  /** Places that other threads hold, used or not. */
  get lent(): number {
    return this.#lent;
  }

  /** Requests completed since the instance was attached. */
  get totalRequests(): number {
    return this.#totalRequests;
  }

  /** When the last request ended, in milliseconds since 1970; 0 means never. */
  get lastRequestMs(): number {
    return this.#lastRequestMs;
  }

  /** Takes a place if one is free. Whoever gets true calls {@linkcode release} once. */
  claim(): boolean {
    if (this.#claimed + this.#lent >= this.admits) return false;
    this.#account();
    this.#claimed += 1;
    return true;
  }

  /** Gives a place back after a request. */
  release(): void {
    this.unclaim();
    this.#totalRequests += 1;
    this.#windowRequests += 1;
    this.#lastRequestMs = this.#areaAtMs;
  }

  /** Gives a place back that served no request. */
  unclaim(): void {
    if (this.#claimed === 0) throw new Error(`instance ${this.id} released more than claimed`);
    this.#account();
    this.#claimed -= 1;
    this.#tellDrained();
  }

  /** Lends one place, which may be taken or not: {@linkcode unclaim} comes first if it was. */
  lend(): void {
    this.#lent += 1;
  }

  /** Takes note of what happened on lent places. */
  settle({ returned, inFlight, requests, busyMs, lastRequestMs }: LoanChange): void {
    if (returned > this.#lent) throw new Error(`instance ${this.id} got more back than it lent`);
    this.#account();
    this.#lent -= returned;
    this.#inFlightAway += inFlight;
    this.#totalRequests += requests;
    this.#windowRequests += requests;
    this.#area += busyMs;
    this.#lastRequestMs = Math.max(this.#lastRequestMs, lastRequestMs);
    this.#tellDrained();
  }

  /** Resolves when no place is claimed or lent, or when `signal` aborts. */
  drain(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isDrained || signal.aborted) return resolve();
      const done = () => {
        signal.removeEventListener("abort", done);
        this.#drained = undefined;
        resolve();
      };
      this.#drained = done;
      signal.addEventListener("abort", done);
    });
  }

  /** Finished windows, newest first, at most ten. Closes the windows that have passed. */
  activity(): readonly ComponentActivity[] {
    this.#account();
    return this.#activity;
  }

  get #isDrained(): boolean {
    return this.#claimed === 0 && this.#lent === 0;
  }

  #tellDrained(): void {
    if (this.#isDrained) this.#drained?.();
  }

  #account(): void {
    const now = this.#now();
    while (now - this.#windowStartMs >= WINDOW_MS) this.#closeWindow();
    this.#area += this.#claimed * Math.max(0, now - this.#areaAtMs);
    this.#areaAtMs = now;
  }

  #closeWindow(): void {
    const endMs = this.#windowStartMs + WINDOW_MS;
    const area = this.#area + this.#claimed * Math.max(0, endMs - this.#areaAtMs);
    this.#activity.unshift({ requests: this.#windowRequests, concurrency: area / WINDOW_MS });
    this.#activity.length = Math.min(this.#activity.length, WINDOWS_MAX);
    this.#area = 0;
    this.#windowRequests = 0;
    this.#areaAtMs = this.#windowStartMs = endMs;
  }
}
