/**
 * Starts components at the times of their cron event sources, while this node owns the role. Owns
 * when to look and what to do about each due time; how a request reaches a component is a parameter.
 * Walk: catalog ⇒ **cron** → cron_runs → invoke.
 *
 * A due time is a row. It is written as running before its request is made, in a transaction that
 * only the newest owner of the role can commit, so it is started once at most, whatever dies.
 * @module
 */
import { Alarm } from "../../lib/async/alarm.ts";
import type { EventSource, EventSourceWithStatus } from "../../lib/contract/v1.ts";
import { decide, type Decision } from "../../lib/cron/due.ts";
import { type CronRule, ruleOf } from "../../lib/cron/rule.ts";
import type { Catalog } from "../store/catalog.ts";
import type { CronRuns, NewRun, RunOwner } from "../store/cron_runs.ts";
import { type CronSource, CronStarts, type CronStartsOptions } from "./cron_starts.ts";

/** Name of the role. */
export const CRON_ROLE = "cron";
/** Wait after a look that failed, in milliseconds. */
const RETRY_MS = 500;
/** How often what a source skips while it is switched off is written down, in milliseconds. */
const OFF_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 10 * 60_000;

/** What {@linkcode Cron} needs. */
export interface CronOptions extends Omit<CronStartsOptions, "owner" | "sourceOf" | "changed"> {
  readonly nodeId: string;
  readonly catalog: Pick<Catalog, "current" | "subscribe">;
  readonly runs: CronRuns;
  /** Runs that are kept of each source. */
  readonly keepRuns: number;
  /** How long a run is kept after it ended, in milliseconds. */
  readonly keepMs: number;
  /** Longest time between two looks, in milliseconds; finds a clock that was set. */
  readonly lookMs: number;
  /** Longest wait for runs that go on when the node stops, in milliseconds. */
  readonly drainMs: number;
}

/** The duty of the role. */
export class Cron {
  readonly #options: CronOptions;

  constructor(options: CronOptions) {
    this.#options = options;
  }

  /**
   * Does the duty until `signal` aborts. Runs end with it, unless that is because the node is
   * `stopping`: then they may go on for a while.
   */
  async own(epoch: number, signal: AbortSignal, stopping: AbortSignal): Promise<void> {
    const { drainMs } = this.#options;
    const ownership = new Ownership(this.#options, epoch);
    try {
      await ownership.keep(signal);
    } finally {
      await ownership.end(stopping.aborted ? drainMs : 0);
    }
  }
}

/** A cron event source, as far as it has been decided. */
interface Tracked extends CronSource {
  readonly eventSource: EventSource;
  enabled: boolean;
  /** Due times up to this one are decided. */
  afterMs: number;
  /** When to look at it again. */
  wakeMs: number;
}

/** The duty under one epoch. */
class Ownership {
  readonly #options: CronOptions;
  readonly #owner: RunOwner;
  readonly #alarm = new Alarm();
  readonly #starts: CronStarts;
  readonly #tracked = new Map<string, Tracked>();
  #lastDues: ReadonlyMap<string, number> = new Map();
  /** The rows may say more than is known here. */
  #isStale = true;
  #isDown = false;
  #prunedMs = 0;

  constructor(options: CronOptions, epoch: number) {
    this.#options = options;
    this.#owner = { role: CRON_ROLE, epoch, nodeId: options.nodeId };
    this.#starts = new CronStarts({
      ...options,
      owner: this.#owner,
      sourceOf: (name) => this.#tracked.get(name),
      changed: () => this.#alarm.ring(),
    });
  }

  /** Looks whenever something is due or has changed, until `signal` aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { catalog, runs, log } = this.#options;
    using stack = new DisposableStack();
    stack.defer(catalog.subscribe(() => this.#alarm.ring()));
    stack.defer(runs.subscribe(() => {
      this.#isStale = true;
      this.#alarm.ring();
    }));
    while (!signal.aborted) {
      let waitMs = RETRY_MS;
      try {
        waitMs = await this.#look(signal);
        this.#isDown = false;
      } catch (error) {
        // Whether it was written is not known: the rows will tell.
        this.#isStale = true;
        if (!signal.aborted && !this.#isDown) {
          log.warn("cannot look after cron times, trying again", { error });
          this.#isDown = true;
        }
      }
      await this.#alarm.wait(waitMs, signal);
    }
  }

  /** Lets runs go on for `drainMs`, then ends them. */
  async end(drainMs: number): Promise<void> {
    await this.#starts.end(drainMs);
  }

  /** Does what is due; gives the time until something is due again. */
  async #look(signal: AbortSignal): Promise<number> {
    const { catalog, runs, lookMs, now } = this.#options;
    const isStale = this.#isStale;
    if (isStale) {
      this.#isStale = false;
      this.#lastDues = await runs.lastDues();
    }
    const sources = catalog.current.eventSources.filter(({ eventSource }) => eventSource.cron);
    this.#follow(sources);
    if (isStale) await this.#starts.adopt(() => runs.unfinished());
    for (const { eventSource, enabled } of sources) {
      if (signal.aborted) return 0;
      await this.#settle(this.#tracked.get(eventSource.name)!, enabled);
    }
    const wakes = [...this.#tracked.values()].map(({ wakeMs }) => wakeMs);
    const wakeMs = Math.min(await this.#starts.advance(), ...wakes);
    await this.#prune();
    return Math.min(lookMs, Math.max(0, wakeMs - now()));
  }

  /** Knows the sources that there are now, and what the rows say of them. */
  #follow(sources: readonly EventSourceWithStatus[]): void {
    const before = new Map(this.#tracked);
    this.#tracked.clear();
    for (const { eventSource, enabled } of sources) {
      const { name, modifiedAt } = eventSource;
      const known = before.get(name);
      const rule = known?.eventSource === eventSource ? known.rule : this.#ruleOf(eventSource);
      // What was due before the source was put is none of its times.
      const decided = Math.max(modifiedAt, known?.afterMs ?? 0, this.#lastDues.get(name) ?? 0);
      this.#tracked.set(name, {
        eventSource,
        rule,
        enabled: known?.enabled ?? enabled,
        afterMs: decided,
        wakeMs: rule === known?.rule ? known?.wakeMs ?? 0 : 0,
      });
    }
  }

  #ruleOf({ name, cron }: EventSource): CronRule | undefined {
    try {
      return ruleOf(name, cron!);
    } catch (error) {
      // One that cannot be read holds up no other.
      this.#options.log.warn("cannot follow a cron event source", { source: name, error });
      return undefined;
    }
  }

  /** Decides about the times of a source that have come. What came first meets the old switch. */
  async #settle(tracked: Tracked, enabled: boolean): Promise<void> {
    const { runs, now } = this.#options;
    const { rule, eventSource: { name } } = tracked;
    if (!rule) {
      tracked.wakeMs = Infinity;
      return;
    }
    let nowMs = now();
    if (nowMs < tracked.wakeMs && tracked.enabled === enabled) return;
    let wakeMs: number;
    do {
      nowMs = now();
      const situation = { enabled: tracked.enabled, afterMs: tracked.afterMs, nowMs };
      const decided = decide(rule, { ...situation, ...this.#starts.count(name) });
      const kept = decided.decisions.length === 0
        ? []
        : await runs.record(this.#owner, name, decided.decisions.map(newRun), nowMs);
      tracked.afterMs = decided.afterMs;
      const isStarted = kept.some(({ status }) => status === "running");
      if (isStarted && rule.overlap === "replace") await this.#starts.replace(name);
      for (const run of kept) this.#starts.take(run);
      wakeMs = decided.wakeMs ?? Infinity;
    } while (wakeMs <= nowMs);
    tracked.enabled = enabled;
    tracked.wakeMs = enabled ? wakeMs : Math.max(wakeMs, nowMs + OFF_EVERY_MS);
  }

  async #prune(): Promise<void> {
    const { runs, keepRuns, keepMs, now } = this.#options;
    if (now() < this.#prunedMs + PRUNE_EVERY_MS) return;
    await runs.prune(this.#owner, keepRuns, now() - keepMs);
    this.#prunedMs = now();
  }
}

function newRun({ kind, dueMs, lastDueMs, dueCount, reason }: Decision): NewRun {
  const status = kind === "start" ? "running" : kind === "queue" ? "queued" : "skipped";
  return { dueAt: dueMs, lastDueAt: lastDueMs, dueCount, status, reason };
}
