/**
 * What a failure of PostgreSQL, or of the way to it, means to us. Pure.
 * Walk: connection → **errors**.
 * @module
 */
import postgres from "postgres";
import { MaelstromError, messageOf } from "../../lib/errors.ts";

/**
 * What to do, by SQLSTATE or its class (two characters), after "Cannot use the database PLACE: ".
 * A state that stands nowhere here is a mistake in our SQL, and stays the plain error it is.
 *
 * Source: PostgreSQL manual, "Error Codes".
 */
const ADVICE: Readonly<Record<string, string>> = {
  "08": "the connection failed",
  "25006": "it is read-only; name the primary server, not a standby",
  "25P03": "a transaction stood still for too long",
  "28": "the server refuses this user or password; check MAEL_SQL_DSN and pg_hba.conf",
  "3D000": "there is no such database; create it",
  "3F000": "its search_path names no schema; create one",
  "40": "its transactions are in each other's way; try again",
  "42501": "this user may not do that; make it the owner of the database",
  "53": "the server is short of something",
  "53300": "the server has no connection left; raise its max_connections (a node takes four)",
  "55P03": "something holds a lock",
  "57": "the server ended the statement or the connection",
  "57014": "a statement took too long",
  "58": "the server's disk or system failed; check its log",
  "XX": "the server failed; check its log",
};

/** A parameter we send at the start and that poolers refuse unless told otherwise. */
const POOLER = /unsupported startup parameter/;

/** `error` as it leaves the driver: `store_unavailable` with advice, or itself when it is a bug. */
export function postgresError(place: string, error: unknown): unknown {
  if (error instanceof MaelstromError) return error;
  if (POOLER.test(messageOf(error))) return poolerError(place, messageOf(error), error);
  const state = stateOf(error);
  if (state === undefined) return unavailable(place, "it cannot be reached", error);
  const advice = ADVICE[state] ?? ADVICE[state.slice(0, 2)];
  return advice === undefined ? error : unavailable(place, advice, error);
}

/** The refusal to work behind a pooler that gives one client's session to another. */
export function poolerError(place: string, found: string, cause?: unknown): MaelstromError {
  return new MaelstromError(
    "store_unavailable",
    `Cannot use the database ${place}: a connection pooler answers (${found}), but the locks by ` +
      "which nodes share their work need sessions of their own; name the server itself",
    { place },
    { cause },
  );
}

/** The SQLSTATE of what the server said; undefined for failures of the way to it. */
export function stateOf(error: unknown): string | undefined {
  return error instanceof postgres.PostgresError ? error.code : undefined;
}

function unavailable(place: string, advice: string, cause: unknown): MaelstromError {
  return new MaelstromError(
    "store_unavailable",
    `Cannot use the database ${place}: ${advice} (${messageOf(cause)})`,
    { place },
    { cause },
  );
}
