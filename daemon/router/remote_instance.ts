/**
 * One instance as a proxy worker sees it: the tokens it has, used and idle, and what to tell of
 * them. Owns its pool of connections. Knows nothing of other workers.
 * @module
 */
import { Upstream } from "../../lib/http/upstream.ts";
import type { Place } from "./admission.ts";
import type { InstanceOptions } from "./instance.ts";
import type { LoanReport } from "./token_messages.ts";

/** What {@linkcode RemoteInstance} needs to know. */
export interface RemoteInstanceOptions {
  readonly id: string;
  readonly component: string;
  readonly address: InstanceOptions["address"];
  /** A token may be used by any number of requests. */
  readonly isSoft: boolean;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** One instance's tokens at this worker. */
export class RemoteInstance implements Place {
  readonly id: string;
  readonly component: string;
  readonly upstream: Upstream;
  readonly peer: string | undefined;
  readonly isSoft: boolean;
  /** Takes no further request; tokens go home as they become idle. */
  isRetired = false;
  /** The container is gone; this one is forgotten when its last request has ended. */
  isGone = false;
  /** Something happened that was not told yet. */
  isUntold = false;
  readonly #now: () => number;
  #tokens = 0;
  #inFlight = 0;
  // Fewest idle tokens since the last sweep: those were not needed.
  #idleMin = 0;
  #arrived = 0;
  #returned = 0;
  #requests = 0;
  #busyMs = 0;
  #busyAtMs: number;
  #lastRequestMs = 0;

  constructor({ id, component, address, isSoft, now }: RemoteInstanceOptions) {
    this.id = id;
    this.component = component;
    this.upstream = new Upstream(address);
    this.peer = address.peer;
    this.isSoft = isSoft;
    this.#now = now;
    this.#busyAtMs = now();
  }

  /** Requests in progress. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Tokens that nobody uses. */
  get idle(): number {
    if (this.isSoft) return this.#inFlight === 0 ? this.#tokens : 0;
    return this.#tokens - this.#inFlight;
  }

  /** A token has come. */
  arrive(): void {
    this.#tokens += 1;
    this.#arrived += 1;
    this.isRetired = false;
    this.isUntold = true;
  }

  /** Takes a place if there is an idle token. Whoever gets true calls {@linkcode release} once. */
  claim(): boolean {
    if (this.isRetired || this.#tokens === 0) return false;
    if (!this.isSoft && this.#inFlight >= this.#tokens) return false;
    this.#account();
    this.#inFlight += 1;
    this.#idleMin = Math.min(this.#idleMin, this.idle);
    this.isUntold = true;
    return true;
  }

  /** Ends the use of a place; its token is idle now. */
  release(): void {
    if (this.#inFlight === 0) throw new Error(`instance ${this.id} released more than claimed`);
    this.#account();
    this.#inFlight -= 1;
    this.#requests += 1;
    this.#lastRequestMs = this.#busyAtMs;
    this.isUntold = true;
  }

  /**
   * Gives idle tokens back; the next report says so. True when there were any. Those without limit
   * serve nobody else, so they stay while the instance serves.
   */
  giveBack(): boolean {
    return this.isSoft && !this.isRetired ? false : this.#return(this.idle);
  }

  /** Gives back what was not needed since the last sweep. True when there was anything. */
  sweep(): boolean {
    const spare = this.isSoft ? 0 : this.#idleMin;
    const returned = this.#return(spare);
    this.#idleMin = this.idle;
    return returned;
  }

  /** All that is to tell, in totals. */
  report(): LoanReport {
    this.#account();
    // While requests go on, so does the time they take.
    this.isUntold = this.#inFlight > 0;
    return {
      kind: "loan",
      instance: this.id,
      arrived: this.#arrived,
      returned: this.#returned,
      inFlight: this.#inFlight,
      requests: this.#requests,
      busyMs: this.#busyMs,
      lastRequestMs: this.#lastRequestMs,
    };
  }

  #return(tokens: number): boolean {
    if (tokens === 0) return false;
    this.#tokens -= tokens;
    this.#returned += tokens;
    this.#idleMin = Math.min(this.#idleMin, this.idle);
    this.isUntold = true;
    return true;
  }

  #account(): void {
    const now = this.#now();
    this.#busyMs += this.#inFlight * Math.max(0, now - this.#busyAtMs);
    this.#busyAtMs = now;
  }
}
