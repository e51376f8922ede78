/**
 * Raw bytes over loopback for tests of the HTTP engine: peers that say and hear exactly what a test
 * wants, a backend made of them, and the engine between the two. Every wait has a limit.
 * @module
 */
import { createLog } from "../../../lib/log.ts";
import type {
  Exchange,
  ForwardOptions,
  ForwardResult,
  Handler,
} from "../../../lib/http/exchange.ts";
import type { HttpLimits } from "../../../lib/http/limits.ts";
import { type HttpServer, serveHttp } from "../../../lib/http/server.ts";
import { Upstream, type UpstreamOptions } from "../../../lib/http/upstream.ts";

/** Longest wait of any test step, in milliseconds. */
const STEP_MS = 10_000;

/** A latin1 string as bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Resolves as `promise`, or fails after a while with `what`. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), STEP_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One end of a connection, in plain text. */
export class RawPeer implements Disposable {
  /** Everything heard and not yet taken. */
  heard = "";
  ended = false;
  readonly conn: Deno.Conn;
  readonly #buffer = new Uint8Array(64 * 1024);

  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  /** Connects to a port of loopback. */
  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends all of `text`. */
  async send(text: string | Uint8Array<ArrayBuffer>): Promise<void> {
    const bytes = typeof text === "string" ? bytesOf(text) : text;
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  /** Hears more once; false at the end or after an error. */
  async hear(): Promise<boolean> {
    if (this.ended) return false;
    const count = await within(this.conn.read(this.#buffer), `bytes after "${this.heard}"`)
      .catch((error) => {
        if (String(error).includes("waited too long")) throw error;
        return null;
      });
    if (count === null) this.ended = true;
    else for (let i = 0; i < count; i++) this.heard += String.fromCharCode(this.#buffer[i]!);
    return count !== null;
  }

  /** Takes everything up to and with `mark`. */
  async until(mark: string): Promise<string> {
    for (;;) {
      const at = this.heard.indexOf(mark);
      if (at >= 0) return this.take(at + mark.length);
      if (!await this.hear()) throw new Error(`ended before "${mark}": "${this.heard}"`);
    }
  }

  /** Takes `count` bytes. */
  async exactly(count: number): Promise<string> {
    while (this.heard.length < count) {
      if (!await this.hear()) throw new Error(`ended before ${count} bytes: "${this.heard}"`);
    }
    return this.take(count);
  }

  /** Takes everything until the other side ends. */
  async rest(): Promise<string> {
    while (await this.hear());
    return this.take(this.heard.length);
  }

  /** Takes the first `count` characters heard. */
  take(count: number): string {
    const taken = this.heard.slice(0, count);
    this.heard = this.heard.slice(count);
    return taken;
  }

  /** Takes a head and a body of Content-Length. */
  async message(): Promise<{ head: string; body: string }> {
    const head = await this.until("\r\n\r\n");
    const length = /^content-length: *(\d+)/im.exec(head);
    return { head, body: length ? await this.exactly(Number(length[1])) : "" };
  }

  close(): void {
    try {
      this.conn.close();
    } catch {
      // Closed by an earlier step of the test.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A backend whose connections the test speaks on, each with its number from 0. */
export class RawBackend implements AsyncDisposable {
  readonly port: number;
  readonly peers: RawPeer[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #speaking: Promise<void>[] = [];

  constructor(speak: (peer: RawPeer, number: number) => Promise<void>) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept(speak);
  }

  async #accept(speak: (peer: RawPeer, number: number) => Promise<void>): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        const peer = new RawPeer(conn);
        this.peers.push(peer);
        // A peer that is closed under a waiting test ends its part of the talk.
        this.#speaking.push(speak(peer, this.peers.length - 1).catch(() => peer.close()));
      }
    } catch {
      // The listener was closed.
    }
  }

  /** No longer accepts: connects are refused from now on. */
  stop(): void {
    try {
      this.#listener.close();
    } catch {
      // Stopped already.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    for (const peer of this.peers) peer.close();
    await this.#accepting;
    await Promise.all(this.#speaking);
  }
}

/** A backend that answers each request on a connection by `answer`. */
export function answering(
  answer: (request: { head: string; body: string }) => string,
): RawBackend {
  return new RawBackend(async (peer) => {
    for (;;) await peer.send(answer(await peer.message()));
  });
}

/** What a test may set of the engine. */
export interface EngineOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly forward?: Partial<ForwardOptions>;
  readonly upstream?: UpstreamOptions;
  /** Time each exchange has, in milliseconds. */
  readonly deadlineMs?: number;
  /** Instead of forwarding. */
  readonly handler?: Handler;
}

/** The engine on a port of loopback, forwarding to a backend. */
export class Engine implements AsyncDisposable {
  readonly port: number;
  readonly server: HttpServer;
  readonly upstream: Upstream;
  /** How each forwarding ended. */
  readonly results: ForwardResult[] = [];
  readonly logged: string[] = [];
  readonly #options: EngineOptions;
  #onResult: () => void = () => {};

  constructor(backendPort: number, options: EngineOptions = {}) {
    this.#options = options;
    this.upstream = new Upstream({ hostname: "127.0.0.1", port: backendPort }, options.upstream);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = listener.addr.port;
    this.server = serveHttp(
      [listener],
      options.handler ?? ((exchange) => this.#forward(exchange)),
      {
        log: createLog({ level: "debug", format: "text", write: (line) => this.logged.push(line) }),
        limits: options.limits,
        errorReply: (status, reason) => ({ status, headers: [], body: reason }),
      },
    );
  }

  /** Connects to it. */
  client(): Promise<RawPeer> {
    return RawPeer.connect(this.port);
  }

  /** Sends `text` on a fresh connection, and gives all that comes back until it ends. */
  async exchange(text: string): Promise<string> {
    using client = await this.client();
    await client.send(text);
    return await client.rest();
  }

  /** The result of forwarding number `index`. */
  async result(index: number): Promise<ForwardResult> {
    const arrived = async () => {
      while (this.results.length <= index) {
        await new Promise<void>((resolve) => this.#onResult = resolve);
      }
    };
    await within(arrived(), `result ${index}`);
    return this.results[index]!;
  }

  async #forward(exchange: Exchange): Promise<void> {
    const result = await exchange.forward(this.upstream, {
      deadline: performance.now() + (this.#options.deadlineMs ?? 30_000),
      ...this.#options.forward,
    });
    this.results.push(result);
    this.#onResult();
    if (result.kind === "timed_out") {
      await exchange.respond({ status: 504, headers: [], body: "timed_out" });
    } else if (result.kind === "gone" || result.kind === "not_sent") {
      const status = result.kind === "gone" ? 502 : 503;
      await exchange.respond({ status, headers: [], body: result.kind });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.upstream.close();
  }
}
