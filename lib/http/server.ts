/**
 * Accepts connections on listeners and serves HTTP/1.1 on them. Owns who may connect and how the
 * serving ends; knows nothing of what a request means.
 * @module
 */
import { pause } from "../async/pause.ts";
import { Tasks } from "../async/tasks.ts";
import type { Log } from "../log.ts";
import { ClientConnection } from "./client_connection.ts";
import { clock, type Watched } from "./clock.ts";
import type { Exchange, Handler, Reply } from "./exchange.ts";
import { DEFAULT_LIMITS, type HttpLimits } from "./limits.ts";
import type { Line } from "./line.ts";
import { LookHold } from "./look.ts";

/** Where connections come from: a listener, or something like one. */
export interface Acceptor {
  accept(): Promise<Line>;
  close(): void;
}

/** How {@linkcode serveHttp} serves. */
export interface HttpServerOptions {
  readonly log: Log;
  /** The engine's own answers: 400, 408, 414, 417, 431, 500, 501, 503, 505. */
  errorReply(status: number, reason: string, exchange: Exchange | undefined): Reply;
  readonly limits?: Partial<HttpLimits>;
}

/** A server that runs. Disposing it cuts what is under way. */
export interface HttpServer extends AsyncDisposable {
  /** Open client connections. */
  readonly connections: number;
  /**
   * Stops accepting, closes idle connections and lets requests in progress finish (answers carry
   * `Connection: close`) until `signal` aborts, then cuts. Resolves when every handler has ended.
   */
  drain(signal: AbortSignal): Promise<void>;
}

/** Refused connections that may be told so at once; more are just closed. */
const REFUSALS_MAX = 64;
/** Wait after a failed accept: usually a lack of file descriptors, cured by time. */
const ACCEPT_RETRY_MS = 50;

/** Serves HTTP/1.1 on `listeners`, tcp, unix or within the process, which it owns from now on. */
export function serveHttp(
  listeners: readonly Acceptor[],
  handler: Handler,
  options: HttpServerOptions,
): HttpServer {
  return new Server(listeners, handler, options);
}

class Server implements HttpServer, Watched {
  readonly #listeners: readonly Acceptor[];
  readonly #handler: Handler;
  readonly #options: HttpServerOptions;
  readonly #limits: HttpLimits;
  readonly #connections = new Set<ClientConnection>();
  readonly #perClient = new Map<string, number>();
  readonly #tasks: Tasks;
  readonly #looks = new LookHold();
  #refusals = 0;
  #draining = false;
  #onEmpty: () => void = () => {};

  constructor(listeners: readonly Acceptor[], handler: Handler, options: HttpServerOptions) {
    this.#listeners = listeners;
    this.#handler = handler;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#tasks = new Tasks(options.log);
    for (const listener of listeners) {
      this.#tasks.run("http accept", (signal) => this.#accept(listener, signal));
    }
  }

  get connections(): number {
    return this.#connections.size;
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    for (const listener of this.#listeners) close(listener);
    for (const connection of this.#connections) connection.drain();
    const empty = new Promise<void>((resolve) => this.#onEmpty = resolve);
    const cut = () => {
      for (const connection of this.#connections) connection.cut();
    };
    if (signal.aborted) cut();
    signal.addEventListener("abort", cut);
    if (this.#connections.size > 0) await empty;
    signal.removeEventListener("abort", cut);
    await this.#tasks[Symbol.asyncDispose]();
    await this.#looks[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.abort());
  }

  onTick(tick: number, nowMs: number): void {
    for (const connection of this.#connections) connection.onTick(tick, nowMs);
  }

  async #accept(listener: Acceptor, signal: AbortSignal): Promise<void> {
    while (!this.#draining) {
      try {
        this.#take(await listener.accept());
      } catch (error) {
        if (this.#draining) break;
        this.#options.log.warn("cannot accept a connection", { error });
        await pause(ACCEPT_RETRY_MS, signal);
      }
    }
  }

  #take(conn: Line): void {
    const { log, errorReply } = this.#options;
    if ("setNoDelay" in conn) (conn as Line as Deno.TcpConn).setNoDelay(true);
    const connection = new ClientConnection(conn, {
      handler: this.#handler,
      log,
      limits: this.#limits,
      errorReply,
    });
    const refusal = this.#refusal(connection.clientAddress);
    if (!refusal) return this.#serve(connection, connection.run.bind(connection), false);
    if (this.#refusals >= REFUSALS_MAX) return connection.cut();
    this.#serve(connection, () => connection.refuse(refusal), true);
  }

  /** Why no more may come from `address`; undefined when one may. */
  #refusal(address: string): string | undefined {
    const open = this.#connections.size - this.#refusals;
    if (open >= this.#limits.connectionsMax) return "too many connections";
    const ofClient = this.#perClient.get(address) ?? 0;
    if (address && ofClient >= this.#limits.connectionsPerClientMax) {
      return "too many connections from this address";
    }
    return undefined;
  }

  #serve(connection: ClientConnection, work: () => Promise<void>, refused: boolean): void {
    if (this.#connections.size === 0) clock.watch(this);
    this.#connections.add(connection);
    if (refused) this.#refusals++;
    else this.#count(connection.clientAddress, 1);
    this.#tasks.run("http connection", async () => {
      await work();
      this.#connections.delete(connection);
      if (refused) this.#refusals--;
      else this.#count(connection.clientAddress, -1);
      if (this.#connections.size > 0) return;
      clock.unwatch(this);
      this.#onEmpty();
    });
  }

  #count(address: string, change: number): void {
    const count = (this.#perClient.get(address) ?? 0) + change;
    if (count > 0) this.#perClient.set(address, count);
    else this.#perClient.delete(address);
  }
}

function close(listener: Acceptor): void {
  try {
    listener.close();
  } catch {
    // Closed already, by an earlier drain.
  }
}
