/**
 * Keep-alive connections to one address. One always has a read under way while it waits, so one that
 * its instance closed is not used again.
 * @module
 */
import { clock, ticksFor, type Watched } from "./clock.ts";
import { authorityOf, dial, type UpstreamAddress } from "./dial.ts";
import { DONE, Head, MORE } from "./head.ts";
import { INTERIM_MAX, RESPONSE_LIMITS } from "./limits.ts";
import type { Line } from "./line.ts";
import { type Bytes, Wire } from "./wire.ts";

/** How {@linkcode Upstream} keeps its connections. */
export interface UpstreamOptions {
  /** Longest wait for a connection, in milliseconds. @default {3000} */
  readonly connectTimeoutMs?: number;
  /** Longest time a connection waits for its next request, in milliseconds. @default {15000} */
  readonly idleMs?: number;
  /** Most connections that wait; further ones are closed after use. @default {256} */
  readonly idleMax?: number;
}

/** What a connection reads into: an answer of 16 KiB and its head come in one piece. */
const BUFFER_BYTES = 20 * 1024;
const WRITE_IDLE_MS = 30_000;
const ABANDONED_TICKS = ticksFor(2_000);

/** One connection to an upstream. For the engine only. */
export class UpstreamConnection extends Wire {
  readonly head = new Head("response", RESPONSE_LIMITS);
  /** Tick at which it has waited long enough. */
  idleBy = 0;
  /** It waited for its exchange, so it may have died without our knowing. */
  isPooled = false;
  #sentBefore = 0;
  readonly #own: Bytes;
  readonly #pool: Upstream | undefined;

  constructor(conn: Line, pool?: Upstream) {
    super(conn, BUFFER_BYTES, WRITE_IDLE_MS);
    this.#own = this.buf;
    this.#pool = pool;
  }

  /**
   * Shortens the wait for bytes once the pool is closed. What is on its way still arrives, but an
   * instance whose network went with it may never have said that it ended.
   */
  hurryIfAbandoned(tick: number): void {
    if (this.#pool?.closed && this.reading) this.inBy = Math.min(this.inBy, tick + ABANDONED_TICKS);
  }

  /** Makes ready for an exchange. */
  beginExchange(): void {
    this.#sentBefore = this.sent;
    this.head.begin(0);
    this.beginRead();
  }

  /** No byte of the exchange was taken by the system. */
  get isUnseen(): boolean {
    return this.sent === this.#sentBefore;
  }

  /** True while reads go to its own small buffer. */
  get isOnOwnBuffer(): boolean {
    return this.buf === this.#own;
  }

  /** Goes back to its own buffer, empty, and gives the one used until now. */
  reset(): Bytes | undefined {
    const other = this.buf === this.#own ? undefined : this.buf;
    this.buf = this.#own;
    this.start = this.end = 0;
    return other;
  }

  /** Makes room for more of a head; its limit ends the growth. */
  growIfFull(): void {
    if (this.end < this.buf.length || this.reading) return;
    const larger = new Uint8Array(this.buf.length * 2);
    larger.set(this.buf);
    this.buf = larger;
  }
}

/**
 * Reads on to the end of the final answer's head; interim ones are passed over.
 *
 * @throws {Error} the connection ended, or what came is no answer to what was asked
 */
export async function readFinalHead(up: UpstreamConnection): Promise<void> {
  const { head } = up;
  for (let interim = 0;;) {
    const result = up.end > up.start ? head.parse(up.buf, up.end) : MORE;
    if (result === DONE) {
      up.start = head.end;
      if (head.status >= 200) return;
      if (head.status === 101 || ++interim > INTERIM_MAX) {
        throw new Error(`Cannot read answer: unexpected status ${head.status}`);
      }
      head.begin(up.start);
    } else if (result !== MORE) {
      throw new Error(`Cannot read answer: ${head.problem}`);
    } else {
      if (up.ended) throw up.error ?? new Error("Cannot read answer: connection ended");
      up.growIfFull();
      up.beginRead();
      await up.pending;
    }
  }
}

/** The pool of one address. */
export class Upstream implements Watched {
  /** `host:port` for a Host line, where the client gave none. */
  readonly authority: string;
  readonly #address: UpstreamAddress;
  readonly #connectTimeoutMs: number;
  readonly #idleTicks: number;
  readonly #idleMax: number;
  readonly #idle: UpstreamConnection[] = [];
  #busy = 0;
  #closed = false;

  constructor(address: UpstreamAddress, options: UpstreamOptions = {}) {
    const { connectTimeoutMs = 3_000, idleMs = 15_000, idleMax = 256 } = options;
    this.#address = address;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#idleTicks = ticksFor(idleMs);
    this.#idleMax = idleMax;
    this.authority = authorityOf(address);
  }

  /** Connections that serve an exchange or an upgraded client. */
  get busy(): number {
    return this.#busy;
  }

  /** Connections that wait for a request. */
  get idle(): number {
    return this.#idle.length;
  }

  /** True after {@linkcode close}. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Closes what waits now, and what is busy when it has finished or falls silent. */
  close(): void {
    this.#closed = true;
    this.closeIdle();
  }

  /** Closes what waits now. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
    clock.unwatch(this);
  }

  /** A waiting connection that still looks alive. For the engine only. */
  take(): UpstreamConnection | undefined {
    let connection = this.#idle.pop();
    while (connection && (connection.ended || connection.end > 0)) {
      connection.close();
      connection = this.#idle.pop();
    }
    if (connection) this.#busy++;
    return connection;
  }

  /**
   * A fresh connection. For the engine only.
   *
   * @throws what the system says, `TimeoutError`, or `AbortError` when `signal` aborts
   */
  async connect(signal: AbortSignal): Promise<UpstreamConnection> {
    this.#busy++;
    try {
      return new UpstreamConnection(
        await dial(this.#address, this.#connectTimeoutMs, signal),
        this,
      );
    } catch (error) {
      this.#busy--;
      throw error;
    }
  }

  /** Ends the use of a connection: it waits for the next when `reusable`. For the engine only. */
  release(connection: UpstreamConnection, reusable: boolean): void {
    this.#busy--;
    if (!reusable || this.#closed || this.#idle.length >= this.#idleMax || connection.ended) {
      connection.close();
      return;
    }
    connection.isPooled = true;
    connection.idleBy = clock.tick + this.#idleTicks;
    connection.beginRead();
    if (this.#idle.length === 0) clock.watch(this);
    this.#idle.push(connection);
  }

  /** Closes what has waited too long or was closed by the other side. */
  onTick(tick: number): void {
    let kept = 0;
    for (const connection of this.#idle) {
      if (connection.idleBy <= tick || connection.ended || connection.end > 0) connection.close();
      else this.#idle[kept++] = connection;
    }
    this.#idle.length = kept;
    if (kept === 0) clock.unwatch(this);
  }
}
