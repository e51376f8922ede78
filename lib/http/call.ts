/**
 * One request from memory and its answer in memory, for callers that are no client's exchange. It is
 * sent once: a second connection is tried only when the first took no byte of it.
 *
 * Source: RFC 9110 §15.2; RFC 9112 §6.
 * @module
 */
import { latin1, LOWER, textIs, TOKEN, VALUE } from "./bytes.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { readFinalHead, type Upstream, type UpstreamConnection } from "./upstream.ts";

/** Fields that say how a message is framed, or end at this hop: they are ours. */
const OWN_FIELDS = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What is sent. */
export interface CallRequest {
  readonly method: string;
  /** The request target in origin form, `/image?size=2`. */
  readonly path: string;
  /** Names may come several times; those that frame the message are left out. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What came back. */
export interface CallAnswer {
  readonly status: number;
  /** By lower case names; what came several times is joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  /** The beginning of the body, as UTF-8. */
  readonly body: string;
}

/** How {@linkcode call} waits. */
export interface CallOptions {
  /** Bytes of the answer's body that are kept; the rest is read and dropped. */
  readonly bodyBytesMax: number;
  /** Longest time until the answer has ended, in milliseconds. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Sends `request` and reads its answer to the end.
 *
 * @throws the reason of `signal` when it aborts, `TimeoutError` after `limitMs`, a `TypeError` when
 * the request cannot be written as HTTP, and else what connecting or reading throws
 */
export async function call(
  upstream: Upstream,
  request: CallRequest,
  { bodyBytesMax, limitMs, signal }: CallOptions,
): Promise<CallAnswer> {
  signal.throwIfAborted();
  const bytes = encode(request, upstream.authority);
  const isHead = request.method === "HEAD";
  let up: UpstreamConnection | undefined;
  let isLate = false;
  const stop = () => up?.close();
  signal.addEventListener("abort", stop);
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, limitMs);
  try {
    for (let pooled = upstream.take();; pooled = undefined) {
      up = pooled ?? await upstream.connect(signal);
      if (signal.aborted || isLate) up.close();
      let reusable = false;
      try {
        const answer = await converse(up, bytes, isHead, bodyBytesMax);
        reusable = answer.reusable;
        return answer;
      } catch (error) {
        if (!pooled || !up.isUnseen || up.closed) throw error;
      } finally {
        upstream.release(up, reusable);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isLate) throw new DOMException(`No answer within ${limitMs} ms`, "TimeoutError");
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** @throws {TypeError} it cannot be written as HTTP */
function encode({ method, path, headers, body }: CallRequest, authority: string): Uint8Array<
  ArrayBuffer
> {
  if (!textIs(TOKEN, method)) {
    throw new TypeError(`Cannot send a request: its method is "${method}"`);
  }
  // A space would end the target.
  if (!textIs(VALUE, path) || /[\s#]/.test(path) || !path.startsWith("/")) {
    throw new TypeError(`Cannot send a request: its path is "${path}"`);
  }
  let text = `${method} ${path} HTTP/1.1\r\n`;
  let isHostGiven = false;
  for (const [name, value] of headers) {
    if (!textIs(TOKEN, name) || !textIs(VALUE, value)) {
      throw new TypeError(`Cannot send a request: its field "${name}" is malformed`);
    }
    const lower = name.toLowerCase();
    if (OWN_FIELDS.has(lower)) continue;
    isHostGiven ||= lower === "host";
    text += `${name}: ${value}\r\n`;
  }
  if (!isHostGiven) text += `Host: ${authority}\r\n`;
  const content = new TextEncoder().encode(body);
  if (content.length > 0) text += `Content-Length: ${content.length}\r\n`;
  text += "\r\n";
  const bytes = new Uint8Array(text.length + content.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  bytes.set(content, text.length);
  return bytes;
}

async function converse(
  up: UpstreamConnection,
  bytes: Uint8Array<ArrayBuffer>,
  isHead: boolean,
  bodyBytesMax: number,
): Promise<CallAnswer & { readonly reusable: boolean }> {
  up.beginExchange();
  let isSent = true;
  try {
    await up.write(bytes);
  } catch {
    // Whether it was seen, or answered before it broke, shows when the answer is read.
    isSent = false;
  }
  await readFinalHead(up);
  const { head } = up;
  const { status } = head;
  const headers = fieldsOf(up);
  const body = new BodyReader(up, bodyBytesMax);
  await body.read(isHead || status === 204 || status === 304);
  const isOpen = head.minor > 0 ? !head.close : head.keepAlive && !head.close;
  const reusable = isSent && isOpen && body.isDelimited && !up.reading && !up.ended &&
    up.start === up.end;
  if (reusable) up.reset();
  return { status, headers, body: body.text, reusable };
}

function fieldsOf({ head, buf }: UpstreamConnection): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i < head.count; i++) {
    let name = "";
    for (let at = head.nameStart(i); at < head.nameEnd(i); at++) {
      name += String.fromCharCode(LOWER[buf[at]!]!);
    }
    const value = latin1(buf, head.valueStart(i), head.valueEnd(i));
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}

/** Reads one body to its end. */
class BodyReader {
  text = "";
  /** The message says where it ends. */
  isDelimited = true;
  readonly #up: UpstreamConnection;
  readonly #decoder = new TextDecoder();
  #left: number;

  constructor(up: UpstreamConnection, bytesMax: number) {
    this.#up = up;
    this.#left = bytesMax;
  }

  async read(isBodiless: boolean): Promise<void> {
    const { head } = this.#up;
    if (isBodiless) return;
    if (head.chunked) await this.#readChunked(new ChunkedDecoder());
    else if (head.contentLength >= 0) await this.#readLength(head.contentLength);
    else await this.#readToEnd();
    this.text += this.#decoder.decode();
  }

  async #readChunked(decoder: ChunkedDecoder): Promise<void> {
    const up = this.#up;
    while (!decoder.done) {
      if (up.start === up.end) await this.#more();
      const { start } = up;
      if (!decoder.decode(up.buf, start, up.end)) {
        throw new Error("Cannot read answer: malformed chunk");
      }
      this.#keep(start, decoder.dataEnd);
      up.start = decoder.consumed;
    }
  }

  async #readLength(length: number): Promise<void> {
    const up = this.#up;
    for (let left = length; left > 0;) {
      if (up.start === up.end) await this.#more();
      const size = Math.min(left, up.end - up.start);
      this.#keep(up.start, up.start + size);
      up.start += size;
      left -= size;
    }
  }

  async #readToEnd(): Promise<void> {
    const up = this.#up;
    this.isDelimited = false;
    while (up.start < up.end || !up.ended) {
      this.#keep(up.start, up.end);
      up.start = up.end;
      if (!up.ended) await this.#more(true);
    }
    if (up.error) throw up.error;
  }

  async #more(mayEnd = false): Promise<void> {
    const up = this.#up;
    while (up.start === up.end) {
      if (up.ended) {
        if (mayEnd) return;
        throw up.error ?? new Error("Cannot read answer: connection ended");
      }
      up.compact();
      up.beginRead();
      await up.pending;
    }
  }

  #keep(start: number, end: number): void {
    const size = Math.min(this.#left, end - start);
    if (size <= 0) return;
    this.#left -= size;
    this.text += this.#decoder.decode(this.#up.buf.subarray(start, start + size), { stream: true });
  }
}
