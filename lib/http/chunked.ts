/**
 * Takes the chunked coding off a body, in place: what is left is the data, moved together. Strict
 * about every byte; extensions and trailers are read and dropped. Pure.
 *
 * Source: RFC 9112 §7.1.
 * @module
 */
import { CLASS, CR, HTAB, LF, putBytes, putLatin1, SP, TOKEN, VALUE } from "./bytes.ts";

const S = {
  SIZE_FIRST: 0,
  SIZE: 1,
  BLANK: 2,
  EXTENSION: 3,
  SIZE_LF: 4,
  DATA: 5,
  DATA_CR: 6,
  DATA_LF: 7,
  TRAILER_FIRST: 8,
  TRAILER: 9,
  TRAILER_LF: 10,
  END_LF: 11,
  DONE: 12,
  BAD: 13,
} as const;

/** Largest chunk size accepted, in hexadecimal digits; 13 stay exact in a number. */
const SIZE_DIGITS_MAX = 13;
/** Longest extension of one chunk, in bytes. */
const EXTENSION_BYTES_MAX = 1024;
/** Longest trailer section, in bytes. */
const TRAILER_BYTES_MAX = 16 * 1024;

/** Decodes one chunked body, however its bytes are split. */
export class ChunkedDecoder {
  /** Offset behind the data that the last {@linkcode decode} left at its `start`. */
  dataEnd = 0;
  /** Offset of the first byte the last {@linkcode decode} did not use. */
  consumed = 0;
  #state: number = S.SIZE_FIRST;
  #size = 0;
  #digits = 0;
  #overhead = 0;
  #trailer = 0;
  #colon = false;

  /** True when the body has ended. */
  get done(): boolean {
    return this.#state === S.DONE;
  }

  /** Begins a new body. */
  reset(): void {
    this.#state = S.SIZE_FIRST;
    this.#size =
      this.#digits =
      this.#overhead =
      this.#trailer =
        0;
  }

  /**
   * Decodes `bytes[start, end)`: data is moved to `[start, dataEnd)`; bytes from `consumed` on
   * belong to what follows the body.
   *
   * @returns false when the coding is malformed; nothing after that may be used
   */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    let to = start;
    let i = start;
    while (i < end && this.#state < S.DONE) {
      if (this.#state === S.DATA) {
        const length = Math.min(this.#size, end - i);
        if (to !== i) bytes.copyWithin(to, i, i + length);
        to += length;
        i += length;
        this.#size -= length;
        if (this.#size === 0) this.#state = S.DATA_CR;
      } else {
        this.#state = this.#step(bytes[i++]!);
      }
    }
    this.dataEnd = to;
    this.consumed = i;
    return this.#state !== S.BAD;
  }

  #step(byte: number): number {
    switch (this.#state) {
      case S.SIZE_FIRST:
      case S.SIZE:
      case S.BLANK:
      case S.EXTENSION:
        return this.#sizeStep(byte);
      case S.SIZE_LF:
        if (byte !== LF) return S.BAD;
        return this.#size > 0 ? S.DATA : S.TRAILER_FIRST;
      case S.DATA_CR:
        return byte === CR ? S.DATA_LF : S.BAD;
      case S.DATA_LF:
        this.#size = this.#digits = this.#overhead = 0;
        return byte === LF ? S.SIZE_FIRST : S.BAD;
      default:
        return this.#trailerStep(byte);
    }
  }

  #sizeStep(byte: number): number {
    if (this.#state <= S.SIZE) {
      const digit = hexDigit(byte);
      if (digit >= 0) {
        this.#size = this.#size * 16 + digit;
        return ++this.#digits > SIZE_DIGITS_MAX ? S.BAD : S.SIZE;
      }
      if (this.#state === S.SIZE_FIRST) return S.BAD;
    }
    if (byte === CR) return this.#state === S.BLANK ? S.BAD : S.SIZE_LF;
    if (++this.#overhead > EXTENSION_BYTES_MAX) return S.BAD;
    if (this.#state === S.EXTENSION) return (CLASS[byte]! & VALUE) !== 0 ? S.EXTENSION : S.BAD;
    if (byte === 59) return S.EXTENSION;
    return byte === SP || byte === HTAB ? S.BLANK : S.BAD;
  }

  #trailerStep(byte: number): number {
    if (++this.#trailer > TRAILER_BYTES_MAX) return S.BAD;
    switch (this.#state) {
      case S.TRAILER_FIRST:
        if (byte === CR) return S.END_LF;
        this.#colon = false;
        return (CLASS[byte]! & TOKEN) !== 0 ? S.TRAILER : S.BAD;
      case S.TRAILER:
        if (byte === CR) return this.#colon ? S.TRAILER_LF : S.BAD;
        if (byte === 58) this.#colon = true;
        return (CLASS[byte]! & (this.#colon ? VALUE : TOKEN)) !== 0 ? S.TRAILER : S.BAD;
      case S.TRAILER_LF:
        return byte === LF ? S.TRAILER_FIRST : S.BAD;
      default:
        return byte === LF ? S.DONE : S.BAD;
    }
  }
}

/** Most bytes that {@linkcode putChunk} adds to the data. */
export const CHUNK_FRAME_BYTES = 24;

/**
 * Writes `from[start, end)` as one chunk (none when empty) to `to` at `at`, and the end of the body
 * when `last`. Gives the offset behind it.
 */
export function putChunk(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  end: number,
  last: boolean,
): number {
  if (end > start) {
    at = putLatin1(to, at, (end - start).toString(16));
    to[at++] = CR;
    to[at++] = LF;
    at = putBytes(to, at, from, start, end);
    to[at++] = CR;
    to[at++] = LF;
  }
  return last ? putLatin1(to, at, "0\r\n\r\n") : at;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
