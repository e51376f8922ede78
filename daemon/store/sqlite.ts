/**
 * The store's driver for a SQLite file: the embedded default of a node on its own. Owns the two
 * connections (one writes, one reads what is committed), waiting for locks without blocking the
 * process, and roles, which are always ours. That one daemon owns the file is settled elsewhere.
 * Walk: store → **sqlite** → connection.
 * @module
 */
import { dirname, resolve } from "node:path";
import { pause } from "../../lib/async/pause.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Driver, RoleLock, Row, SqlValue, Transaction } from "./driver.ts";
import { Listeners } from "./listeners.ts";
import { migrate } from "./migrate.ts";
import { type Migration, migrations } from "./schema/migrations.ts";
import { isLocked, SqliteConnection } from "./sqlite_connection.ts";
import { WriteQueue } from "./write_queue.ts";

/** SQLite's own wait for a lock. It stops the whole process, so it is short. */
const LOCK_WAIT_MS = 50;
const LOCK_RETRY_MS = 100;

/** How {@linkcode openSqlite} opens. */
export interface SqliteOptions {
  readonly log: Log;
  /** Longest wait for a lock that another process holds, in milliseconds. @default {5000} */
  readonly lockLimitMs?: number;
  /** The schema to bring the file to. @default {migrations} */
  readonly steps?: readonly Migration[];
}

/**
 * Opens the database file at `path`, makes it (mode 0600: it holds secrets) when there is none, and
 * brings its schema up to date.
 *
 * @throws {MaelstromError} store_unavailable: no directory, not writable, not a database, damaged,
 * locked, or of a newer executable; the message says what to do
 */
export async function openSqlite(path: string, options: SqliteOptions): Promise<Driver> {
  const { log, lockLimitMs = 5000, steps = migrations } = options;
  const file = resolve(path);
  await createFile(file);
  const driver = new SqliteDriver(file, log, lockLimitMs);
  try {
    await driver.prepare();
    const applied = await migrate(driver, steps, `the database ${JSON.stringify(file)}`);
    if (applied.length > 0) log.info("database schema updated", { path: file, steps: applied });
    return driver;
  } catch (error) {
    await driver[Symbol.asyncDispose]();
    throw error;
  }
}

class SqliteDriver implements Driver {
  readonly dialect = { nowMs: "cast(unixepoch('subsec') * 1000 as integer)", skipLocked: "" };
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #lockLimitMs: number;
  readonly #queue = new WriteQueue();
  readonly #listeners: Listeners;
  readonly #roles = new Set<string>();
  readonly #stop = new AbortController();

  constructor(path: string, log: Log, lockLimitMs: number) {
    this.#writer = new SqliteConnection(path, LOCK_WAIT_MS);
    this.#reader = new SqliteConnection(path, LOCK_WAIT_MS);
    this.#lockLimitMs = lockLimitMs;
    this.#listeners = new Listeners(log);
  }

  /** Sets what has to be set once for each connection. */
  async prepare(): Promise<void> {
    const mode = await this.#whenFree(() => this.#writer.all("pragma journal_mode = wal"));
    if (mode[0]?.["journal_mode"] !== "wal") {
      throw new MaelstromError(
        "store_unavailable",
        "Cannot use the database: its file system has no shared memory; choose a local disk",
      );
    }
    // FULL: what was acknowledged also survives loss of power.
    await this.#whenFree(() => this.#writer.run("pragma synchronous = full"));
    await this.#whenFree(() => this.#reader.run("pragma query_only = on"));
  }

  all(sql: string, args: readonly SqlValue[]): Promise<Row[]> {
    return this.#whenFree(() => this.#reader.all(sql, args));
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#queue.run(() => this.#perform(work));
  }

  write(sql: string, args: readonly SqlValue[]): Promise<Row[]> {
    return this.#queue.run(() => this.#whenFree(() => this.#writer.all(sql, args)));
  }

  /** Writes the whole file again, for replaced rows stay in its free pages and in its log. */
  scrub(): Promise<void> {
    return this.#queue.run(async () => {
      await this.#whenFree(() => this.#writer.run("vacuum"));
      await this.#whenFree(() => this.#writer.all("pragma wal_checkpoint(truncate)"));
    });
  }

  /** There are no other nodes. */
  tell(_topic: string): Promise<void> {
    return Promise.resolve();
  }

  hear(_listener: (topic: string | undefined) => void): () => void {
    return () => {};
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Nobody else writes to the file, so a role is ours unless this process holds it already. */
  claimRole(role: string, signal: AbortSignal): Promise<RoleLock | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#stop.signal.aborted) return Promise.reject(closed());
    if (this.#roles.has(role)) return Promise.resolve(undefined);
    this.#roles.add(role);
    let held = true;
    return Promise.resolve({
      lost: this.#stop.signal,
      [Symbol.asyncDispose]: () => {
        if (held) this.#roles.delete(role);
        held = false;
        return Promise.resolve();
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#listeners.clear();
    await this.#queue[Symbol.asyncDispose]();
    this.#reader[Symbol.dispose]();
    this.#writer[Symbol.dispose]();
  }

  async #perform<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const writer = this.#writer;
    let announced = false;
    let ended = false;
    const inside = <R>(call: () => R): Promise<R> => {
      if (ended) return Promise.reject(new Error("the transaction has ended"));
      return Promise.try(call);
    };
    // Taking the lock at once means that no later statement can find it taken.
    await this.#whenFree(() => writer.run("begin immediate"));
    let result: T;
    try {
      result = await work({
        all: (sql, args) => inside(() => writer.all(sql, args)),
        run: (sql, args) => inside(() => writer.run(sql, args)),
        announce: () => inside(() => void (announced = true)),
      });
      ended = true;
      writer.run("commit");
    } catch (error) {
      ended = true;
      if (writer.inTransaction) writer.run("rollback");
      throw error;
    }
    if (announced) this.#listeners.call();
    return result;
  }

  async #whenFree<T>(attempt: () => T): Promise<T> {
    const giveUpAt = performance.now() + this.#lockLimitMs;
    for (;;) {
      if (this.#stop.signal.aborted) throw closed();
      try {
        return attempt();
      } catch (error) {
        if (!isLocked(error) || performance.now() >= giveUpAt) throw error;
      }
      await pause(LOCK_RETRY_MS, this.#stop.signal);
    }
  }
}

async function createFile(path: string): Promise<void> {
  const directory = dirname(path);
  try {
    using _file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    using handle = await Deno.open(directory);
    // Without this the new file's name may be gone after a loss of power.
    await handle.sync();
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists) return;
    const found = cause instanceof Deno.errors.NotFound
      ? `there is no directory ${JSON.stringify(directory)}; create it or choose another file`
      : `${messageOf(cause)}; check owner and mode of ${JSON.stringify(directory)}`;
    throw new MaelstromError(
      "store_unavailable",
      `Cannot create the database ${JSON.stringify(path)}: ${found}`,
      { path },
      { cause },
    );
  }
}

function closed(): MaelstromError {
  return new MaelstromError("stopping", "Cannot use the store: it is closed");
}
