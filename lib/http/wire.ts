/**
 * One connection as bytes: at most one read under way into one buffer, at most one write, and a
 * limit for each. Knows nothing of HTTP.
 * @module
 */
import { clock, NEVER, ticksFor } from "./clock.ts";
import { type Line, type Transport, transportOf } from "./line.ts";
import { giveBack, PIECE_BYTES } from "./pages.ts";

const NOTHING = () => {};
const SETTLED: Promise<void> = Promise.resolve();
const EMPTY = new Uint8Array(0);

/**
 * Resolves when whatever arrived at the same time has come as far as its waiter. Between looking at
 * what came and sending on, it makes two rounds of what would be interleaved: the system's code and
 * ours would drive each other out of the processor's caches at every request.
 */
export const round: Promise<void> = SETTLED;

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
  /** A write is under way. */
  writing = false;
  /** Why the last write failed: nothing more can be sent. */
  writeError: Error | undefined;
  /** Resolves when the write under way has ended, well or not. */
  sending: Promise<void> = SETTLED;
  /** Called after each read, before `pending` settles. */
  onInput: () => void = NOTHING;
  /** Ticks a write may go without progress. */
  writeTicks: number;

  readonly conn: Line;
  readonly #transport: Transport;
  // Bound once, so that a read or a write makes no closure.
  readonly #got = (count: number | null) => this.#onRead(count);
  readonly #failed = (error: unknown) => this.#onReadError(error);
  readonly #took = (count: number) => this.#onWritten(count);
  readonly #broke = (error: unknown) => this.#onWriteError(error);
  // What is being sent: `#out[#outStart, #outEnd)`.
  #out: Bytes = EMPTY;
  #outStart = 0;
  #outEnd = 0;

  constructor(conn: Line, bufferBytes: number, writeIdleMs: number) {
    this.conn = conn;
    this.#transport = transportOf(conn);
    this.buf = new Uint8Array(bufferBytes);
    this.writeTicks = ticksFor(writeIdleMs);
  }

  /** Begins a read unless one is under way, the peer has ended, or there is no room. */
  beginRead(): void {
    if (this.reading || this.ended || this.end >= this.buf.length) return;
    this.reading = true;
    const { buf, end } = this;
    const room = end === 0 && buf.length <= PIECE_BYTES
      ? buf
      : buf.subarray(end, end + PIECE_BYTES);
    this.pending = this.#transport.read(room).then(this.#got, this.#failed);
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
   * Takes `bytes[0, length)` for the next {@linkcode Wire.send}; `bytes` goes back to the pool when
   * the system has all of it. No write may be under way; one is from now on.
   */
  load(bytes: Bytes, length: number): void {
    this.writing = true;
    this.#out = bytes;
    this.#outStart = 0;
    this.#outEnd = length;
  }

  /**
   * Begins to send what was loaded; `sending` and `writeError` tell how it ends, `sent` how much was
   * taken.
   */
  send(): void {
    this.outBy = clock.tick + this.writeTicks;
    const bytes = this.#out.subarray(this.#outStart, this.#outEnd);
    this.sending = this.#transport.write(bytes).then(this.#took, this.#broke);
  }

  /**
   * Sends `bytes[0, length)` after what is being sent; `bytes` goes back to the pool after that.
   *
   * @throws the connection broke or was closed; `sent` tells how much had been taken
   */
  async write(bytes: Bytes, length: number = bytes.length): Promise<void> {
    while (this.writing) await this.sending;
    this.load(bytes, length);
    this.send();
    await this.sending;
    if (this.writeError) throw this.writeError;
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
    if (count) this.end += count;
    else this.ended = true;
    this.onInput();
  }

  #onReadError(error: unknown): void {
    this.reading = false;
    this.ended = true;
    this.error = asError(error);
    this.onInput();
  }

  #onWritten(count: number): Promise<void> | undefined {
    this.sent += count;
    this.#outStart += count;
    if (this.#outStart < this.#outEnd) {
      this.send();
      return this.sending;
    }
    this.writing = false;
    this.outBy = NEVER;
    giveBack(this.#out);
    this.#out = EMPTY;
    return undefined;
  }

  #onWriteError(error: unknown): void {
    this.writing = false;
    this.outBy = NEVER;
    this.writeError = asError(error);
    this.#out = EMPTY;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
