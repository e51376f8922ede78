/**
 * The store's driver for PostgreSQL, which several nodes share. Owns four connections: one reads,
 * one writes, one does single statements, one is the node's session (roles, notifications). Writers go one after another in the
 * whole cluster, by a lock that each transaction takes first: the contract to the letter, and no
 * work is ever done twice, as serializable transactions would have it. Single statements that say so
 * go beside them, on a connection of their own.
 * Walk: store → **postgres** → line, session → connection.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Driver, RoleLock, Row, SqlValue, Transaction } from "./driver.ts";
import { Listeners } from "./listeners.ts";
import { migrate } from "./migrate.ts";
import { closedError, PostgresConnection } from "./postgres_connection.ts";
import { parsePostgresDsn, type PostgresDsn } from "./postgres_dsn.ts";
import { poolerError } from "./postgres_errors.ts";
import { PostgresLine } from "./postgres_line.ts";
import { advisoryKey, pidOf, PostgresSession, TOPIC_CHANNEL } from "./postgres_session.ts";
import { performTransaction } from "./postgres_transaction.ts";
import { type Migration, migrations } from "./schema/migrations.ts";
import { WriteQueue } from "./write_queue.ts";

/** Longest wait for an answer, and for a writer's turn within this node. */
const LIMIT_MS = 5000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2000;
const POOLER_ROUNDS = 3;

/**
 * The server gives up before we do, so that its answer says why. A writer that has vanished or
 * stands still loses its lock before those who wait for it give up. Only transactions may write.
 */
const SETTINGS = {
  statement_timeout: "4500",
  idle_in_transaction_session_timeout: "3000",
  default_transaction_read_only: "on",
  tcp_keepalives_idle: "1",
  tcp_keepalives_interval: "1",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "4000",
};

/**
 * Of the connection for single statements: each commits by itself, and locks its rows only. To take
 * ten messages the server may not sort all of a queue: what it knows of the table may be from a time
 * when that was empty. A sort that cannot be helped then counts as very dear, and dear statements
 * would be compiled first, which takes longer than all of them.
 */
const STATEMENT_SETTINGS = {
  ...SETTINGS,
  enable_sort: "off",
  jit: "off",
  default_transaction_read_only: "off",
  default_transaction_isolation: "read committed",
};

/** How {@linkcode openPostgres} opens. */
export interface PostgresOptions {
  readonly log: Log;
  /** The schema to bring the database to. @default {migrations} */
  readonly steps?: readonly Migration[];
}

/**
 * Opens the database that `dsn` names and brings its schema up to date; several nodes may do so at
 * once.
 *
 * @throws {MaelstromError} invalid: the DSN is not one
 * @throws {MaelstromError} store_unavailable: it cannot be reached, refuses us, is not supported,
 * stands behind a pooler, or is of a newer executable; the message says what to do
 */
export async function openPostgres(dsn: string, options: PostgresOptions): Promise<Driver> {
  const { log, steps = migrations } = options;
  const driver = new PostgresDriver(parsePostgresDsn(dsn), log);
  try {
    await driver.prepare(steps);
    return driver;
  } catch (error) {
    await driver[Symbol.asyncDispose]();
    throw error;
  }
}

class PostgresDriver implements Driver {
  readonly dialect = {
    nowMs: "cast(extract(epoch from now()) * 1000 as bigint)",
    skipLocked: "for update skip locked",
  };
  readonly #dsn: PostgresDsn;
  readonly #log: Log;
  readonly #reader: PostgresLine;
  readonly #writer: PostgresLine;
  readonly #statements: PostgresLine;
  readonly #queue = new WriteQueue({ waitMaxMs: LIMIT_MS });
  readonly #listeners: Listeners;
  readonly #hearers = new Set<(topic: string | undefined) => void>();
  readonly #stop = new AbortController();
  #writerKey = "";
  #session: PostgresSession | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(dsn: PostgresDsn, log: Log) {
    this.#dsn = dsn;
    this.#log = log.with({ database: dsn.shown });
    this.#listeners = new Listeners(log);
    const line = (settings: Readonly<Record<string, string>>) =>
      new PostgresLine(() => PostgresConnection.open({ dsn, limitMs: LIMIT_MS, settings }));
    this.#reader = line(SETTINGS);
    this.#writer = line(SETTINGS);
    this.#statements = line(STATEMENT_SETTINGS);
  }

  /** Looks at the server, brings the schema up to date, and stays present from then on. */
  async prepare(steps: readonly Migration[]): Promise<void> {
    const session = await this.#openSession();
    this.#session = session;
    this.#writerKey = advisoryKey(`${session.schema} writer`);
    await refusePooler(session, await this.#reader.get(), this.#dsn.shown);
    await this.transaction((transaction) => transaction.run(BINARY_COLLATION, []));
    const applied = await migrate(this, steps, `the database ${this.#dsn.shown}`);
    if (applied.length > 0) this.#log.info("database schema updated", { steps: applied });
    this.#keeping = this.#keepSession(session);
  }

  async all(sql: string, args: readonly SqlValue[]): Promise<Row[]> {
    const connection = await this.#reader.get();
    return (await connection.query(sql, args)).rows;
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#queue.run(async () =>
      await performTransaction(await this.#writer.get(), this.#writerKey, work)
    );
  }

  async write(sql: string, args: readonly SqlValue[]): Promise<Row[]> {
    const connection = await this.#statements.get();
    return (await connection.query(sql, args)).rows;
  }

  /** Its files, its log and its backups are the server's. */
  scrub(): Promise<void> {
    return Promise.resolve();
  }

  async tell(topic: string): Promise<void> {
    await this.write("select pg_notify($1, $2)", [TOPIC_CHANNEL, topic]);
  }

  hear(listener: (topic: string | undefined) => void): () => void {
    this.#hearers.add(listener);
    return () => this.#hearers.delete(listener);
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async claimRole(role: string, signal: AbortSignal): Promise<RoleLock | undefined> {
    signal.throwIfAborted();
    if (this.#stop.signal.aborted || !this.#session) throw closedError();
    const lock = await this.#session.claim(role);
    if (signal.aborted) {
      await lock?.[Symbol.asyncDispose]();
      throw signal.reason;
    }
    return lock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#listeners.clear();
    await this.#queue[Symbol.asyncDispose]();
    const parts = [this.#reader, this.#writer, this.#statements, this.#session];
    await Promise.all(parts.map((part) => part?.[Symbol.asyncDispose]()));
    await this.#keeping;
  }

  #openSession(): Promise<PostgresSession> {
    return PostgresSession.open({
      dsn: this.#dsn,
      announced: () => this.#listeners.call(),
      told: (topic) => this.#hear(topic),
    });
  }

  /** Replaces a lost session by another. While there is none, claims fail with why. */
  async #keepSession(session: PostgresSession): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await ended(session.lost);
      if (signal.aborted) return;
      this.#log.warn("database session lost, roles are given up", { error: session.lost.reason });
      await session[Symbol.asyncDispose]();
      const next = await this.#reopen(signal);
      if (!next) return;
      session = next;
      this.#session = session;
      this.#log.info("database session restored");
      // What was announced and told meanwhile nobody heard.
      this.#listeners.call();
      this.#hear(undefined);
    }
  }

  #hear(topic: string | undefined): void {
    for (const hearer of this.#hearers) hearer(topic);
  }

  async #reopen(signal: AbortSignal): Promise<PostgresSession | undefined> {
    let told = "";
    for (let waitMs = RECONNECT_MIN_MS;; waitMs = Math.min(waitMs * 2, RECONNECT_MAX_MS)) {
      // Nodes that lost the server together must not come back in step.
      await pause(waitMs * (0.5 + Math.random() / 2), signal);
      if (signal.aborted) return undefined;
      try {
        const session = await this.#openSession();
        if (!signal.aborted) return session;
        await session[Symbol.asyncDispose]();
        return undefined;
      } catch (error) {
        const found = messageOf(error);
        if (found !== told) this.#log.warn("no database session yet, trying again", { error });
        told = found;
      }
    }
  }
}

/** Names are compared byte by byte, as the schema asks for under a name of SQLite's. */
const BINARY_COLLATION = `create collation if not exists "binary" (provider = libc, locale = 'C')`;

/**
 * Two clients with sessions of their own never meet the same process of the server, and keep
 * theirs. A pooler that gives sessions away after each transaction shows in the first round, or in
 * the next ones if it has several to give.
 */
async function refusePooler(
  session: PostgresSession,
  other: PostgresConnection,
  place: string,
): Promise<void> {
  const otherPid = await pidOf(other);
  for (let round = 0; round < POOLER_ROUNDS; round++) {
    const pids = [await session.currentPid(), await pidOf(other)];
    if (pids[0] !== session.pid || pids[1] !== otherPid) {
      throw poolerError(place, "a session changed its process");
    }
    if (pids[0] === pids[1]) throw poolerError(place, "two sessions share a process");
  }
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
