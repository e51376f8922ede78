/**
 * Buffers for what is on its way: borrowed for one write or one body, then used again. One that a
 * pending read or write may still touch is never given back; the collector takes it.
 * @module
 */

/** Most bytes of one read, so that a piece and its framing fit a page. */
export const PIECE_BYTES = 64 * 1024;

/** Size of a page, in bytes: what bodies travel in. */
export const PAGE_BYTES = PIECE_BYTES + 64;

/** Size of a small buffer, in bytes: what a connection waits with, and what heads travel in. */
export const BUFFER_BYTES = 4 * 1024;

const KEPT_BUFFERS_MAX = 1024;
const KEPT_PAGES_MAX = 256;
const keptBuffers: Uint8Array<ArrayBuffer>[] = [];
const keptPages: Uint8Array<ArrayBuffer>[] = [];

/** A buffer of at least `bytes` bytes with old content: a small one, a page, or one of its own. */
export function borrow(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes <= BUFFER_BYTES) return keptBuffers.pop() ?? new Uint8Array(BUFFER_BYTES);
  if (bytes <= PAGE_BYTES) return keptPages.pop() ?? new Uint8Array(PAGE_BYTES);
  return new Uint8Array(bytes);
}

/** Gives `buffer` back; one of another size is left to the collector. */
export function giveBack(buffer: Uint8Array<ArrayBuffer>): void {
  if (buffer.length === BUFFER_BYTES) {
    if (keptBuffers.length < KEPT_BUFFERS_MAX) keptBuffers.push(buffer);
  } else if (buffer.length === PAGE_BYTES && keptPages.length < KEPT_PAGES_MAX) {
    keptPages.push(buffer);
  }
}
