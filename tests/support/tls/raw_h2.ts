/**
 * HTTP/2 by hand over TLS, for tests that say what no library would: frames go out as given, and
 * what comes back is told frame by frame.
 *
 * Source: RFC 9113 §4, §6; RFC 7541 §5, §6.
 * @module
 */
import { connect, type TLSSocket } from "node:tls";
import { bytesOf, within } from "../http/raw.ts";

/** Frame types. */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

/** Flags of HEADERS. */
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** A field list; pseudo-headers first. */
export type Fields = readonly (readonly [string, string])[];

/** A good request. */
export const GET: Fields = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/"],
  [":authority", "a.test"],
];

/** One frame heard. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** `GET` with the value of some of its fields replaced; undefined leaves one out. */
export function request(changes: Record<string, string | undefined>, more: Fields = []): Fields {
  const fields = GET.flatMap(([name, value]): [string, string][] => {
    const given = name in changes ? changes[name] : value;
    return given === undefined ? [] : [[name, given]];
  });
  return [...fields, ...more];
}

/** A frame as bytes. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array | string = "",
): Uint8Array<ArrayBuffer> {
  const body = typeof payload === "string" ? bytesOf(payload) : payload;
  const bytes = new Uint8Array(9 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(body, 9);
  return bytes;
}

/** A field list in HPACK: literals without indexing and without Huffman coding. */
export function block(fields: Fields): Uint8Array<ArrayBuffer> {
  const bytes = fields.flatMap(([name, value]) => [0, ...text(name), ...text(value)]);
  return Uint8Array.from(bytes);
}

function text(value: string): number[] {
  const length: number[] = [];
  if (value.length < 127) length.push(value.length);
  else {
    length.push(127);
    let rest = value.length - 127;
    for (; rest >= 128; rest >>= 7) length.push(rest & 127 | 128);
    length.push(rest);
  }
  return [...length, ...bytesOf(value)];
}

/** Several byte strings as one. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** An HTTP/2 client that says what it is told. */
export class RawH2 implements Disposable {
  readonly frames: Frame[] = [];
  /** The server closed the connection. */
  ended = false;
  readonly #socket: TLSSocket;
  #unread: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #wake: () => void = () => {};

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    const end = () => {
      this.ended = true;
      this.#wake();
    };
    socket.on("error", end);
    socket.on("end", end);
    socket.on("close", end);
  }

  /** Connects, and says the preface. */
  static async connect(port: number, settings: Uint8Array | string = ""): Promise<RawH2> {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: "a.test",
      ALPNProtocols: ["h2"],
      rejectUnauthorized: false,
    });
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once("secureConnect", resolve);
        socket.once("error", reject);
      }),
      "handshake",
    );
    const client = new RawH2(socket);
    client.send(bytesOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(SETTINGS, 0, 0, settings));
    return client;
  }

  /** Sends byte strings. */
  send(...parts: Uint8Array[]): void {
    if (!this.ended) this.#socket.write(concat(parts));
  }

  /** Sends a request on `stream`. */
  request(stream: number, fields: Fields, endStream = true): void {
    this.send(frame(HEADERS, END_HEADERS | (endStream ? END_STREAM : 0), stream, block(fields)));
  }

  /** Waits until `found` gives something for the frames heard, or the connection has ended. */
  async until<T>(what: string, found: (frames: readonly Frame[]) => T | undefined): Promise<T> {
    const look = async (): Promise<T> => {
      for (;;) {
        const result = found(this.frames);
        if (result !== undefined) return result;
        if (this.ended) throw new Error(`ended before ${what}: ${this.told()}`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    };
    return await within(look(), what);
  }

  /** How `stream` ended: `end`, `rst CODE`, or `goaway CODE` of the connection. */
  async end(stream: number): Promise<string> {
    return await this.until(`end of stream ${stream}`, (frames) => {
      for (const { type, flags, stream: of, payload } of frames) {
        if (type === GOAWAY && payload.at(-1) !== 0 || type === GOAWAY && this.ended) {
          return `goaway ${payload[7]}`;
        }
        if (of === stream && type === RST_STREAM) return `rst ${payload[3]}`;
        if (of === stream && type <= HEADERS && flags & END_STREAM) return "end";
      }
      return this.ended ? "closed" : undefined;
    });
  }

  /** Waits until the server closed the connection; gives the first GOAWAY's code, or -1. */
  async closed(): Promise<number> {
    await this.until("close", () => this.ended || undefined);
    return this.frames.find(({ type }) => type === GOAWAY)?.payload[7] ?? -1;
  }

  /** The final status of `stream` if it is one of the commonest, else 0. */
  status(stream: number): number {
    const head = this.frames.findLast(({ type, stream: of }) => type === HEADERS && of === stream);
    const table = [200, 204, 206, 304, 400, 404, 500];
    return table[(head?.payload[0] ?? 0) - 0x88] ?? 0;
  }

  /** Data of `stream` so far. */
  data(stream: number): string {
    const parts = this.frames.filter((heard) => heard.type === DATA && heard.stream === stream);
    return new TextDecoder("latin1").decode(concat(parts.map(({ payload }) => payload)));
  }

  /** The frames heard, for messages. */
  told(): string {
    return this.frames.map(({ type, flags, stream }) => `${type}/${flags}#${stream}`).join(" ");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #onData(bytes: Uint8Array): void {
    let unread = concat([this.#unread, bytes]);
    while (unread.length >= 9) {
      const view = new DataView(unread.buffer, unread.byteOffset);
      const length = view.getUint32(0) >>> 8;
      if (unread.length < 9 + length) break;
      this.frames.push({
        type: unread[3]!,
        flags: unread[4]!,
        stream: view.getUint32(5) & 0x7fffffff,
        payload: unread.slice(9, 9 + length),
      });
      unread = unread.slice(9 + length);
    }
    this.#unread = unread;
    this.#wake();
  }
}
