/**
 * The desired state in memory: what the request path reads instead of the store. Owns the snapshot
 * and when it is read again; knows nothing of who uses it. Walk: store ⇒ **catalog** ⇒ gateway,
 * scheduler, sources.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { Recurring } from "../../lib/async/recurring.ts";
import type { EventSourceWithStatus } from "../../lib/contract/v1.ts";
import type { Log } from "../../lib/log.ts";
import { Listeners } from "./listeners.ts";
import type { DesiredState, Store, StoredComponent } from "./store.ts";

/** The desired state of one moment, by name as well. Never changed, only replaced. */
export interface CatalogSnapshot extends DesiredState {
  readonly componentByName: ReadonlyMap<string, StoredComponent>;
  readonly eventSourceByName: ReadonlyMap<string, EventSourceWithStatus>;
}

/** How {@linkcode Catalog} looks again. */
export interface CatalogOptions {
  readonly log: Log;
  /** Longest time between two reads, in milliseconds. @default {30_000} */
  readonly everyMs?: number;
  /** Wait after a read that failed, in milliseconds. @default {1000} */
  readonly retryMs?: number;
}

interface Waiting {
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Keeps a snapshot of the desired state that is as new as the store allows. */
export class Catalog implements AsyncDisposable {
  readonly #store: Pick<Store, "desiredState" | "subscribe">;
  readonly #log: Log;
  readonly #retryMs: number;
  readonly #recurring: Recurring;
  readonly #listeners: Listeners;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<Waiting>();
  #unsubscribe: () => void = () => {};
  #state: DesiredState | undefined;
  #snapshot: CatalogSnapshot | undefined;
  #isDown = false;

  constructor(store: Pick<Store, "desiredState" | "subscribe">, options: CatalogOptions) {
    const { log, everyMs = 30_000, retryMs = 1000 } = options;
    this.#store = store;
    this.#log = log;
    this.#retryMs = retryMs;
    this.#listeners = new Listeners(log);
    this.#recurring = new Recurring((signal) => this.#look(signal), {
      name: "catalog",
      everyMs,
      log,
    });
  }

  /**
   * Reads the first snapshot and from then on follows the store.
   *
   * @throws {MaelstromError} store_unavailable: the first read failed
   * @throws the reason of `signal` when it aborts first
   */
  async start(signal: AbortSignal): Promise<void> {
    this.#unsubscribe = this.#store.subscribe(() => this.#recurring.poke());
    await this.refresh(signal);
  }

  /**
   * The newest snapshot. While the store fails it is the last one that could be read.
   *
   * @throws a plain error before `start()` has resolved
   */
  get current(): CatalogSnapshot {
    if (!this.#snapshot) throw new Error("the catalog has not started");
    return this.#snapshot;
  }

  /** Calls `listener` after the snapshot was replaced. The result ends it. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Resolves when a read that began after this call is in place, so that what was put before is in
   * effect.
   *
   * @throws {MaelstromError} store_unavailable: that read failed
   * @throws the reason of `signal` when it aborts first, an `AbortError` when the catalog stops
   */
  refresh(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#stop.signal]);
    if (either.aborted) return Promise.reject(either.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(entry);
      either.removeEventListener("abort", onAbort);
    };
    const onAbort = () => entry.fail(either.reason);
    const entry: Waiting = {
      done: () => {
        leave();
        resolve();
      },
      fail: (error) => {
        leave();
        reject(error);
      },
    };
    either.addEventListener("abort", onAbort);
    this.#waiting.add(entry);
    this.#recurring.poke();
    return promise;
  }

  /** Stops following the store; the last snapshot stays readable. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#listeners.clear();
    this.#stop.abort();
    await this.#recurring[Symbol.asyncDispose]();
  }

  /** Reads until it succeeds: while the store is down nobody announces that it is back. */
  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Whoever comes from here on has to wait for the next read.
      const served = [...this.#waiting];
      try {
        this.#replace(await this.#store.desiredState());
        for (const { done } of served) done();
        return;
      } catch (error) {
        if (signal.aborted) return;
        for (const { fail } of served) fail(error);
        if (!this.#isDown) {
          this.#log.warn("store unreadable, serving what was read last", { error });
        }
        this.#isDown = true;
      }
      await pause(this.#retryMs, signal);
    }
  }

  #replace(state: DesiredState): void {
    if (this.#isDown) this.#log.info("store readable again");
    this.#isDown = false;
    if (state === this.#state) return;
    this.#state = state;
    this.#snapshot = {
      ...state,
      componentByName: new Map(state.components.map((entry) => [entry.component.name, entry])),
      eventSourceByName: new Map(
        state.eventSources.map((entry) => [entry.eventSource.name, entry]),
      ),
    };
    this.#listeners.call();
  }
}
