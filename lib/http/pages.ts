/**
 * Buffers for what is on its way: borrowed for one write or one body, then used again. A page that
 * a pending read or write may still touch is never given back; the collector takes it.
 * @module
 */

/** Size of a page, in bytes. */
export const PAGE_BYTES = 64 * 1024 + 64;

/** Size of the buffer that a connection waits with, in bytes. */
export const BUFFER_BYTES = 4 * 1024;

const KEPT_BUFFERS_MAX = 1024;
const keptBuffers: Uint8Array<ArrayBuffer>[] = [];

/** A small buffer with old content. */
export function borrowBuffer(): Uint8Array<ArrayBuffer> {
  return keptBuffers.pop() ?? new Uint8Array(BUFFER_BYTES);
}

/** Gives a small buffer back; one of another size is left to the collector. */
export function returnBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  if (buffer.length === BUFFER_BYTES && keptBuffers.length < KEPT_BUFFERS_MAX) {
    keptBuffers.push(buffer);
  }
}

const KEPT_PAGES_MAX = 256;
const kept: Uint8Array<ArrayBuffer>[] = [];

/** A buffer of at least `bytes` bytes with old content. */
export function borrowPage(bytes = PAGE_BYTES): Uint8Array<ArrayBuffer> {
  if (bytes > PAGE_BYTES) return new Uint8Array(bytes);
  return kept.pop() ?? new Uint8Array(PAGE_BYTES);
}

/** Gives `page` back. Nothing may read or write it any more. */
export function returnPage(page: Uint8Array<ArrayBuffer>): void {
  if (page.length === PAGE_BYTES && kept.length < KEPT_PAGES_MAX) kept.push(page);
}
