/**
 * The runs of cron event sources that have not ended: makes their requests, attempt by attempt, and
 * writes what became of them. Knows nothing of schedules. Walk: cron → **cron_starts** → invoke.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { CronRun, EventSource } from "../../lib/contract/v1.ts";
import { SWITCHED_OFF } from "../../lib/cron/due.ts";
import { type CronRule, retryDelayMs } from "../../lib/cron/rule.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { CronRuns, RunOwner, StoredRun } from "../store/cron_runs.ts";
import type { Invoke, InvokeRequest } from "./invoke.ts";

/** Wait before what could not be written is written again, in milliseconds. */
const WRITE_RETRY_MS = 500;
/** What of an answer that failed is told. */
const REPLY_BYTES_MAX = 300;
const REPLACED = "replaced by a later one";
const OVER = "its node stopped, or no longer owned the role";

/** A source as it is now. */
export interface CronSource {
  readonly eventSource: EventSource;
  /** Undefined when its schedule cannot be read. */
  readonly rule: CronRule | undefined;
  readonly enabled: boolean;
}

/** What {@linkcode CronStarts} needs. */
export interface CronStartsOptions {
  readonly owner: RunOwner;
  readonly runs: Pick<CronRuns, "update">;
  readonly invoke: Invoke;
  /** Undefined when there is none of that name any more. */
  readonly sourceOf: (name: string) => CronSource | undefined;
  /** A run has ended, or waits for another attempt. */
  readonly changed: () => void;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

interface Live {
  readonly run: CronRun;
  /** The attempt that goes on, until its end is written; absent when none does. */
  readonly attempt?: { readonly stop: AbortController; readonly done: Promise<void> };
}

/** Runs that have not ended. */
export class CronStarts {
  readonly #options: CronStartsOptions;
  readonly #live = new Map<string, Live>();
  /** Aborts when the ownership is over. */
  readonly #over = new AbortController();

  constructor(options: CronStartsOptions) {
    this.#options = options;
  }

  /** How many runs of `source` go on or wait for another attempt, and how many wait for those. */
  count(source: string): { running: number; queued: number } {
    const runs = this.#of(source);
    const queued = runs.filter(({ run }) => run.status === "queued").length;
    return { running: runs.length - queued, queued };
  }

  /** Takes over a run that this owner has written. */
  take(run: CronRun): void {
    if (run.status === "running") this.#start(run);
    else this.#live.set(run.runId, { run });
  }

  /**
   * Takes over what the rows say. A run that another owner started is lost. One that this owner
   * wrote as running and does not know was never started: it was not known to be written.
   */
  async adopt(read: () => Promise<readonly StoredRun[]>): Promise<void> {
    // Those may end while the rows are read, and go on in them.
    const known = new Set([...this.#live].filter(([, { attempt }]) => attempt).map(([id]) => id));
    for (const { epoch, ...run } of await read()) {
      if (known.has(run.runId)) continue;
      const isLost = run.status === "running" && epoch !== this.#options.owner.epoch;
      if (isLost) await this.#write(this.#again(run, "lost", `node ${run.nodeId} was lost`));
      else this.take(run);
    }
  }

  /**
   * Starts what has waited long enough, and ends what waits for a source that was switched off.
   * Gives the time of the next attempt.
   */
  async advance(): Promise<number> {
    const { sourceOf, now } = this.#options;
    let wakeMs = Infinity;
    for (const { run, attempt } of [...this.#live.values()]) {
      if (attempt) continue;
      const source = sourceOf(run.eventSourceName);
      if (!source) this.#live.delete(run.runId);
      else if (!source.enabled && !run.manual) await this.#write(switchedOff(run, now()));
      else if (run.retryAt > now()) wakeMs = Math.min(wakeMs, run.retryAt);
      else if (run.status === "waiting" || run.manual || this.#isFree(run.eventSourceName)) {
        await this.#attempt(run);
      }
    }
    return wakeMs;
  }

  /** Ends the runs of `source` in favour of a later one. */
  async replace(source: string): Promise<void> {
    for (const { run, attempt } of this.#of(source)) {
      if (attempt) attempt.stop.abort(REPLACED);
      else await this.#write(this.#replaced(run));
    }
  }

  /** Lets attempts go on for `drainMs`, then ends them. */
  async end(drainMs: number): Promise<void> {
    const attempts = [...this.#live.values()].flatMap(({ attempt }) => attempt ?? []);
    const ended = new AbortController();
    const all = Promise.all(attempts.map(({ done }) => done)).then(() => ended.abort());
    if (drainMs > 0) await pause(drainMs, ended.signal);
    this.#over.abort();
    for (const { stop } of attempts) stop.abort(OVER);
    await all;
  }

  #of(source: string): Live[] {
    return [...this.#live.values()].filter(({ run }) => run.eventSourceName === source);
  }

  #isFree(source: string): boolean {
    return this.count(source).running === 0;
  }

  /** Writes that `run` is started (again), and starts it. */
  async #attempt(run: CronRun): Promise<void> {
    const { owner, now } = this.#options;
    const started: CronRun = {
      ...run,
      status: "running",
      attempt: run.attempt + 1,
      httpStatus: 0,
      nodeId: owner.nodeId,
      startedAt: now(),
      retryAt: 0,
    };
    if (await this.#options.runs.update(owner, started)) this.#start(started);
    else this.#live.delete(run.runId);
  }

  #start(run: CronRun): void {
    const stop = new AbortController();
    const done = this.#perform(run, stop.signal).catch((error: unknown) => {
      this.#options.log.error("cron run failed", { source: run.eventSourceName, error });
    });
    this.#live.set(run.runId, { run, attempt: { stop, done } });
  }

  async #perform(run: CronRun, signal: AbortSignal): Promise<void> {
    const ended = await this.#outcome(run, signal);
    const { status, reason, attempt, httpStatus, dueAt, runId } = ended;
    const fields = { source: run.eventSourceName, dueAt, runId, attempt, status, httpStatus };
    if (status === "succeeded") this.#options.log.info("cron run ended", fields);
    else this.#options.log.warn("cron run ended", { ...fields, reason });
    await this.#writeUntilOver(ended);
    this.#options.changed();
  }

  /** Makes the request of `run`, and tells where the run stands after it. */
  async #outcome(run: CronRun, signal: AbortSignal): Promise<CronRun> {
    const { invoke, sourceOf, now } = this.#options;
    const source = sourceOf(run.eventSourceName);
    if (!source) return this.#again(run, "failed", "its event source was removed");
    const { componentName } = source.eventSource;
    try {
      const answer = await invoke(componentName, requestOf(source.eventSource, run), signal);
      const { status: httpStatus } = answer;
      const answered = { ...run, httpStatus };
      if (httpStatus < 200 || httpStatus > 299) {
        const text = answer.body.trim().replaceAll(/\s+/g, " ");
        const said = text === "" ? "" : `: ${text}`;
        return this.#again(answered, "failed", `answered with status ${httpStatus}${said}`);
      }
      return { ...answered, status: "succeeded", reason: "", endedAt: now() };
    } catch (error) {
      if (signal.reason === REPLACED) return this.#replaced(run);
      if (signal.aborted) return this.#again(run, "lost", OVER);
      return this.#again(run, "failed", messageOf(error));
    }
  }

  /** `run` as it waits for another attempt, or as it ends when it has had all of them. */
  #again(run: CronRun, status: "failed" | "lost", reason: string): CronRun {
    const { sourceOf, now } = this.#options;
    const rule = sourceOf(run.eventSourceName)?.rule;
    if (!rule || run.attempt > rule.retries) return { ...run, status, reason, endedAt: now() };
    return { ...run, status: "waiting", reason, retryAt: now() + retryDelayMs(rule, run.attempt) };
  }

  #replaced(run: CronRun): CronRun {
    return { ...run, status: "replaced", reason: REPLACED, endedAt: this.#options.now() };
  }

  /** Writes `run`; while this owner does not know that it is written, the run is not let go. */
  async #writeUntilOver(run: CronRun): Promise<void> {
    for (;;) {
      try {
        return await this.#write(run);
      } catch (error) {
        const isStale = error instanceof MaelstromError && error.code === "stale_epoch";
        if (isStale || this.#over.signal.aborted) {
          const { runId, eventSourceName: source } = run;
          return this.#options.log.warn("cannot write how a run ended", { source, runId, error });
        }
      }
      await pause(WRITE_RETRY_MS, this.#over.signal);
    }
  }

  async #write(run: CronRun): Promise<void> {
    const isThere = await this.#options.runs.update(this.#options.owner, run);
    if (isThere && run.status === "waiting") this.#live.set(run.runId, { run });
    else this.#live.delete(run.runId);
  }
}

function switchedOff(run: CronRun, endedAt: number): CronRun {
  if (run.status === "waiting") return { ...run, status: "failed", retryAt: 0, endedAt };
  return { ...run, status: "skipped", reason: SWITCHED_OFF, endedAt };
}

/** The request of `run`, with what tells the component which one it is. */
function requestOf({ name, cron }: EventSource, run: CronRun): InvokeRequest {
  const { method, path, data = "", headers = [] } = cron!.http;
  return {
    method,
    path,
    headers: [
      ...headers.map(({ name, value }) => [name, value] as const),
      ["Mael-Event-Source", name],
      ["Mael-Due", new Date(run.dueAt).toISOString()],
      ["Mael-Run", run.runId],
      ["Mael-Attempt", String(run.attempt)],
    ],
    // Source: the ancestor's rule.
    body: method.toUpperCase() === "GET" ? "" : data,
    replyBytesMax: REPLY_BYTES_MAX,
  };
}
