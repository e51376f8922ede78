/**
 * The TLS door in the shape of a listener: what it accepts are HTTP/1.1 connections, either a TLS
 * connection itself or a lane of an HTTP/2 one. Owns handshakes, the choice of certificate and of
 * protocol, and how many connections there may be; knows nothing of requests.
 *
 * Source: RFC 8446; RFC 7301 (ALPN); RFC 9110 §7.4, §15.5.20 (421).
 * @module
 */
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { SecureConn, TlsFacts } from "../http/secure.ts";
import { DEFAULT_LIMITS } from "../http/limits.ts";
import type { Log } from "../log.ts";
import type { CertificateFiles } from "./certificate_files.ts";
import { type CertificateSet, covers } from "./certificates.ts";
import { H2_LIMITS, type H2Limits, H2Session } from "./h2_session.ts";
import { SocketConn } from "./socket_conn.ts";

/** Limits of the door. */
export interface TlsLimits extends H2Limits {
  /** Time for a handshake, in milliseconds. @default {10000} */
  readonly handshakeMs: number;
  /** TLS connections at once; more are closed. @default {16384} */
  readonly connectionsMax: number;
  /** TLS connections at once from one address; more are closed. @default {8192} */
  readonly connectionsPerClientMax: number;
}

/** How a {@linkcode TlsListener} listens. */
export interface TlsListenerOptions {
  /** Address to bind; undefined for all. */
  readonly hostname?: string;
  /** Port to bind; 0 takes any. */
  readonly port: number;
  readonly certificates: CertificateFiles;
  readonly log: Log;
  readonly limits?: Partial<TlsLimits>;
}

/** Time that connections get to send what is on its way, once everything else has ended. */
const FAREWELL_MS = 1_000;

/** Accepts connections through TLS. Disposing it closes those that are left. */
export class TlsListener implements Deno.Listener<SecureConn, Deno.NetAddr>, AsyncDisposable {
  readonly #server: Server;
  readonly #log: Log;
  readonly #limits: TlsLimits;
  readonly #certificates: CertificateFiles;
  readonly #unsubscribe: () => void;
  readonly #sockets = new Set<Socket>();
  readonly #perClient = new Map<string, number>();
  readonly #sessions = new Set<H2Session>();
  readonly #ready: SecureConn[] = [];
  #accepting: PromiseWithResolvers<SecureConn> | undefined;
  #closed = false;
  #onEmpty: () => void = () => {};

  private constructor({ certificates, log, limits }: TlsListenerOptions) {
    this.#certificates = certificates;
    this.#log = log;
    const { connectionsMax, connectionsPerClientMax } = DEFAULT_LIMITS;
    this.#limits = {
      handshakeMs: 10_000,
      connectionsMax,
      connectionsPerClientMax,
      ...H2_LIMITS,
      ...limits,
    };
    const { cert, key } = certificates.current.default;
    this.#server = createServer({
      cert,
      key,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: this.#limits.handshakeMs,
      SNICallback: (name, done) => done(null, this.#choose(name).context),
    }, (socket) => this.#onSecure(socket));
    this.#server.on("connection", (socket: Socket) => this.#onConnection(socket));
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#unsubscribe = certificates.subscribe((set) => this.#renew(set));
  }

  /**
   * Begins to listen.
   *
   * @throws {Error} with `code`, such as EADDRINUSE: the address cannot be bound
   */
  static async listen(options: TlsListenerOptions): Promise<TlsListener> {
    const { hostname, port } = options;
    const listener = new TlsListener(options);
    const server = listener.#server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ port, ...(hostname ? { host: hostname } : {}) }, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      listener.#unsubscribe();
      throw error;
    }
    server.on("error", (error) => listener.#log.warn("cannot accept a TLS connection", { error }));
    return listener;
  }

  get addr(): Deno.NetAddr {
    const address = this.#server.address() as AddressInfo;
    return { transport: "tcp", hostname: address.address, port: address.port };
  }

  /**
   * The next connection.
   *
   * @throws {Deno.errors.BadResource} the listener was closed
   */
  accept(): Promise<SecureConn> {
    const ready = this.#ready.shift();
    if (ready) return Promise.resolve(ready);
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("Listener closed"));
    this.#accepting = Promise.withResolvers();
    return this.#accepting.promise;
  }

  /** Accepts no more; HTTP/2 clients are told so, and their requests in progress go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#server.close();
    for (const conn of this.#ready.splice(0)) conn.close();
    for (const session of this.#sessions) session.drain();
    this.#accepting?.reject(new Deno.errors.BadResource("Listener closed"));
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SecureConn> {
    while (!this.#closed) yield await this.accept();
  }

  /** Closes, gives what was written a moment to leave, then cuts. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    if (this.#sockets.size === 0) return;
    const empty = new Promise<void>((resolve) => this.#onEmpty = resolve);
    const cut = () => {
      for (const session of this.#sessions) session.cut();
      for (const socket of this.#sockets) socket.destroy();
    };
    const limit = setTimeout(cut, FAREWELL_MS);
    await empty;
    clearTimeout(limit);
  }

  #choose(servername: string) {
    return this.#certificates.current.choose(servername.toLowerCase());
  }

  #renew(set: CertificateSet): void {
    const { cert, key } = set.default;
    this.#server.setSecureContext({ cert, key });
  }

  /** A TCP connection, before its handshake. */
  #onConnection(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const { connectionsMax, connectionsPerClientMax } = this.#limits;
    const ofClient = this.#perClient.get(address) ?? 0;
    if (
      this.#closed || this.#sockets.size >= connectionsMax || ofClient >= connectionsPerClientMax
    ) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#perClient.set(address, ofClient + 1);
    socket.on("close", () => this.#onSocketClose(socket, address));
  }

  #onSocketClose(socket: Socket, address: string): void {
    this.#sockets.delete(socket);
    const left = this.#perClient.get(address)! - 1;
    if (left > 0) this.#perClient.set(address, left);
    else this.#perClient.delete(address);
    if (this.#sockets.size === 0) this.#onEmpty();
  }

  /** A connection whose handshake is done. */
  #onSecure(socket: TLSSocket): void {
    const facts = this.#factsOf(socket);
    if (socket.alpnProtocol !== "h2") return this.#offer(new SocketConn(socket, facts));
    const session: H2Session = new H2Session(socket, {
      tls: facts,
      limits: this.#limits,
      onLane: (lane) => this.#offer(lane),
      onFlood: (resets) => {
        const client = socket.remoteAddress;
        this.#log.warn("HTTP/2 connection closed: too many cancelled requests", { client, resets });
      },
      onClose: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    if (this.#closed) session.drain();
  }

  #factsOf(socket: TLSSocket): TlsFacts {
    // The types lack it, and Deno gives null where Node gives false.
    const { servername: given } = socket as TLSSocket & { servername?: string | false | null };
    const servername = (given || "").toLowerCase();
    const { names } = this.#choose(servername);
    return {
      servername,
      misdirects: (host) =>
        servername !== "" && host !== "" && host !== servername && !covers(names, host),
    };
  }

  #offer(conn: SecureConn): void {
    const accepting = this.#accepting;
    this.#accepting = undefined;
    if (accepting) accepting.resolve(conn);
    else if (this.#closed) conn.close();
    else this.#ready.push(conn);
  }
}
