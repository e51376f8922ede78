/**
 * The runs of cron event sources: those to come, those going on, and what became of the rest. Owns
 * the table `cron_run`, whose rows are what decides whether a due time is started; knows nothing of
 * schedules. Walk: api, sources → **cron_runs** → driver.
 *
 * What the owner of the role writes carries its epoch, and is refused when it is old.
 * @module
 */
import { type CronRun, RUN_STATUSES, type RunStatus } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Driver, integerOf, type Row, textOf, type Transaction } from "./driver.ts";
import { refuseStale, type RoleEpoch } from "./epoch.ts";

/** Asked-for runs of one source that may wait for the owner. */
const ASKED_MAX = 100;
const UNFINISHED = "status in ('queued', 'running', 'waiting')";

/** A due time, or several that are skipped, and what is to become of it. */
export interface NewRun {
  readonly dueAt: number;
  readonly lastDueAt: number;
  readonly dueCount: number;
  readonly status: "running" | "queued" | "skipped";
  readonly reason: string;
}

/** A run and the ownership under which it was started. */
export interface StoredRun extends CronRun {
  readonly epoch: number;
}

/** Who writes: the owner of the role, and its node. */
export interface RunOwner extends RoleEpoch {
  readonly nodeId: string;
}

/** The runs in the store. */
export class CronRuns {
  readonly #driver: Pick<Driver, "all" | "transaction" | "subscribe">;

  constructor(driver: Pick<Driver, "all" | "transaction" | "subscribe">) {
    this.#driver = driver;
  }

  /** Runs that have not ended, oldest first. */
  async unfinished(): Promise<StoredRun[]> {
    const rows = await this.#driver.all(
      `select * from cron_run where ${UNFINISHED} order by due_at, run_id`,
      [],
    );
    return rows.map(runOf);
  }

  /** The last due time of each source that has been decided. */
  async lastDues(): Promise<Map<string, number>> {
    const rows = await this.#driver.all(
      "select source, max(last_due_at) as last from cron_run where manual = 0 group by source",
      [],
    );
    return new Map(rows.map((row) => [textOf(row, "source"), integerOf(row, "last")]));
  }

  /**
   * Records what becomes of due times of `source` that come after all that are recorded, all or
   * none. The result are those that are to be started now, or wait for it.
   *
   * @throws {MaelstromError} stale_epoch: another node owns the role
   */
  async record(
    owner: RunOwner,
    source: string,
    runs: readonly NewRun[],
    nowMs: number,
  ): Promise<StoredRun[]> {
    return await this.#driver.transaction(async (transaction) => {
      await refuseStale(transaction, owner);
      const [known] = await transaction.all("select 1 as one from event_source where name = $1", [
        source,
      ]);
      // Removed since it was read: nothing is due any more.
      if (!known) return [];
      const kept: StoredRun[] = [];
      for (const run of runs) {
        if (run.status === "skipped" && await extend(transaction, source, run, nowMs)) continue;
        const row = await insert(transaction, owner, source, run, nowMs);
        if (row && row.status !== "skipped") kept.push(row);
      }
      return kept;
    });
  }

  /**
   * Writes where `run` stands; false when it has been removed.
   *
   * @throws {MaelstromError} stale_epoch: another node owns the role
   */
  async update(owner: RunOwner, run: CronRun): Promise<boolean> {
    return await this.#driver.transaction(async (transaction) => {
      await refuseStale(transaction, owner);
      const updated = await transaction.run(
        `update cron_run set status = $1, reason = $2, attempt = $3, http_status = $4,
           node_id = $5, epoch = $6, started_at = $7, ended_at = $8, retry_at = $9
         where run_id = $10`,
        [
          run.status,
          run.reason,
          run.attempt,
          run.httpStatus,
          run.nodeId,
          owner.epoch,
          run.startedAt,
          run.endedAt,
          run.retryAt,
          run.runId,
        ],
      );
      return updated > 0;
    });
  }

  /**
   * Asks the owner to run `source` now; gives the run's id.
   *
   * @throws {MaelstromError} queue_full: too many have been asked for
   */
  async ask(source: string, nowMs: number): Promise<string> {
    return await this.#driver.transaction(async (transaction) => {
      const [row] = await transaction.all(
        `select count(*) as count from cron_run
         where source = $1 and manual = 1 and ${UNFINISHED}`,
        [source],
      );
      if (row && integerOf(row, "count") >= ASKED_MAX) {
        const message = `Cannot run "${source}": ${ASKED_MAX} runs wait or go on already`;
        throw new MaelstromError("queue_full", message);
      }
      const last = await newestDue(transaction, source, 1);
      const runId = crypto.randomUUID();
      await transaction.all(INSERT, [
        runId,
        source,
        1,
        // Two may be asked for in one millisecond.
        Math.max(nowMs, last + 1),
        Math.max(nowMs, last + 1),
        1,
        "queued",
        "",
        0,
        "",
        0,
        0,
        0,
      ]);
      await transaction.announce();
      return runId;
    });
  }

  /** The newest `limit` runs of `source`. */
  async list(source: string, limit: number): Promise<CronRun[]> {
    const rows = await this.#driver.all(
      `select * from cron_run where source = $1 order by due_at desc, manual limit ${limit}`,
      [source],
    );
    return rows.map((row) => {
      const { epoch: _, ...run } = runOf(row);
      return run;
    });
  }

  /**
   * Removes runs that have ended: all but the newest `keep` of each source, and those that ended
   * before `beforeMs`. The newest stays: it tells which due times have been decided.
   */
  async prune(owner: RunOwner, keep: number, beforeMs: number): Promise<number> {
    return await this.#driver.transaction(async (transaction) => {
      await refuseStale(transaction, owner);
      return await transaction.run(
        `delete from cron_run where not (${UNFINISHED}) and run_id in (
           select run_id from (
             select run_id, ended_at, row_number() over (
               partition by source, manual order by last_due_at desc) as place
             from cron_run) as ranked
           where place > $1 or (place > 1 and ended_at < $2))`,
        [keep, beforeMs],
      );
    });
  }

  /** Calls `listener` when runs may have been asked for. The result ends it. */
  subscribe(listener: () => void): () => void {
    return this.#driver.subscribe(listener);
  }
}

const INSERT = `insert into cron_run (run_id, source, manual, due_at, last_due_at, due_count,
     status, reason, attempt, http_status, node_id, epoch, started_at, ended_at, retry_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $13, 0)
   on conflict (source, manual, due_at) do nothing returning *`;

/** Inserts `run`; the row, unless the due time has one. */
async function insert(
  transaction: Transaction,
  owner: RunOwner,
  source: string,
  { dueAt, lastDueAt, dueCount, status, reason }: NewRun,
  nowMs: number,
): Promise<StoredRun | undefined> {
  const isStarted = status === "running";
  const [row] = await transaction.all(INSERT, [
    crypto.randomUUID(),
    source,
    0,
    dueAt,
    lastDueAt,
    dueCount,
    status,
    reason,
    isStarted ? 1 : 0,
    isStarted ? owner.nodeId : "",
    owner.epoch,
    isStarted ? nowMs : 0,
    status === "skipped" ? nowMs : 0,
  ]);
  return row && runOf(row);
}

/** Lets the newest row stand for `run` as well, if it is skipped for the same reason. */
async function extend(
  transaction: Transaction,
  source: string,
  { lastDueAt, dueCount, reason }: NewRun,
  nowMs: number,
): Promise<boolean> {
  const updated = await transaction.run(
    `update cron_run set last_due_at = $1, due_count = due_count + $2, ended_at = $3
     where source = $4 and manual = 0 and last_due_at = $5 and status = 'skipped'
       and reason = $6`,
    [lastDueAt, dueCount, nowMs, source, await newestDue(transaction, source, 0), reason],
  );
  return updated > 0;
}

async function newestDue(
  transaction: Transaction,
  source: string,
  manual: number,
): Promise<number> {
  const [row] = await transaction.all(
    `select last_due_at from cron_run where source = $1 and manual = $2
     order by last_due_at desc limit 1`,
    [source, manual],
  );
  return row ? integerOf(row, "last_due_at") : 0;
}

function runOf(row: Row): StoredRun {
  return {
    runId: textOf(row, "run_id"),
    eventSourceName: textOf(row, "source"),
    dueAt: integerOf(row, "due_at"),
    lastDueAt: integerOf(row, "last_due_at"),
    dueCount: integerOf(row, "due_count"),
    manual: integerOf(row, "manual") === 1,
    status: statusOf(textOf(row, "status")),
    reason: textOf(row, "reason"),
    attempt: integerOf(row, "attempt"),
    httpStatus: integerOf(row, "http_status"),
    nodeId: textOf(row, "node_id"),
    startedAt: integerOf(row, "started_at"),
    endedAt: integerOf(row, "ended_at"),
    retryAt: integerOf(row, "retry_at"),
    epoch: integerOf(row, "epoch"),
  };
}

function statusOf(text: string): RunStatus {
  const status = RUN_STATUSES.find((one) => one === text);
  if (status) return status;
  throw new MaelstromError("store_unavailable", `Cannot read runs: unknown status "${text}"`);
}
