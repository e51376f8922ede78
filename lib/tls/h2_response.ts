/**
 * Reads the HTTP/1.1 answers that the engine writes and says them as HTTP/2: interim heads, the
 * final head, the data without its framing. Knows nothing of streams.
 *
 * Source: RFC 9113 §8.2.2, §8.3.2; RFC 9112 §6.3.
 * @module
 */
import { latin1 } from "../http/bytes.ts";
import { ChunkedDecoder } from "../http/chunked.ts";
import { DONE, Head, Kind, MORE } from "../http/head.ts";
import { RESPONSE_LIMITS } from "../http/limits.ts";

/** Receives an answer, part by part. */
export interface ResponseSink {
  /** A 1xx head: names and values in turn, `:status` first. */
  onInterim(fields: string[]): void;
  /** The final head. `ended`: there is no body. */
  onHead(fields: string[], ended: boolean): void;
  /** Data, the sink's from now on. `ended`: the last of it, perhaps empty. */
  onData(bytes: Uint8Array, ended: boolean): void;
}

/** Fields that HTTP/2 has only one of; an instance that repeats one is heard the first time. */
const SINGLE = new Set([
  "age",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-md5",
  "content-range",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "access-control-allow-credentials",
]);
/** Heads that our own engine writes are a little larger than those it accepts. */
const LIMITS = {
  headBytesMax: 4 * RESPONSE_LIMITS.headBytesMax,
  fieldsMax: 2 * RESPONSE_LIMITS.fieldsMax,
  targetBytesMax: 0,
};

/** Reads one answer. */
export class ResponseReader {
  /** The whole answer was read. */
  done = false;
  /** Another request may follow on the connection the answer came from. */
  keep = false;
  readonly #sink: ResponseSink;
  readonly #isHead: boolean;
  readonly #head = new Head("response", LIMITS);
  #decoder: ChunkedDecoder | undefined;
  #remaining = 0;
  #inBody = false;
  /** A head that has not arrived whole. */
  #partial: Uint8Array | undefined;

  /** `isHead`: the request was HEAD, so the answer has no body. */
  constructor(sink: ResponseSink, isHead: boolean) {
    this.#sink = sink;
    this.#isHead = isHead;
  }

  /**
   * Reads on with `bytes`, which it may change and keep.
   *
   * @throws {Error} the answer is malformed
   */
  read(bytes: Uint8Array): void {
    let rest: Uint8Array | undefined = bytes;
    while (rest && rest.length > 0 && !this.done) {
      rest = this.#inBody ? this.#readBody(rest) : this.#readHead(rest);
    }
  }

  #readHead(bytes: Uint8Array): Uint8Array | undefined {
    const all = this.#partial ? joined(this.#partial, bytes) : bytes;
    const head = this.#head;
    head.begin(0);
    const result = head.parse(all, all.length);
    this.#partial = result === MORE ? all : undefined;
    if (result === MORE) return undefined;
    if (result !== DONE) throw new Error(`Cannot say answer in HTTP/2: ${head.problem}`);
    const fields = fieldsOf(head, all);
    if (head.status < 200) {
      if (head.status === 101) throw new Error("Cannot say answer in HTTP/2: status 101");
      this.#sink.onInterim(fields);
    } else {
      this.#begin(fields);
    }
    return all.subarray(head.end);
  }

  #begin(fields: string[]): void {
    const { status, chunked, contentLength, close } = this.#head;
    this.keep = !close;
    this.#inBody = true;
    const bodiless = this.#isHead || status === 204 || status === 304;
    if (!bodiless && chunked) this.#decoder = new ChunkedDecoder();
    else if (!bodiless && contentLength < 0) {
      throw new Error("Cannot say answer in HTTP/2: its length is not told");
    } else this.#remaining = bodiless ? 0 : contentLength;
    this.done = !this.#decoder && this.#remaining === 0;
    this.#sink.onHead(fields, this.done);
  }

  #readBody(bytes: Uint8Array): undefined {
    const decoder = this.#decoder;
    let end = bytes.length;
    if (decoder) {
      if (!decoder.decode(bytes, 0, end)) throw new Error("Cannot say answer: malformed chunk");
      end = decoder.dataEnd;
      this.done = decoder.done;
    } else {
      end = Math.min(this.#remaining, end);
      this.#remaining -= end;
      this.done = this.#remaining === 0;
    }
    if (end > 0 || this.done) this.#sink.onData(bytes.subarray(0, end), this.done);
  }
}

function fieldsOf(head: Head, bytes: Uint8Array): string[] {
  const fields = [":status", String(head.status)];
  const seen = new Set<string>();
  for (let i = 0; i < head.count; i++) {
    const kind = head.kind(i);
    if (kind !== Kind.PLAIN && kind !== Kind.LENGTH) continue;
    const name = latin1(bytes, head.nameStart(i), head.nameEnd(i)).toLowerCase();
    if (SINGLE.has(name)) {
      if (seen.has(name)) continue;
      seen.add(name);
    }
    fields.push(name, latin1(bytes, head.valueStart(i), head.valueEnd(i)));
  }
  return fields;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
