/**
 * One connection to a SQLite file: binding, prepared statements, and what the error numbers mean.
 * Calls are synchronous. Knows nothing of transactions and tables. Walk: sqlite → **connection**.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Row, SqlValue } from "./driver.ts";

const STATEMENTS_MAX = 128;

/** Primary result codes. Source: sqlite.org/rescode.html */
const CODE = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notDatabase: 26,
} as const;

/** What to do about a code, after "Cannot use the database PATH: ". */
const ADVICE: Readonly<Record<number, string>> = {
  [CODE.busy]: "another process holds its lock",
  [CODE.locked]: "another process holds its lock",
  [CODE.readOnly]: "this user may not write to it; check owner and mode of file and directory",
  [CODE.io]: "the disk failed; check the system log",
  [CODE.corrupt]: "it is damaged; restore a backup",
  [CODE.full]: "the disk is full; free some space",
  [CODE.cannotOpen]:
    "it cannot be opened; check that it is a file in a directory this user may write to",
  [CODE.notDatabase]: "it is not a SQLite database; restore a backup or choose another file",
};

/** A connection whose statements are prepared once. */
export class SqliteConnection implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #path: string;

  /**
   * Opens `path`, which must exist. `lockWaitMs` is how long a call may block the whole process
   * while another one holds the file's lock.
   *
   * @throws {MaelstromError} store_unavailable: it cannot be opened
   */
  constructor(path: string, lockWaitMs: number) {
    this.#path = path;
    try {
      this.#database = new DatabaseSync(path, {
        timeout: lockWaitMs,
        enableForeignKeyConstraints: true,
      });
    } catch (error) {
      // Only the constructor's errors carry no number.
      throw unavailable(path, ADVICE[CODE.cannotOpen] ?? "", error);
    }
  }

  /** True between `begin` and `commit` or `rollback`. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /**
   * Rows of `sql`.
   *
   * @throws {MaelstromError} store_unavailable: the file failed us; see {@linkcode isLocked}
   */
  all(sql: string, args: readonly SqlValue[] = []): Row[] {
    return this.#call(() => this.#prepare(sql).all(bound(args)) as Row[]);
  }

  /**
   * Runs `sql`; the number of rows it changed.
   *
   * @throws {MaelstromError} store_unavailable: the file failed us; see {@linkcode isLocked}
   */
  run(sql: string, args: readonly SqlValue[] = []): number {
    return this.#call(() => Number(this.#prepare(sql).run(bound(args)).changes));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    const statement = known ?? this.#database.prepare(sql);
    // Put last, so that the first in the map is the one not used for longest.
    if (known) this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_MAX) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }

  #call<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const advice = ADVICE[primaryCode(error) ?? -1];
      throw advice === undefined ? error : unavailable(this.#path, advice, error);
    }
  }
}

/** True for the error that says another process holds the file's lock: trying again may help. */
export function isLocked(error: unknown): boolean {
  const code = error instanceof MaelstromError ? primaryCode(error.cause) : undefined;
  return code === CODE.busy || code === CODE.locked;
}

/** SQLite sees `$1` as a name: arguments are given by number, so that a repeated one binds once. */
function bound(args: readonly SqlValue[]): Record<string, SqlValue> {
  return Object.fromEntries(args.map((value, index) => [String(index + 1), value]));
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function unavailable(path: string, advice: string, cause: unknown): MaelstromError {
  return new MaelstromError(
    "store_unavailable",
    `Cannot use the database ${JSON.stringify(path)}: ${advice} (${messageOf(cause)})`,
    { path },
    { cause },
  );
}
