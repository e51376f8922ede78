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
import { isAbort } from "../../lib/errors.ts";
import type { Catalog } from "../store/catalog.ts";
import type { CronRuns, NewRun, RunOwner } from "../store/cron_runs.ts";
import { CronStarts, type CronStartsOptions } from "./cron_starts.ts";

/** Name of the role. */
export const CRON_ROLE = "cron";
/** Wait after a look that failed, in milliseconds. */
const RETRY_MS = 500;
/** How often what a source skips while it is switched off is written down, in milliseconds. */
const OFF_EVERY_MS = 60_000;
const PRUNE_EVERY_MS = 10 * 60_000;

/** What {@linkcode Cron} needs. */
export interface CronOptions extends Omit<CronStartsOptions, "owner" | "changed"> {
  readonly nodeId: string;
  readonly catalog: Pick<Catalog, "current" | "subscribe">;
  readonly runs: CronRuns;
  /** Runs that are kept of each source. */
  readonly keepRuns: number;
  /** How long a run is kept after it ended, in milliseconds. */
  readonly keepMs: number;
  /** Longest time between two looks, in milliseconds; also finds a clock that was set. */
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
   * Does the duty until `signal` aborts. Runs end with it, unless it is because the node is
   * `stopping`: then they may end by themselves for a while.
   */
  async own(epoch: number, signal: AbortSignal, stopping: AbortSignal): Promise<void> {
    const ownership = new Ownership(this.#options, epoch);
    await ownership.keep(signal);
    await ownership.end(stopping.aborted ? this.#options.drainMs : 0);
  }
}

/** One cron event source, as far as it has been decided. */
interface Tracked {
  readonly eventSource: EventSource;
  /** Undefined when the schedule cannot be read. */
  readonly rule: CronRule | undefined;
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
  #pruneMs = 0;

  constructor(options: CronOptions, epoch: number) {
    this.#options = options;
    this.#owner = { role: CRON_ROLE, epoch, nodeId: options.nodeId };
    const changed = () => this.#alarm.ring();
    this.#starts = new CronStarts({ ...options, owner: this.#owner, changed });
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
        if (!signal.aborted && !isAbort(error) && !this.#isDown) {
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
    if (this.#isStale) {
      this.#isStale = false;
      this.#lastDues = await runs.lastDues();
      for (const tracked of this.#tracked.values()) this.#catchUp(tracked);
    }
    const sources = catalog.current.eventSources.filter(({ eventSource }) => eventSource.cron);
    this.#follow(sources);
    await this.#starts.adopt(await runs.unfinished(), (name) => this.#tracked.get(name)?.rule);
    for (const { eventSource: { name }, enabled } of sources) {
      if (signal.aborted) return 0;
      await this.#settle(this.#tracked.get(name)!, enabled);
    }
    return 0 * lookMs * now();
  }
}
