/**
 * Keeps the proxy workers running: starts as many as there should be, starts another when one ends,
 * and hands all of them each new desired state. Knows nothing of what a worker serves.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { Tasks } from "../../lib/async/tasks.ts";
import type { Log } from "../../lib/log.ts";
import type { DesiredState } from "../store/store.ts";
import { ProxyWorker, type ProxyWorkerOptions } from "./proxy_worker.ts";
import type { StateMessage } from "./worker_messages.ts";

/** A worker that served this long is started again at once, in milliseconds. */
const STEADY_MS = 30_000;
/** Wait before the second start in a row, doubled for each further one, in milliseconds. */
const RETRY_MS = 100;
const RETRY_MAX_MS = 10_000;
/** Longest wait for a state to reach all workers, in milliseconds. */
const APPLY_LIMIT_MS = 2_000;

/** What the workers need. */
export interface ProxyWorkersOptions<S> extends Omit<ProxyWorkerOptions<S>, "number" | "lifeline"> {
  readonly count: number;
  /** The path of worker `number`'s lifeline. */
  readonly lifelineOf: (number: number) => string;
  readonly state: DesiredState;
  readonly log: Log;
}

/** The proxy workers of this daemon. */
export class ProxyWorkers<S> implements AsyncDisposable {
  readonly #options: ProxyWorkersOptions<S>;
  readonly #workers = new Map<number, ProxyWorker<S>>();
  readonly #tasks: Tasks;
  #state: StateMessage;
  #isDraining = false;

  private constructor(options: ProxyWorkersOptions<S>) {
    this.#options = options;
    this.#state = messageOf(0, options.state);
    this.#tasks = new Tasks(options.log);
  }

  /**
   * Starts the workers; resolves when all of them serve.
   *
   * @throws {MaelstromError} whatever keeps a worker from serving
   */
  static async start<S>(options: ProxyWorkersOptions<S>): Promise<ProxyWorkers<S>> {
    const workers = new ProxyWorkers(options);
    const numbers = Array.from({ length: options.count }, (_, at) => at + 1);
    for (const number of numbers) workers.#begin(number);
    const results = await Promise.allSettled(
      [...workers.#workers.values()].map(({ ready }) => ready),
    );
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      await workers[Symbol.asyncDispose]();
      throw result.reason;
    }
    for (const number of numbers) {
      workers.#tasks.run("proxy worker", (signal) => workers.#keep(number, signal));
    }
    return workers;
  }

  /** Hands every worker a new desired state. */
  postState(state: DesiredState): void {
    this.#state = messageOf(this.#state.revision + 1, state);
    for (const worker of this.#workers.values()) worker.postState(this.#state);
  }

  /**
   * Resolves when every worker serves the newest state, or when `signal` aborts. A worker that
   * hangs is waited for two seconds, and told.
   */
  async applied(signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(APPLY_LIMIT_MS);
    const either = AbortSignal.any([signal, limit]);
    await Promise.all(
      [...this.#workers.values()].map((worker) => worker.applied(this.#state.revision, either)),
    );
    if (limit.aborted) this.#options.log.warn("a proxy worker does not take the newest state");
  }

  /** Lets the requests of all workers end until `signal` aborts, then cuts, and ends the threads. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#workers.values()].map((worker) => worker.drain(signal)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.abort());
    await this.#tasks[Symbol.asyncDispose]();
  }

  #begin(number: number): ProxyWorker<S> {
    const lifeline = this.#options.lifelineOf(number);
    const options = { ...this.#options, number, lifeline };
    const worker = new ProxyWorker(options, this.#state);
    this.#workers.set(number, worker);
    return worker;
  }

  async #keep(number: number, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    let worker = this.#workers.get(number)!;
    let begunMs = performance.now();
    let failures = 0;
    for (;;) {
      const reason = await worker.ended;
      this.#workers.delete(number);
      if (this.#isDraining) return;
      failures = performance.now() - begunMs >= STEADY_MS ? 0 : failures + 1;
      const retryMs = failures === 0 ? 0 : Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MAX_MS);
      log.error("proxy worker ended, its connections are lost", { number, reason, retryMs });
      await pause(retryMs, signal);
      if (this.#isDraining) return;
      begunMs = performance.now();
      worker = this.#begin(number);
      // What keeps it from serving is told when it has ended.
      worker.ready.then(() => log.info("proxy worker serves again", { number }), () => {});
    }
  }
}

function messageOf(revision: number, state: DesiredState): StateMessage {
  return { kind: "state", revision, text: JSON.stringify(state) };
}
