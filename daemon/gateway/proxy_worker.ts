/**
 * One proxy worker as the main thread sees it, from its start to the end of its thread. That it has
 * ended is known for certain, because the worker holds a connection that the system closes with all
 * its others: only then are its tokens anybody else's. Knows nothing of what the worker serves.
 * @module
 */
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Borrower, TokenDesk } from "../router/token_desk.ts";
import type { StateMessage, WorkerNote, WorkerOrder } from "./worker_messages.ts";

/** Longest time until a worker serves or says why not, in milliseconds. */
const START_LIMIT_MS = 30_000;
/** Time that a worker has to say that it is drained after it was told to cut, in milliseconds. */
const CUT_LIMIT_MS = 2_000;

/** What a worker's keeper needs. */
export interface ProxyWorkerOptions<S> {
  readonly number: number;
  /** Path of a unix socket that nobody else uses. */
  readonly lifeline: string;
  readonly setup: S;
  /** Starts the thread. */
  readonly spawn: (number: number) => Worker;
  readonly desk: TokenDesk;
  /** Writes lines of the access log. */
  readonly write: (text: string) => Promise<void>;
}

/** A thread that serves. */
export class ProxyWorker<S> {
  /** Resolves when it serves. Rejects with a {@linkcode MaelstromError} when it cannot. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when the thread has ended and all its connections are closed. */
  readonly ended: Promise<string>;
  readonly #options: ProxyWorkerOptions<S>;
  readonly #worker: Worker;
  #borrower: Borrower | undefined;
  readonly #listener: Deno.UnixListener;
  readonly #ready = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  readonly #onApplied = new Set<() => void>();
  #state: StateMessage;
  #applied = -1;
  #hears = false;
  #isOver = false;
  #reason = "the thread ended";

  /** Starts a worker with `state`. */
  constructor(options: ProxyWorkerOptions<S>, state: StateMessage) {
    this.#options = options;
    this.#state = state;
    removeIfThere(options.lifeline);
    this.#listener = Deno.listen({ transport: "unix", path: options.lifeline });
    this.#worker = options.spawn(options.number);
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerNote>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(messageOf(event.message));
    };
    this.ready = this.#ready.promise;
    this.ended = this.#watch();
  }

  /** Replaces the desired state it serves. */
  postState(state: StateMessage): void {
    this.#state = state;
    if (this.#hears) this.#post(state);
  }

  /** Resolves when the state of `revision` is served, the thread has ended, or `signal` aborts. */
  applied(revision: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#applied < revision && !this.#isOver && !signal.aborted) return;
        this.#onApplied.delete(look);
        signal.removeEventListener("abort", look);
        resolve();
      };
      this.#onApplied.add(look);
      signal.addEventListener("abort", look);
      look();
    });
  }

  /** Lets its requests end until `signal` aborts, then cuts; resolves when the thread has ended. */
  async drain(signal: AbortSignal): Promise<void> {
    // One that does not serve yet has nothing to end, and may not hear.
    if (!this.#borrower) this.#end("it was stopped");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const cut = () => {
      this.#post({ kind: "cut" });
      timer = setTimeout(() => this.#end("it did not stop"), CUT_LIMIT_MS);
    };
    this.#post({ kind: "drain" });
    if (signal.aborted) cut();
    else signal.addEventListener("abort", cut, { once: true });
    await Promise.race([this.#drained.promise, this.ended]);
    signal.removeEventListener("abort", cut);
    clearTimeout(timer);
    this.#end("it was stopped");
    await this.ended;
  }

  #post(order: WorkerOrder<S>): void {
    if (!this.#isOver) this.#worker.postMessage(order);
  }

  #hear(note: WorkerNote): void {
    if (this.#isOver) return;
    switch (note.kind) {
      case "hello": {
        const { number, lifeline, setup } = this.#options;
        this.#hears = true;
        return this.#post({ kind: "start", number, lifeline, setup, state: this.#state });
      }
      case "ready": {
        const { desk } = this.#options;
        this.#borrower = desk.join((orders) => this.#post({ kind: "tokens", orders }));
        return this.#ready.resolve();
      }
      case "failed":
        this.#ready.reject(new MaelstromError(note.code, note.message));
        return this.#end(note.message);
      case "applied":
        this.#applied = note.revision;
        for (const look of [...this.#onApplied]) look();
        return;
      case "tokens":
        if (this.#borrower) this.#options.desk.receive(this.#borrower, note.notes);
        return;
      case "write": {
        const written = () => this.#post({ kind: "written" });
        // Standard output that fails is told nowhere else either; the next lines may fare better.
        return void this.#options.write(note.text).then(written, written);
      }
      case "drained":
        return this.#drained.resolve();
    }
  }

  /** Ends the thread, if it has not ended; `ended` follows when its connections are closed. */
  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reason = reason;
    this.#worker.terminate();
    // Nobody will connect any more, if nobody did.
    close(this.#listener);
    for (const look of [...this.#onApplied]) look();
  }

  /** Waits for the end of the lifeline. */
  async #watch(): Promise<string> {
    const late = setTimeout(() => this.#end("it did not start in time"), START_LIMIT_MS);
    this.#ready.promise.then(() => clearTimeout(late), () => clearTimeout(late));
    try {
      using lifeline = await this.#listener.accept();
      close(this.#listener);
      removeIfThere(this.#options.lifeline);
      while (await lifeline.read(new Uint8Array(1)) !== null);
    } catch {
      // It ended before it held its lifeline, and so before it served anything.
    }
    this.#end(this.#reason);
    if (this.#borrower) this.#options.desk.leave(this.#borrower);
    const message = `Cannot start proxy worker: ${this.#reason}`;
    this.#ready.reject(new MaelstromError("internal", message));
    clearTimeout(late);
    return this.#reason;
  }
}

function close(listener: Deno.Listener): void {
  try {
    listener.close();
  } catch {
    // Closed already.
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
