/**
 * What runs where: the facts of this node's instances, reported by the converger and read by the
 * router, the scheduler and the status row. Facts live in memory only. Walk: converger → **members**
 * ⇒ router, scheduler.
 * @module
 */
import type { HealthResult, InstanceStatus } from "../../lib/contract/v1.ts";
import type { StoredComponent } from "../store/store.ts";

/** One container of ours and what is known of it. */
export interface InstanceFact {
  /** Name of the container, known before the engine has made it. */
  readonly id: string;
  readonly component: string;
  readonly version: number;
  /** Tells a component from an earlier one of the same name. */
  readonly uid: string;
  readonly status: InstanceStatus;
  /** Where it serves; known once it is active. */
  readonly address?: { readonly hostname: string; readonly port: number };
  /** Requests it may serve at the same time; Infinity for a soft limit, 0 when it is on its way out. */
  readonly admits: number;
  readonly maxConcurrency: number;
  readonly reserveMemoryMiB: number;
  /** When it was started or last became active, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** What a start is busy with. */
  readonly progress?: string;
  /** The last health checks, oldest first. */
  readonly health?: readonly HealthResult[];
}

/** Instances of one component that a node should run. */
export interface Target {
  readonly stored: StoredComponent;
  readonly count: number;
}

/** Told of each change: the fact as it is now, or undefined when the instance is gone. */
export type MemberListener = (id: string, fact: InstanceFact | undefined) => void;

/** The instances of this node. */
export class Members {
  readonly #facts = new Map<string, InstanceFact>();
  readonly #listeners = new Set<MemberListener>();

  /** Every known instance, in the order they were first reported. */
  list(): InstanceFact[] {
    return [...this.#facts.values()];
  }

  /** The instance named `id`. */
  get(id: string): InstanceFact | undefined {
    return this.#facts.get(id);
  }

  /** Replaces what is known of an instance; listeners have acted when it returns. */
  report(fact: InstanceFact): void {
    this.#facts.set(fact.id, fact);
    for (const listener of this.#listeners) listener(fact.id, fact);
  }

  /** Replaces what is known of an instance without telling: whoever wants to know looks. */
  note(fact: InstanceFact): void {
    if (this.#facts.has(fact.id)) this.#facts.set(fact.id, fact);
  }

  /** The instance is gone. */
  forget(id: string): void {
    if (!this.#facts.delete(id)) return;
    for (const listener of this.#listeners) listener(id, undefined);
  }

  /** Calls `listener` on each change until the returned function is called. */
  subscribe(listener: MemberListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
