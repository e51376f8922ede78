/**
 * How a request goes on to a peer that has instances, and how the peer knows it for one: a pass
 * that only holders of the cluster key can make, good for a minute or so. Knows nothing of routing.
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Exchange } from "../../lib/http/exchange.ts";

/** Nodes that one request may pass, the first included. */
const HOPS_MAX = 4;
const PERIOD_MS = 30_000;
/** Periods that the clocks of two nodes may be apart. */
const SKEW_PERIODS = 2;

/** The nodes that a relayed request came by, oldest first. */
export type RelayPath = readonly string[];

/** What {@linkcode Relays} needs. */
export interface RelaysOptions {
  readonly nodeId: string;
  readonly clusterKey: string;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Makes and reads the fields of relayed requests. */
export class Relays {
  readonly #options: RelaysOptions;
  #period = 0;
  #pass = "";
  readonly #known = new Map<number, Uint8Array>();

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  /** The lines that a request for `component` gains on its way to a peer. */
  fields(component: string, path: RelayPath | undefined): string {
    const ids = [...path ?? [], this.#options.nodeId].join("|");
    return `MAELSTROM-COMPONENT: ${component}\r\nMAELSTROM-RELAY-PATH: ${ids}\r\n` +
      `MAELSTROM-RELAY-PASS: ${this.pass()}\r\n`;
  }

  /** Shows that a request comes from a node: from this one itself when no path goes with it. */
  pass(): string {
    const period = this.#periodNow();
    if (period !== this.#period) {
      this.#period = period;
      this.#pass = `${period}.${this.#sign(period).toString("hex")}`;
    }
    return this.#pass;
  }

  /**
   * The path of a request that a node sent, empty when nobody relayed it; `loop` when it must go no
   * further, undefined when nobody sent it who holds the key.
   */
  pathOf(exchange: Exchange): RelayPath | "loop" | undefined {
    const pass = exchange.header("maelstrom-relay-pass");
    if (pass === undefined || !this.#isValid(pass)) return undefined;
    const path = exchange.header("maelstrom-relay-path")?.split("|") ?? [];
    return path.length >= HOPS_MAX || path.includes(this.#options.nodeId) ? "loop" : path;
  }

  #isValid(pass: string): boolean {
    const [, number = "", hex = ""] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(pass) ?? [];
    const period = Number(number);
    if (hex === "" || Math.abs(period - this.#periodNow()) > SKEW_PERIODS) return false;
    return timingSafeEqual(this.#expected(period), Uint8Array.fromHex(hex));
  }

  #expected(period: number): Uint8Array {
    let expected = this.#known.get(period);
    if (!expected) {
      // Those of other periods are not asked for again.
      if (this.#known.size > 2 * SKEW_PERIODS) this.#known.clear();
      this.#known.set(period, expected = this.#sign(period));
    }
    return expected;
  }

  #sign(period: number) {
    return createHmac("sha256", this.#options.clusterKey).update(`relay ${period}`).digest();
  }

  #periodNow(): number {
    return Math.floor(this.#options.now() / PERIOD_MS);
  }
}
