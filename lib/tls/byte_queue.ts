/**
 * Bytes on their way from somebody who pushes to somebody who reads. Bounds nothing by itself: who
 * pushes looks at `length`.
 * @module
 */

/** A queue of bytes with at most one waiting reader. */
export class ByteQueue {
  /** Bytes pushed and not yet read. */
  length = 0;
  #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk already read. */
  #offset = 0;
  #ended = false;
  #error: Error | undefined;
  #reader: {
    into: Uint8Array;
    resolve: (count: number | null) => void;
    reject: (error: Error) => void;
  } | undefined;

  /** Adds `bytes`, which are the queue's from now on; after the end they are dropped. */
  push(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.length += bytes.length;
    if (!this.#reader) return;
    const { into, resolve } = this.#reader;
    this.#reader = undefined;
    resolve(this.#take(into));
  }

  /** No more will come; what is there can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader?.resolve(null);
    this.#reader = undefined;
  }

  /** The source broke: a reader that has read everything gets `error`. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  /**
   * Reads what is there into `into`, or waits for more; null at the end.
   *
   * @throws {Error} what {@linkcode fail} was given
   */
  read(into: Uint8Array): Promise<number | null> {
    if (this.length > 0) return Promise.resolve(this.#take(into));
    if (this.#error) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(null);
    if (this.#reader) return Promise.reject(new Error("Cannot read: a read is under way"));
    return new Promise((resolve, reject) => this.#reader = { into, resolve, reject });
  }

  #take(into: Uint8Array): number {
    let at = 0;
    while (at < into.length && this.#chunks.length > 0) {
      const chunk = this.#chunks[0]!;
      const count = Math.min(chunk.length - this.#offset, into.length - at);
      into.set(chunk.subarray(this.#offset, this.#offset + count), at);
      at += count;
      this.#offset += count;
      if (this.#offset < chunk.length) break;
      this.#chunks.shift();
      this.#offset = 0;
    }
    this.length -= at;
    return at;
  }
}
