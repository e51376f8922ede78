/**
 * One connection to PostgreSQL, as a value: it is opened, answers, and is lost once and for ever.
 * The package `postgres` would open another in its place without a word, with every lock and
 * transaction gone; here it never gets a second socket. Owns the socket, the deadline of each
 * statement and how values look; knows nothing of transactions and locks.
 * Walk: postgres, session → **connection**.
 * @module
 */
import { Socket } from "node:net";
import postgres from "postgres";
import { MaelstromError } from "../../lib/errors.ts";
import type { Row, SqlValue } from "./driver.ts";
import type { PostgresDsn } from "./postgres_dsn.ts";
import { postgresError, stateOf } from "./postgres_errors.ts";

const GOODBYE_SECONDS = 1;

/**
 * What a server, a database or a user may be told to answer before it is stored, we would take for
 * stored: an epoch that comes twice after a crash has two owners. Whoever waits for more keeps that.
 */
const DURABLE = `select set_config('synchronous_commit', 'on', false)
  where current_setting('synchronous_commit') = 'off'`;

/** How {@linkcode PostgresConnection.open} opens. */
export interface PostgresConnectionOptions {
  readonly dsn: PostgresDsn;
  /** Longest wait for an answer, also for the first one, in milliseconds. */
  readonly limitMs: number;
  /** Settings of the server for this connection: `{ statement_timeout: "4500" }`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Called at each notification. */
  readonly notified?: (channel: string, payload: string) => void;
}

/** Rows of one statement and what the server says about it. */
export interface Answer {
  readonly rows: Row[];
  /** Rows that were changed or read. */
  readonly count: number;
  /** The statement's kind: `SELECT`, `COMMIT`. */
  readonly command: string;
}

/** A connection. It does not come back. */
export class PostgresConnection implements AsyncDisposable {
  readonly #dsn: PostgresDsn;
  readonly #limitMs: number;
  readonly #sql: postgres.Sql;
  readonly #lost = new AbortController();
  #socket: Socket | undefined;

  private constructor({ dsn, limitMs, settings, notified }: PostgresConnectionOptions) {
    this.#dsn = dsn;
    this.#limitMs = limitMs;
    const { host, port, path, user, password, database, tls } = dsn;
    const options = {
      host: path ?? host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(database === undefined ? {} : { database }),
      ssl: tls,
      max: 1,
      max_lifetime: null,
      idle_timeout: 0,
      connect_timeout: 0,
      fetch_types: false,
      connection: { application_name: "maelstrom", ...dsn.parameters, ...settings },
      types: TYPES,
      onnotice: () => {},
      onnotify: (channel: string, payload: string) => notified?.(channel, payload),
      onclose: () => this.lose("the server closed the connection"),
      socket: () => this.#connect(),
    };
    // Its types know neither `socket` nor `onnotify`.
    this.#sql = postgres(options as unknown as postgres.Options<Record<string, never>>);
  }

  /**
   * A connection that has answered once. What it commits survives a crash of the server.
   *
   * @throws {MaelstromError} store_unavailable: the server cannot be reached or refuses us
   */
  static async open(options: PostgresConnectionOptions): Promise<PostgresConnection> {
    const connection = new PostgresConnection(options);
    try {
      await connection.query(DURABLE);
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Aborts when the connection is gone; its reason is the error that calls throw from then on. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Runs `sql`. With arguments it is prepared once; without, it may be several statements, and the
   * answer is of little use.
   *
   * @throws {MaelstromError} store_unavailable: see {@linkcode postgresError}
   * @throws the reason of `lost`
   */
  async query(sql: string, args: readonly SqlValue[] = []): Promise<Answer> {
    if (this.lost.aborted) throw this.lost.reason;
    const timer = setTimeout(
      () => this.lose(`no answer within ${this.#limitMs} ms`),
      this.#limitMs,
    );
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const onLost = () => reject(this.lost.reason);
    this.lost.addEventListener("abort", onLost);
    try {
      const rows = await Promise.race([
        this.#sql.unsafe(sql, [...args], { prepare: args.length > 0 }).execute(),
        lost,
      ]);
      return { rows: [...rows] as Row[], count: rows.count ?? 0, command: rows.command ?? "" };
    } catch (error) {
      // Words of the server leave the connection whole; anything else may have broken it.
      if (stateOf(error) === undefined) this.#end(postgresError(this.#dsn.shown, error));
      throw postgresError(this.#dsn.shown, error);
    } finally {
      clearTimeout(timer);
      this.lost.removeEventListener("abort", onLost);
    }
  }

  /** Gives the connection up, because of what was `found`. */
  lose(found: string): void {
    this.#end(
      new MaelstromError(
        "store_unavailable",
        `Cannot use the database ${this.#dsn.shown}: ${found}`,
        { place: this.#dsn.shown },
      ),
    );
  }

  /** Says goodbye, and closes. What still waits for an answer is refused with `stopping`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.lost.aborted) {
      const goodbye = this.#sql.end({ timeout: GOODBYE_SECONDS });
      this.#lost.abort(closedError());
      await goodbye;
    }
    this.#socket?.destroy();
  }

  #end(reason: unknown): void {
    if (this.lost.aborted) return;
    this.#lost.abort(reason);
    this.#socket?.destroy();
    // It only forgets what it queued: the socket is gone already.
    this.#sql.end({ timeout: 0 }).catch(() => {});
  }

  /** The package writes its first words at once; they wait in the socket until it has connected. */
  #connect(): Socket {
    if (this.#socket) throw new Error("the server closed the connection");
    const { host, port, path } = this.#dsn;
    // For TLS the package reads the server's name from here.
    const socket = Object.assign(new Socket(), { host });
    this.#socket = socket;
    return path === undefined ? socket.connect(port, host) : socket.connect(path);
  }
}

/** The error of calls to what was closed on purpose. */
export function closedError(): MaelstromError {
  return new MaelstromError("stopping", "Cannot use the store: it is closed");
}

/** Values as SQLite has them: whole numbers, text, and 1 or 0 for what is true or not. */
const TYPES = {
  integer: { to: 20, from: [20, 1700], serialize: String, parse: Number },
  truth: { to: 16, from: [16], serialize: String, parse: (text: string) => text === "t" ? 1 : 0 },
};
