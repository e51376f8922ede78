/** Which database a node keeps its state in. Walk: daemon → **open** → sqlite or postgres. @module */
import { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Driver } from "./driver.ts";
import { openSqlite } from "./sqlite.ts";

/** What {@linkcode openDriver} is told. */
export interface OpenDriverOptions {
  /** `sqlite:PATH` or `postgres://…`; empty means SQLite in `defaultPath`. */
  readonly dsn: string;
  /** `MAEL_SQL_DRIVER`: must agree with the DSN unless it is empty. */
  readonly kind: string;
  readonly defaultPath: string;
  readonly log: Log;
}

/**
 * Opens the database that the settings name.
 *
 * @throws {MaelstromError} invalid: the settings name none, or contradict each other
 * @throws {MaelstromError} store_unavailable: see {@linkcode openSqlite} and `openPostgres`
 */
export async function openDriver(options: OpenDriverOptions): Promise<Driver> {
  const { dsn, kind, defaultPath, log } = options;
  const sqlitePath = dsn === "" ? defaultPath : /^sqlite:(?!\/\/)(.+)$/.exec(dsn)?.[1];
  if (sqlitePath === undefined && !/^postgres(ql)?:/.test(dsn)) {
    // A DSN may hold a password: only its scheme is shown.
    const scheme = /^[a-z0-9]+(?=:)/i.exec(dsn)?.[0] ?? "none";
    throw refused(`MAEL_SQL_DSN must be sqlite:PATH or postgres://…, found scheme "${scheme}"`);
  }
  if (sqlitePath !== undefined) {
    if (!["", "sqlite", "sqlite3"].includes(kind)) throw contradiction(kind, "SQLite");
    return await openSqlite(sqlitePath, { log });
  }
  if (!["", "postgres"].includes(kind)) throw contradiction(kind, "PostgreSQL");
  // A node on its own does not pay for the client of a database it does not use.
  const { openPostgres } = await import("./postgres.ts");
  return await openPostgres(dsn, { log });
}

function contradiction(kind: string, named: string): MaelstromError {
  return refused(`MAEL_SQL_DRIVER is "${kind}", but MAEL_SQL_DSN names ${named}`);
}

function refused(found: string): MaelstromError {
  return new MaelstromError("invalid", `Cannot open database: ${found}`);
}
