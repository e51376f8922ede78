/**
 * The wiring diagram of a proxy worker: a thread that serves the public port beside others like it.
 * What it needs beyond its requests it asks the main thread for. Walk: **worker** → gateway →
 * resolver → forward → remote router ⇒ token desk in the main thread.
 * @module
 */
import { Tasks } from "../lib/async/tasks.ts";
import { asMaelstromError } from "../lib/errors.ts";
import { type HttpServer, serveHttp } from "../lib/http/server.ts";
import type { Log } from "../lib/log.ts";
import type { Settings } from "./config.ts";
import { daemonLog } from "./daemon_log.ts";
import { AccessLog } from "./gateway/access_log.ts";
import { addressRanges } from "./gateway/address_ranges.ts";
import { Gateway } from "./gateway/gateway.ts";
import { Relays } from "./gateway/relay.ts";
import { Resolver } from "./gateway/resolver.ts";
import type {
  StateMessage,
  WorkerNote,
  WorkerOrder,
  WorkerStart,
} from "./gateway/worker_messages.ts";
import { httpLimits } from "./http_limits.ts";
import { listenTcp } from "./listen.ts";
import { RemoteRouters, TICK_MS } from "./router/remote_router.ts";
import type { DesiredState } from "./store/store.ts";

/** What a proxy worker is told of the settings. */
export interface WorkerSetup {
  readonly settings: Settings;
  /** How many workers share what is limited for all. */
  readonly workers: number;
  /** Who relays requests to peers, and the key that they know us by. */
  readonly relay: { readonly nodeId: string; readonly clusterKey: string };
}

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerOrder<WorkerSetup>>) => void) | null;
  postMessage(note: WorkerNote): void;
  close(): void;
}

/** Serves in this thread until the main thread ends it. */
export function runProxyWorker(scope: WorkerScope = globalThis as unknown as WorkerScope): void {
  const worker = new Serving((note) => scope.postMessage(note));
  scope.onmessage = ({ data }) => worker.follow(data);
  scope.postMessage({ kind: "hello" });
}

/** All that lives in the thread. */
class Serving {
  readonly #post: (note: WorkerNote) => void;
  readonly #cut = new AbortController();
  readonly #routers: RemoteRouters;
  #state: DesiredState | undefined;
  #server: HttpServer | undefined;
  #tasks: Tasks | undefined;
  #isDraining = false;
  #onWritten: () => void = () => {};

  constructor(post: (note: WorkerNote) => void) {
    this.#post = post;
    const deliver = (notes: (WorkerNote & { kind: "tokens" })["notes"]) =>
      post({ kind: "tokens", notes });
    this.#routers = new RemoteRouters({ deliver, now: () => Date.now() });
  }

  /** The newest desired state that was told. */
  get current(): DesiredState {
    if (!this.#state) throw new Error("the worker has not started");
    return this.#state;
  }

  follow(order: WorkerOrder<WorkerSetup>): void {
    switch (order.kind) {
      case "start":
        return this.#begin(order);
      case "state":
        return this.#apply(order);
      case "tokens":
        return this.#routers.receive(order.orders);
      case "written":
        return this.#onWritten();
      case "drain":
        return this.#drain();
      case "cut":
        return this.#cut.abort();
    }
  }

  #begin(order: WorkerStart<WorkerSetup>): void {
    this.#serve(order).catch((error: unknown) => {
      const { code, message } = asMaelstromError(error);
      this.#post({ kind: "failed", code, message });
    });
  }

  async #serve({ number, lifeline, setup, state }: WorkerStart<WorkerSetup>) {
    const { settings, workers } = setup;
    const log = daemonLog(settings).with({ worker: number });
    tellBugs(log);
    // Open until the thread ends: that is how the main thread knows that it has.
    await Deno.connect({ transport: "unix", path: lifeline });
    this.#apply(state);
    this.#tasks = new Tasks(log);
    const gateway = this.#gateway(setup, log, this.#tasks);
    const flag = "--public-port or --public-addr";
    const listeners = listenTcp(settings.publicAddr, settings.publicPort, flag, "shared");
    this.#post({ kind: "ready" });
    const limits = httpLimits(settings, workers);
    this.#server = serveHttp(listeners, (exchange) => gateway.handlePublic(exchange), {
      log,
      limits,
      errorReply: (...failure) => gateway.errorReply(...failure),
    });
    setInterval(() => this.#routers.tick(), TICK_MS);
    if (this.#isDraining) this.#drain();
  }

  #gateway({ settings, relay }: WorkerSetup, log: Log, tasks: Tasks): Gateway {
    return new Gateway({
      resolver: new Resolver(this),
      routers: this.#routers,
      relays: new Relays({ ...relay, now: () => Date.now() }),
      log,
      accessLog: new AccessLog({
        sample: settings.accessLog,
        write: (text) => this.#write(text),
        tasks,
      }),
      coldStartHeader: settings.coldStartHeader,
      trusted: addressRanges(settings.trustedProxies, "MAEL_TRUSTED_PROXIES"),
    });
  }

  /** Lets requests end. Before there is a server, starting goes on to where it can be stopped. */
  #drain(): void {
    this.#isDraining = true;
    void this.#server?.drain(this.#cut.signal).then(async () => {
      await this.#tasks?.[Symbol.asyncDispose]();
      this.#post({ kind: "drained" });
    });
  }

  #apply({ revision, text }: StateMessage): void {
    const state: DesiredState = JSON.parse(text);
    this.#state = state;
    const names = new Set(state.components.map(({ component }) => component.name));
    this.#routers.sweep((component) => names.has(component));
    this.#post({ kind: "applied", revision });
  }

  /** The main thread writes, so that lines of two workers never mix. */
  #write(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onWritten = resolve;
      this.#post({ kind: "write", text });
    });
  }
}

/** A bug in one request must not end the others; it is told, with where it happened. */
function tellBugs(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled failure, please report it", { error: event.reason });
  });
}
