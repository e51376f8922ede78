/**
 * The session by which a node is present in the database: it holds the locks of its roles and hears
 * notifications. Owns the heartbeat that finds out, sooner than the server, when it is gone.
 * Walk: postgres → **session** → connection.
 *
 * Whoever is cut off must stop before the server lets somebody else begin. An answer proves that the
 * session lived when its question was sent: {@linkcode FENCE_MS} after that, without another answer,
 * `lost` aborts, whatever the socket looks like. The server hears nothing from us for longer than
 * that before it gives up: 4 s when packets are lost, 5 s when this process stands still and only
 * its kernel answers.
 * @module
 */
import { createHash } from "node:crypto";
import { pause } from "../../lib/async/pause.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import { integerOf, type RoleLock, textOf } from "./driver.ts";
import { PostgresConnection } from "./postgres_connection.ts";
import type { PostgresDsn } from "./postgres_dsn.ts";

/** Notifications say "look again"; their channel. */
export const CHANNEL = "maelstrom";
/** What nodes tell each other by topic; apart, so that nobody looks again for it. */
export const TOPIC_CHANNEL = "maelstrom_topic";

/** The oldest server that is supported. */
const VERSION_MIN = 15;
const BEAT_MS = 1000;
const FENCE_MS = 3000;
const SETTINGS = {
  tcp_keepalives_idle: "1",
  tcp_keepalives_interval: "1",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "4000",
  idle_session_timeout: "5000",
};

/** How {@linkcode PostgresSession.open} opens. */
export interface PostgresSessionOptions {
  readonly dsn: PostgresDsn;
  /** Called when somebody announces a change. */
  readonly announced: () => void;
  /** Called when somebody tells something. */
  readonly told: (topic: string) => void;
}

/** A session. When it is lost, another has to be opened, without the locks of this one. */
export class PostgresSession implements AsyncDisposable {
  readonly #connection: PostgresConnection;
  readonly #held = new Set<string>();
  #beating: Promise<void> = Promise.resolve();
  /** The server's process behind it. */
  readonly pid: number;
  /** Where our tables are. */
  readonly schema: string;

  private constructor(connection: PostgresConnection, pid: number, schema: string) {
    this.#connection = connection;
    this.pid = pid;
    this.schema = schema;
  }

  /**
   * A session that listens.
   *
   * @throws {MaelstromError} store_unavailable: no server, one we do not support, or a standby
   */
  static async open({ dsn, announced, told }: PostgresSessionOptions): Promise<PostgresSession> {
    const connection = await PostgresConnection.open({
      dsn,
      limitMs: FENCE_MS,
      settings: SETTINGS,
      notified: (channel, payload) => channel === CHANNEL ? announced() : told(payload),
    });
    try {
      const { pid, schema } = await look(connection, dsn.shown);
      await connection.query(`listen ${CHANNEL}; listen ${TOPIC_CHANNEL}`);
      const session = new PostgresSession(connection, pid, schema);
      session.#beating = session.#beat();
      return session;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Aborts when the session is gone, and every lock with it. */
  get lost(): AbortSignal {
    return this.#connection.lost;
  }

  /** The server's process that answers just now: behind a pooler it may be another. */
  async currentPid(): Promise<number> {
    return await pidOf(this.#connection);
  }

  /**
   * Tries to take the lock of `role`; undefined while it is held, by this session or another.
   *
   * @throws the reason of `lost`
   */
  async claim(role: string): Promise<RoleLock | undefined> {
    this.lost.throwIfAborted();
    if (this.#held.has(role)) return undefined;
    this.#held.add(role);
    const key = advisoryKey(`${this.schema} role ${role}`);
    let isOurs = false;
    try {
      isOurs = await this.#ask("select pg_try_advisory_lock($1) as done", key);
    } finally {
      if (!isOurs) this.#held.delete(role);
    }
    return isOurs ? { lost: this.lost, [Symbol.asyncDispose]: this.#unlock(role, key) } : undefined;
  }

  /** Ends the session; the server frees its locks. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
    await this.#beating;
  }

  #unlock(role: string, key: string): () => Promise<void> {
    let isOurs = true;
    return async () => {
      if (!isOurs) return;
      isOurs = false;
      // Without an answer the session is lost, and the lock with it.
      await this.#ask("select pg_advisory_unlock($1) as done", key).catch(() => {});
      this.#held.delete(role);
    };
  }

  async #ask(sql: string, key: string): Promise<boolean> {
    const { rows: [row] } = await this.#connection.query(sql, [key]);
    return row?.["done"] === 1;
  }

  async #beat(): Promise<void> {
    const { lost } = this;
    // Each is set before the question goes out, and cleared by the answer to the next one.
    let fence = this.#fence();
    let next = fence;
    try {
      for (;;) {
        await pause(BEAT_MS, lost);
        if (lost.aborted) return;
        next = this.#fence();
        const pid = await this.currentPid();
        if (pid !== this.pid) return this.#connection.lose(`the session became process ${pid}`);
        clearTimeout(fence);
        fence = next;
      }
    } catch (error) {
      this.#connection.lose(`its heartbeat failed (${messageOf(error)})`);
    } finally {
      clearTimeout(fence);
      clearTimeout(next);
    }
  }

  #fence(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#connection.lose("it has gone silent"), FENCE_MS);
  }
}

/** The server's process that answers on `connection`. */
export async function pidOf(connection: PostgresConnection): Promise<number> {
  const { rows: [row] } = await connection.query("select pg_backend_pid() as pid");
  return integerOf(row ?? {}, "pid");
}

/** A lock's number for its name. Sixty-four bits of a hash do not meet by chance. */
export function advisoryKey(name: string): string {
  return createHash("sha256").update(`maelstrom ${name}`).digest().readBigInt64BE().toString();
}

/** Refuses a server that cannot keep our data. */
async function look(
  connection: PostgresConnection,
  place: string,
): Promise<{ readonly pid: number; readonly schema: string }> {
  const { rows: [row = {}] } = await connection.query(
    `select pg_backend_pid() as pid, coalesce(current_schema(), '') as schema,
       current_setting('server_version') as version, pg_is_in_recovery() as standby,
       current_setting('server_encoding') as encoding`,
  );
  const refused = (found: string) =>
    new MaelstromError("store_unavailable", `Cannot use the database ${place}: ${found}`, {
      place,
    });
  const version = textOf(row, "version");
  if (parseInt(version) < VERSION_MIN) {
    throw refused(`its server is PostgreSQL ${version}; upgrade it to ${VERSION_MIN} or later`);
  }
  const encoding = textOf(row, "encoding");
  if (encoding !== "UTF8") {
    throw refused(`its encoding is ${encoding}; create one with encoding 'UTF8'`);
  }
  if (row["standby"] === 1) {
    throw refused("its server is a standby, which cannot be written; name the primary");
  }
  return { pid: integerOf(row, "pid"), schema: textOf(row, "schema") };
}
