/**
 * The body of the request that is being answered, piece by piece out of the client's buffer.
 * Strict about its framing; knows nothing of where the pieces go.
 * @module
 */
import { ChunkedDecoder } from "./chunked.ts";
import type { Head } from "./head.ts";
import type { Wire } from "./wire.ts";

/** The body of one request; used again for the next. */
export class RequestBody {
  /** Every byte of it has arrived. */
  received = true;
  /** The piece at hand is `wire.buf[pieceStart, pieceEnd)`. */
  pieceStart = 0;
  pieceEnd = 0;
  chunked = false;
  /** There is a body, though it may be of no bytes. */
  present = false;
  /** Some of it was sent on and is not kept. */
  spent = false;
  /** Bytes of it that were decoded. */
  bytes = 0;
  #remaining = 0;
  #decoder: ChunkedDecoder | undefined;

  /** Begins the body that `head` announces. */
  begin(head: Head): void {
    this.pieceStart = this.pieceEnd = 0;
    this.chunked = head.chunked;
    this.present = head.chunked || head.contentLength > 0;
    this.spent = false;
    this.bytes = 0;
    this.received = !this.present;
    this.#remaining = Math.max(head.contentLength, 0);
    if (!head.chunked) return;
    this.#decoder ??= new ChunkedDecoder();
    this.#decoder.reset();
  }

  /** True while a piece waits to be taken. */
  get hasPiece(): boolean {
    return this.pieceEnd > this.pieceStart;
  }

  /** The piece at hand was used. */
  take(): void {
    this.spent ||= this.present;
    this.pieceStart = this.pieceEnd = 0;
  }

  /**
   * Makes a piece of what has arrived, unless one waits. The wire's unread bytes shrink by it.
   *
   * @returns false when the framing is malformed
   */
  decode(wire: Wire): boolean {
    if (this.received || this.hasPiece || wire.start === wire.end) return true;
    if (this.chunked) return this.#decodeChunks(wire);
    const length = Math.min(this.#remaining, wire.end - wire.start);
    this.pieceStart = wire.start;
    this.pieceEnd = wire.start += length;
    this.bytes += length;
    this.#remaining -= length;
    this.received = this.#remaining === 0;
    return true;
  }

  #decodeChunks(wire: Wire): boolean {
    const decoder = this.#decoder!;
    if (!decoder.decode(wire.buf, wire.start, wire.end)) return false;
    this.pieceStart = wire.start;
    this.pieceEnd = decoder.dataEnd;
    this.bytes += this.pieceEnd - this.pieceStart;
    wire.start = decoder.consumed;
    this.received = decoder.done;
    return true;
  }
}
