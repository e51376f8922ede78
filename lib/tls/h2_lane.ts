/**
 * A connection in memory between HTTP/2 streams and the HTTP/1.1 engine, which sees an ordinary
 * keep-alive connection: one request after another, each from another stream. Owns the pace in both
 * directions and how a break on one side is told to the other.
 * @module
 */
import type { ServerHttp2Stream } from "node:http2";
import { CHUNK_FRAME_BYTES, putChunk } from "../http/chunked.ts";
import type { SecureConn, TlsFacts } from "../http/secure.ts";
import { ByteQueue } from "./byte_queue.ts";
import type { RequestHead } from "./h2_request.ts";
import { ResponseReader, type ResponseSink } from "./h2_response.ts";

/** Body bytes held for the engine before the stream is paused. */
const HELD_BYTES_MAX = 64 * 1024;
const LAST_CHUNK = Uint8Array.from("0\r\n\r\n", (character) => character.charCodeAt(0));

/** Whom a lane belongs to. */
export interface LaneOwner {
  readonly remoteAddr: Deno.NetAddr;
  readonly localAddr: Deno.NetAddr;
  readonly tls: TlsFacts;
  /** The lane may carry another stream (`true`), or never again. */
  onFree(lane: Lane, reusable: boolean): void;
}

/** One connection in memory. */
export class Lane implements SecureConn, ResponseSink {
  readonly #owner: LaneOwner;
  readonly #input = new ByteQueue();
  #stream: ServerHttp2Stream | undefined;
  #reader: ResponseReader | undefined;
  #framing: RequestHead["framing"] = "none";
  /** Bytes of the body that Content-Length still promises. */
  #promised = 0;
  #received = true;
  #paused = false;
  #closed = false;
  /** Wakes the write that waits for the stream to drain. */
  #wake: (() => void) | undefined;

  constructor(owner: LaneOwner) {
    this.#owner = owner;
  }

  get localAddr(): Deno.NetAddr {
    return this.#owner.localAddr;
  }
  get remoteAddr(): Deno.NetAddr {
    return this.#owner.remoteAddr;
  }
  get tls(): TlsFacts {
    return this.#owner.tls;
  }
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    throw new Error("Cannot stream a lane: read it");
  }
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    throw new Error("Cannot stream a lane: write to it");
  }

  /** Carries the request of `stream`, whose head is `head`. The lane must be free. */
  carry(stream: ServerHttp2Stream, head: RequestHead, isHead: boolean): void {
    this.#stream = stream;
    this.#reader = new ResponseReader(this, isHead);
    this.#framing = head.framing;
    this.#promised = head.contentLength;
    this.#received = head.framing === "none";
    this.#paused = false;
    stream.on("aborted", () => this.#onStreamEnd(stream));
    stream.on("close", () => this.#onStreamEnd(stream));
    stream.on("drain", () => this.#onDrain());
    if (!this.#received) {
      stream.on("data", (bytes: Uint8Array) => this.#onBody(stream, bytes));
      stream.on("end", () => this.#onBodyEnd(stream));
    }
    this.#input.push(Uint8Array.from(head.text, (character) => character.charCodeAt(0)));
  }

  /** Reads what the client side says; null when it has gone. */
  read(into: Uint8Array): Promise<number | null> {
    const count = this.#input.read(into);
    if (this.#paused && this.#input.length === 0) {
      this.#paused = false;
      this.#stream?.resume();
    }
    return count;
  }

  /**
   * Takes part of the answer; resolves when there is room for more.
   *
   * @throws {Error} the stream has gone
   */
  async write(bytes: Uint8Array): Promise<number> {
    const reader = this.#reader;
    if (!this.#stream || !reader || reader.done) throw new Error("Cannot answer: stream has ended");
    // The stream keeps what it is given, the engine uses its buffer again.
    reader.read(bytes.slice());
    if (!reader.done && this.#stream.writableNeedDrain) {
      await new Promise<void>((resolve) => this.#wake = resolve);
      if (!this.#stream) throw new Error("Cannot answer: stream has ended");
    } else if (reader.done) {
      this.#finish();
    }
    return bytes.length;
  }

  /** The engine sends no more. */
  closeWrite(): Promise<void> {
    if (this.#stream && !this.#reader?.done) this.#break(this.#stream);
    this.#input.end();
    return Promise.resolve();
  }

  /** Ends both directions; an answer that is not whole never looks so. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.end();
    const stream = this.#stream;
    if (stream) {
      this.#leave(false);
      this.#break(stream);
    } else {
      this.#owner.onFree(this, false);
    }
  }

  ref(): void {}
  unref(): void {}
  [Symbol.dispose](): void {
    this.close();
  }

  onInterim(fields: string[]): void {
    this.#stream?.additionalHeaders(Object.fromEntries(pairs(fields)));
  }

  onHead(fields: string[], ended: boolean): void {
    this.#stream?.respond(fields as never, { endStream: ended, sendDate: false } as never);
  }

  onData(bytes: Uint8Array, ended: boolean): void {
    if (ended) this.#stream?.end(bytes);
    else this.#stream?.write(bytes);
  }

  #onBody(stream: ServerHttp2Stream, bytes: Uint8Array): void {
    if (stream !== this.#stream || this.#closed) return;
    if (this.#framing === "length") {
      this.#promised -= bytes.length;
      if (this.#promised < 0) return this.#malformed(stream);
      this.#input.push(bytes);
    } else {
      const chunk = new Uint8Array(bytes.length + CHUNK_FRAME_BYTES);
      this.#input.push(chunk.subarray(0, putChunk(chunk, 0, bytes, 0, bytes.length, false)));
    }
    if (this.#input.length < HELD_BYTES_MAX || this.#paused) return;
    this.#paused = true;
    stream.pause();
  }

  #onBodyEnd(stream: ServerHttp2Stream): void {
    if (stream !== this.#stream || this.#closed || stream.aborted || stream.rstCode) return;
    if (this.#framing === "length" && this.#promised > 0) return this.#malformed(stream);
    if (this.#framing === "chunked") this.#input.push(LAST_CHUNK.slice());
    this.#received = true;
    if (this.#reader?.done) this.#finish();
  }

  /** The body is not as long as it said. */
  #malformed(stream: ServerHttp2Stream): void {
    stream.destroy(new Error("body differs from content-length"));
  }

  #onDrain(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** The answer is whole. What the client still sends is of no use to anybody. */
  #finish(): void {
    const reader = this.#reader!;
    const stream = this.#stream!;
    const reusable = reader.keep && this.#received && !this.#closed;
    if (!this.#received) {
      stream.once("finish", () => stream.close(0));
      // A paused stream would never get to its end.
      if (this.#paused) stream.resume();
    }
    // Not the end of input: the engine would take it for the client's leaving, amid its answer.
    this.#leave(reusable);
  }

  /** The stream is over, whoever ended it. */
  #onStreamEnd(stream: ServerHttp2Stream): void {
    if (stream !== this.#stream) return;
    this.#leave(false);
    this.#input.end();
  }

  #leave(reusable: boolean): void {
    if (!this.#stream) return;
    this.#stream = undefined;
    this.#onDrain();
    this.#owner.onFree(this, reusable);
  }

  #break(stream: ServerHttp2Stream): void {
    if (!stream.destroyed) stream.destroy(new Error("answer broke off"));
  }
}

function* pairs(fields: readonly string[]): Generator<[string, string | number]> {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    yield [name, name === ":status" ? Number(fields[i + 1]) : fields[i + 1]!];
  }
}
