/**
 * One connection as bytes: at most one read under way into one buffer, writes that finish, and a
 * limit for each. Knows nothing of HTTP.
 * @module
 */
import { clock, NEVER, ticksFor } from "./clock.ts";

const NOTHING = () => {};
const SETTLED: Promise<void> = Promise.resolve();

/** A buffer that reads and writes use. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One connection. Unread bytes are `buf[start, end)`. */
export class Wire {
  buf: Bytes;
  start = 0;
  end = 0;
  /** A read is under way into `buf` from `end` on. */
  reading = false;
  /** The peer sends no more: it said so, or `error` tells why. */
  ended = false;
  error: Error | undefined;
  closed = false;
  /** Bytes the system took for sending, so far. */
  sent = 0;
  /** Tick by which the read, or the write, under way must have made progress. */
  inBy: number = NEVER;
  outBy: number = NEVER;
  /** Settles when the read under way has ended. */
  pending: Promise<void> = SETTLED;
  /** Called after each read, before `pending` settles. */
  onInput: () => void = NOTHING;
  /** Ticks a write may go without progress. */
  writeTicks: number;

  readonly conn: Deno.Conn;
  readonly #got = (count: number | null) => this.#onRead(count);
  readonly #failed = (error: unknown) => this.#onError(error);

  constructor(conn: Deno.Conn, bufferBytes: number, writeIdleMs: number) {
    this.conn = conn;
    this.buf = new Uint8Array(bufferBytes);
    this.writeTicks = ticksFor(writeIdleMs);
  }

  /** Begins a read unless one is under way, the peer has ended, or there is no room. */
  beginRead(): void {
    if (this.reading || this.ended || this.end >= this.buf.length) return;
    this.reading = true;
    const room = this.end === 0 ? this.buf : this.buf.subarray(this.end);
    this.pending = this.conn.read(room).then(this.#got, this.#failed);
  }

  /** Forgets consumed bytes when nothing is unread, so that the next read has all the room. */
  compact(): void {
    if (!this.reading && this.start === this.end) this.start = this.end = 0;
  }

  /** Goes on with `buf`; unread bytes move to its front. No read may be under way. */
  useBuffer(buf: Bytes): void {
    const unread = this.end - this.start;
    if (unread > 0) buf.set(this.buf.subarray(this.start, this.end));
    this.buf = buf;
    this.start = 0;
    this.end = unread;
  }

  /**
   * Sends all of `bytes`.
   *
   * @throws the connection broke or was closed; `sent` tells how much had been taken
   */
  async write(bytes: Bytes): Promise<void> {
    this.outBy = clock.tick + this.writeTicks;
    let count = await this.conn.write(bytes);
    this.sent += count;
    while (count < bytes.length) {
      this.outBy = clock.tick + this.writeTicks;
      const more = await this.conn.write(bytes.subarray(count));
      this.sent += more;
      count += more;
    }
    this.outBy = NEVER;
  }

  /** Says that we send no more. */
  async endWriting(): Promise<void> {
    try {
      await this.conn.closeWrite();
    } catch {
      // Gone already: there is nobody left to tell.
    }
  }

  /** Ends both directions now; a read or write under way fails. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.conn.close();
    } catch {
      // The runtime closed it by itself after an error.
    }
  }

  #onRead(count: number | null): void {
    this.reading = false;
    if (count === null) this.ended = true;
    else this.end += count;
    this.onInput();
  }

  #onError(error: unknown): void {
    this.reading = false;
    this.ended = true;
    this.error = error instanceof Error ? error : new Error(String(error));
    this.onInput();
  }
}
