/**
 * The ports of a node: public (in this thread or in proxy workers), public over TLS, and private.
 * Owns which listener leads to which door of the gateway, and the drain of all of them.
 * @module
 */
import { type Acceptor, serveHttp } from "../lib/http/server.ts";
import type { Handler } from "../lib/http/exchange.ts";
import type { Log } from "../lib/log.ts";
import type { Settings } from "./config.ts";
import type { DataDir } from "./data_dir.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { ProxyWorkers } from "./gateway/proxy_workers.ts";
import { refuseMisdirected, SecureDoor } from "./gateway/secure_door.ts";
import { httpLimits } from "./http_limits.ts";
import { checkFree, listenTcp } from "./listen.ts";
import type { TokenDesk } from "./router/token_desk.ts";
import type { Catalog } from "./store/catalog.ts";
import type { DesiredState } from "./store/store.ts";
import type { WorkerSetup } from "./worker.ts";

const PUBLIC_FLAGS = "--public-port or --public-addr";

/** What the doors lead to. */
export interface DoorsOptions {
  readonly settings: Settings;
  /** Where the private port listens. */
  readonly privateListeners: () => readonly Acceptor[];
  readonly gateway: Gateway;
  readonly catalog: Catalog;
  readonly desk: TokenDesk;
  readonly dataDir: DataDir;
  /** What proxy workers need to relay requests to peers. */
  readonly relay: WorkerSetup["relay"];
  /** Writes to standard output. */
  readonly write: (text: string) => Promise<void>;
  readonly log: Log;
}

/** Threads that the public port is served by. */
export function workerCount({ proxyWorkers }: Settings): number {
  return proxyWorkers || navigator.hardwareConcurrency;
}

/** The open ports of a node. */
export class Doors implements AsyncDisposable {
  readonly #options: DoorsOptions;
  readonly #stack = new AsyncDisposableStack();
  readonly #drains: ((signal: AbortSignal) => Promise<void>)[] = [];
  #workers: ProxyWorkers<WorkerSetup> | undefined;

  private constructor(options: DoorsOptions) {
    this.#options = options;
  }

  /**
   * Opens every port that is not 0.
   *
   * @throws {MaelstromError} a port is taken, or a certificate cannot be used
   */
  static async open(options: DoorsOptions): Promise<Doors> {
    const doors = new Doors(options);
    try {
      await doors.#openPublic();
      await doors.#openSecure();
      if (options.settings.privatePort > 0) {
        doors.#serve(
          options.privateListeners(),
          (exchange) => options.gateway.handlePrivate(exchange),
        );
      }
    } catch (error) {
      await doors[Symbol.asyncDispose]();
      throw error;
    }
    return doors;
  }

  /** Resolves when every thread serves the newest desired state, or when `signal` aborts. */
  async applied(signal: AbortSignal): Promise<void> {
    await this.#workers?.applied(signal);
  }

  /** Lets requests in progress end, until `limit` aborts. */
  async drain(limit: AbortSignal): Promise<void> {
    await Promise.all(this.#drains.map((drain) => drain(limit)));
  }

  /** Closes every port. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  #serve(listeners: readonly Acceptor[], handle: Handler): void {
    const { settings, gateway, log } = this.#options;
    const errorReply: Gateway["errorReply"] = (...failure) => gateway.errorReply(...failure);
    const limits = httpLimits(settings);
    const server = this.#stack.use(serveHttp(listeners, handle, { log, errorReply, limits }));
    this.#drains.push((signal) => server.drain(signal));
  }

  async #openPublic(): Promise<void> {
    const { settings, gateway, catalog } = this.#options;
    const { publicAddr, publicPort } = settings;
    if (publicPort === 0) return;
    if (workerCount(settings) === 1) {
      const listeners = listenTcp(publicAddr, publicPort, PUBLIC_FLAGS);
      return this.#serve(listeners, (exchange) => gateway.handlePublic(exchange));
    }
    const workers = this.#stack.use(await this.#startWorkers());
    this.#workers = workers;
    const post = () => workers.postState(stateOf(catalog));
    this.#stack.defer(catalog.subscribe(post));
    // What changed while they started.
    post();
    this.#drains.push((signal) => workers.drain(signal));
  }

  /** Threads that serve the public port, when it is more than the main one. */
  #startWorkers(): Promise<ProxyWorkers<WorkerSetup>> {
    const { settings, catalog, desk, dataDir, relay, write, log } = this.#options;
    const count = workerCount(settings);
    checkFree(settings.publicAddr, settings.publicPort, PUBLIC_FLAGS);
    return ProxyWorkers.start({
      count,
      lifelineOf: (number) => dataDir.file(`proxy-${number}.sock`),
      setup: { settings, workers: count, relay },
      spawn: (number) => new Worker(Deno.mainModule, { type: "module", name: `proxy ${number}` }),
      state: stateOf(catalog),
      desk,
      write,
      log,
    });
  }

  async #openSecure(): Promise<void> {
    const { settings, gateway, log } = this.#options;
    const { publicHttpsPort, tlsCertFile, tlsKeyFile, publicAddr, idleTimeoutSeconds } = settings;
    if (publicHttpsPort === 0 || tlsCertFile.length + tlsKeyFile.length === 0) return;
    const door = this.#stack.use(
      await SecureDoor.open({
        addresses: publicAddr,
        port: publicHttpsPort,
        certFiles: tlsCertFile,
        keyFiles: tlsKeyFile,
        idleMs: idleTimeoutSeconds * 1000,
        log,
      }),
    );
    const handle: Handler = (exchange) => gateway.handlePublic(exchange);
    const errorReply: Gateway["errorReply"] = (...failure) => gateway.errorReply(...failure);
    this.#serve(door.listeners, refuseMisdirected(handle, errorReply));
  }
}

/** The snapshot without what can be made of it again. */
function stateOf({ current: { components, eventSources } }: Catalog): DesiredState {
  // Named values are for containers; the threads only route.
  return { components, eventSources, cfg: [] };
}
