/**
 * The pollers of this node: for each event source that reads queues, the slots that fall to it, each
 * held as a role. Compares what should be polled with what is, whenever the catalog or the cluster
 * changes; a source whose settings changed is polled anew. Knows nothing of kinds of queues.
 * Walk: catalog, cluster ⇒ **pollers** → roles → poller.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import type { EventSource, NodeStatus, SourceStatus } from "../../lib/contract/v1.ts";
import type { Catalog } from "../store/catalog.ts";
import type { MessageSource } from "./message_source.ts";
import { capacities, nodeOfSlot, type Polling, slotsOf } from "./polling.ts";
import { SourceRun, type SourceRunOptions } from "./source_run.ts";

/** Longest time between two looks, in milliseconds. */
const LOOK_MS = 1000;

/** One kind of event source that reads queues. */
export interface PolledKind {
  /** How `source` is polled; undefined when it is of another kind. */
  polling(source: EventSource): Polling | undefined;
  /** The queues of `source`, which is of this kind. */
  open(source: EventSource, polling: Polling): Promise<MessageSource>;
}

/** What {@linkcode Pollers} needs. */
export interface PollersOptions
  extends Omit<SourceRunOptions, "polling" | "version" | "open" | "cut"> {
  readonly nodeId: string;
  readonly kinds: readonly PolledKind[];
  readonly catalog: Pick<Catalog, "current" | "subscribe">;
  /** The nodes that are in, this one included. */
  readonly nodes: () => readonly NodeStatus[];
}

/** Polls what falls to this node. */
export class Pollers {
  readonly #options: PollersOptions;
  readonly #look: Recurring;
  /** Ends what was begun with; absent until then. */
  #unsubscribe: (() => void) | undefined;
  readonly #runs = new Map<string, SourceRun>();
  /** Runs that finish what they hold. */
  readonly #ending = new Set<Promise<void>>();
  readonly #cut = new AbortController();
  #capacities: ReadonlyMap<string, number> = new Map();

  constructor(options: PollersOptions) {
    this.#options = options;
    this.#look = new Recurring(() => this.#reconcile(), {
      name: "pollers",
      everyMs: LOOK_MS,
      log: options.log,
    });
  }

  /** Begins to poll. */
  start(): void {
    this.#unsubscribe = this.#options.catalog.subscribe(() => this.#look.poke());
    this.#look.poke();
  }

  /** Looks again soon: the cluster has changed. Nothing is polled before the start. */
  replan(): void {
    if (this.#unsubscribe) this.#look.poke();
  }

  /** How each source fares that is polled here. */
  status(): SourceStatus[] {
    return [...this.#runs.values()].map((run) => run.report.status());
  }

  /**
   * Hands every slot over and finishes what it holds; when `cut` aborts, requests that still go on
   * are ended and their messages given back.
   */
  async stop(cut: AbortSignal): Promise<void> {
    const abort = () => this.#cut.abort();
    cut.addEventListener("abort", abort);
    if (cut.aborted) abort();
    this.#unsubscribe?.();
    await this.#look[Symbol.asyncDispose]();
    for (const name of [...this.#runs.keys()]) this.#end(name);
    await Promise.all(this.#ending);
    cut.removeEventListener("abort", abort);
  }

  #reconcile(): void {
    const { catalog, nodes, nodeId } = this.#options;
    const statuses = nodes();
    this.#capacities = capacities(statuses);
    const wanted = new Map<string, EventSource>();
    for (const { eventSource, enabled } of catalog.current.eventSources) {
      if (enabled) wanted.set(eventSource.name, eventSource);
    }
    for (const [name, run] of [...this.#runs]) {
      if (wanted.get(name)?.version !== run.version) this.#end(name);
    }
    for (const [name, source] of wanted) {
      const run = this.#runs.get(name) ?? this.#begin(source);
      if (!run) continue;
      const limits = slotsOf(run.polling, this.#capacities.get(source.componentName) ?? 0);
      const own = [...limits.entries()]
        .filter(([slot]) => nodeOfSlot(name, slot, statuses) === nodeId);
      run.follow(new Map(own));
    }
  }

  #begin(source: EventSource): SourceRun | undefined {
    for (const kind of this.#options.kinds) {
      const polling = kind.polling(source);
      if (!polling) continue;
      const open = () => kind.open(source, polling);
      const run = new SourceRun({
        ...this.#options,
        polling,
        // While an instance serves, another that does not start keeps nothing from it.
        blocked: (name) => this.#capacities.has(name) ? undefined : this.#options.blocked(name),
        version: source.version,
        open,
        cut: this.#cut.signal,
      });
      this.#runs.set(source.name, run);
      return run;
    }
    return undefined;
  }

  #end(name: string): void {
    const run = this.#runs.get(name);
    if (!run) return;
    this.#runs.delete(name);
    const ending: Promise<void> = run.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
