/** Who wants to look again, and telling them. Knows nothing of what changed. @module */
import type { Log } from "../../lib/log.ts";

/** A set of callbacks that mean "look again". One that throws is logged and harms no other. */
export class Listeners {
  readonly #all = new Set<{ readonly call: () => void }>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds `listener`; the result removes it again. */
  add(listener: () => void): () => void {
    const entry = { call: listener };
    this.#all.add(entry);
    return () => {
      this.#all.delete(entry);
    };
  }

  /** Calls everybody who is listening now. */
  call(): void {
    for (const entry of [...this.#all]) {
      try {
        entry.call();
      } catch (error) {
        this.#log.error("listener failed", { error });
      }
    }
  }

  /** Forgets everybody. */
  clear(): void {
    this.#all.clear();
  }
}
