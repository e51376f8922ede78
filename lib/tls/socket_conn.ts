/**
 * A decrypted socket in the shape the HTTP engine reads and writes: one read at a time, writes that
 * finish, at most a window of bytes held. Knows nothing of HTTP.
 * @module
 */
import type { TLSSocket } from "node:tls";
import type { SecureConn, TlsFacts } from "../http/secure.ts";
import { ByteQueue } from "./byte_queue.ts";

/** Decrypted bytes held for the engine before the socket is paused. */
const HELD_BYTES_MAX = 64 * 1024;
/** Time for the farewell of TLS before the connection is cut. */
const FAREWELL_MS = 1_000;

/** One TLS connection that speaks HTTP/1.1. */
export class SocketConn implements SecureConn {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  readonly tls: TlsFacts;
  readonly #socket: TLSSocket;
  readonly #input = new ByteQueue();
  #paused = false;

  /** Takes over `socket`, whose handshake is done. */
  constructor(socket: TLSSocket, tls: TlsFacts) {
    this.#socket = socket;
    this.tls = tls;
    this.remoteAddr = netAddr(socket.remoteAddress, socket.remotePort);
    this.localAddr = netAddr(socket.localAddress, socket.localPort);
    // Half-closed is a state the engine knows: it decides when to end our side.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    socket.on("end", () => this.#input.end());
    socket.on("error", (error) => this.#input.fail(error));
    socket.on("close", () => this.#input.end());
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    throw new Error("Cannot stream a TLS connection: read it");
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    throw new Error("Cannot stream a TLS connection: write to it");
  }

  /** Reads into `into`; null when the peer has ended. */
  read(into: Uint8Array): Promise<number | null> {
    const count = this.#input.read(into);
    if (this.#paused && this.#input.length === 0) {
      this.#paused = false;
      this.#socket.resume();
    }
    return count;
  }

  /** Sends all of `bytes`; they may be reused when it resolves. */
  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  /** Says that we send no more. */
  closeWrite(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve();
      this.#socket.once("close", resolve);
      this.#socket.end(() => resolve());
    });
  }

  /** Ends both directions. Unsent bytes are dropped; without any, TLS says farewell first. */
  close(): void {
    this.#input.end();
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (socket.writableLength > 0) {
      socket.destroy();
      return;
    }
    const limit = setTimeout(() => socket.destroy(), FAREWELL_MS);
    socket.once("close", () => clearTimeout(limit));
    socket.destroySoon();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #onData(bytes: Uint8Array): void {
    this.#input.push(bytes);
    if (this.#input.length < HELD_BYTES_MAX || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }
}

/** An address in Deno's words; "" and 0 when the peer has gone already. */
export function netAddr(hostname: string | undefined, port: number | undefined): Deno.NetAddr {
  return { transport: "tcp", hostname: hostname ?? "", port: port ?? 0 };
}
