/**
 * Connections without a kernel between: a script says in which pieces bytes arrive and how many a
 * write takes, so that a property can choose every split. The engine gets them as a listener and as
 * an upstream; it cannot tell.
 * @module
 */
import type { ForwardResult } from "../../lib/http/exchange.ts";
import { look } from "../../lib/http/look.ts";
import { type HttpServer, serveHttp } from "../../lib/http/server.ts";
import { Upstream, UpstreamConnection } from "../../lib/http/upstream.ts";
import { createLog } from "../../lib/log.ts";
import { bytesOf } from "../support/http/raw.ts";

/** Cuts `text` at the given offsets. */
export function cut(text: string, offsets: readonly number[]): string[] {
  const at = [...new Set(offsets.map((offset) => offset % (text.length + 1)))].sort((a, b) =>
    a - b
  );
  return [0, ...at].map((start, i) => text.slice(start, at[i])).filter((piece) => piece);
}

/** How one end of a connection behaves. */
export interface Script {
  /** What arrives at once, piece by piece, one to a read. */
  readonly pieces: readonly string[];
  /** Nothing comes after the pieces. */
  readonly ends: boolean;
  /** Most bytes each write takes, in turn; empty for all of them. */
  readonly takes?: readonly number[];
  /** Called after each write with all that was written so far; may {@linkcode ScriptedConn.say} more. */
  readonly onWrite?: (conn: ScriptedConn) => void;
}

/** A connection whose other side is a {@linkcode Script}. */
export class ScriptedConn implements Deno.Conn {
  readonly localAddr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 1 };
  readonly remoteAddr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 2 };
  /** All that the engine wrote, latin1. */
  written = "";
  /** Bytes read and written so far. */
  bytesMoved = 0;
  readonly #script: Script;
  readonly #pieces: string[];
  #writes = 0;
  #ended: boolean;
  #closed = false;
  #wake: () => void = () => {};

  constructor(script: Script) {
    this.#script = script;
    this.#pieces = [...script.pieces];
    this.#ended = script.ends;
  }

  /** Lets more pieces arrive, and the end after them when `ends`. */
  say(pieces: readonly string[], ends = false): void {
    this.#pieces.push(...pieces);
    this.#ended ||= ends;
    this.#wake();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    // A real read never settles in the turn in which it is called.
    await Promise.resolve();
    while (this.#pieces.length === 0 && !this.#ended && !this.#closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#closed) throw new Deno.errors.BadResource("closed");
    const piece = this.#pieces.shift();
    if (piece === undefined) return null;
    if (piece.length > buffer.length) this.#pieces.unshift(piece.slice(buffer.length));
    const bytes = bytesOf(piece.slice(0, buffer.length));
    buffer.set(bytes);
    this.bytesMoved += bytes.length;
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { takes = [], onWrite } = this.#script;
    const most = takes[this.#writes++ % takes.length] ?? bytes.length;
    const count = Math.min(bytes.length, Math.max(1, most));
    // Taken before anybody could reuse the buffer, as the system does.
    const text = String.fromCharCode(...bytes.subarray(0, count));
    await Promise.resolve();
    if (this.#closed) throw new Deno.errors.BrokenPipe("closed");
    this.written += text;
    this.bytesMoved += count;
    onWrite?.(this);
    return count;
  }

  async closeWrite(): Promise<void> {
    await Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  ref(): void {}
  unref(): void {}
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    throw new Error("not scripted");
  }
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    throw new Error("not scripted");
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A listener that gives the connections it is told of. */
class ScriptedListener {
  readonly addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 1 };
  readonly #waiting: Deno.Conn[] = [];
  #wake: () => void = () => {};
  #closed = false;

  give(conn: Deno.Conn): void {
    this.#waiting.push(conn);
    this.#wake();
  }

  async accept(): Promise<Deno.Conn> {
    while (this.#waiting.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const conn = this.#waiting.shift();
    if (!conn) throw new Deno.errors.BadResource("closed");
    return conn;
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** An upstream whose every connection follows a script. */
class ScriptedUpstream extends Upstream {
  readonly conns: ScriptedConn[] = [];
  readonly #script: () => Script;

  constructor(script: () => Script) {
    super({ hostname: "scripted", port: 1 });
    this.#script = script;
  }

  override async connect(): Promise<UpstreamConnection> {
    await Promise.resolve();
    const conn = new ScriptedConn(this.#script());
    this.conns.push(conn);
    return new UpstreamConnection(conn);
  }

  override take(): undefined {
    return undefined;
  }

  override release(connection: UpstreamConnection): void {
    connection.close();
  }
}

/** What came of one scripted client. */
export interface Passage {
  /** What each upstream connection was sent. */
  readonly sent: readonly string[];
  /** What the client was sent. */
  readonly heard: string;
  readonly results: readonly ForwardResult[];
}

/** The engine between scripts. Every request gets an upstream connection of its own. */
export class ScriptedEngine implements AsyncDisposable {
  readonly #listener = new ScriptedListener();
  readonly #server: HttpServer;
  readonly #upstream: ScriptedUpstream;
  readonly #results: ForwardResult[] = [];

  constructor(upstream: () => Script) {
    this.#upstream = new ScriptedUpstream(upstream);
    this.#server = serveHttp([this.#listener as unknown as Deno.Listener], async (exchange) => {
      const result = await exchange.forward(this.#upstream, {
        deadline: performance.now() + 30_000,
      });
      this.#results.push(result);
      if (result.kind === "gone") await exchange.respond({ status: 502, headers: [], body: "" });
    }, {
      log: createLog({ level: "error", format: "text", write: console.error }),
      errorReply: (status, reason) => ({ status, headers: [], body: reason }),
    });
  }

  /**
   * Lets one client speak, which ends its side when nothing happens any more, and waits until the
   * engine has ended the connection.
   */
  async pass(client: Script): Promise<Passage> {
    const conn = new ScriptedConn(client);
    this.#upstream.conns.length = this.#results.length = 0;
    this.#listener.give(conn);
    await this.#quiet(conn);
    conn.say([], true);
    while (this.#server.connections > 0) await turn();
    const sent = this.#upstream.conns.map(({ written }) => written);
    return { sent, heard: conn.written, results: [...this.#results] };
  }

  /** Resolves when two turns in a row have moved no byte: scripts wait for nothing but the engine. */
  async #quiet(conn: ScriptedConn): Promise<void> {
    const moved = () =>
      [conn, ...this.#upstream.conns].reduce((sum, { bytesMoved }) => sum + bytesMoved, 0);
    for (let same = 0, before = -1; same < 2;) {
      await turn();
      const now = moved();
      same = now === before ? same + 1 : 0;
      before = now;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** Lets everything that is ready happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => look(resolve));
}
