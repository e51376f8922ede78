/**
 * What a database must be able to do for the store. Everything in which databases differ (locks,
 * notification, errors, connections) stays behind this interface; the SQL text is the same for all:
 * `$1` parameters, `on conflict`, `returning`, names compared byte by byte, JSON as text.
 * Knows nothing of components. Walk: store → **driver**.
 * @module
 */

/**
 * What goes into and comes out of a column. Integers stay below 2^53; there are no booleans: what is
 * true comes out as 1.
 */
export type SqlValue = string | number | null;

/** One row by column name: `{ name: "shop", version: 3 }`. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Statements inside one transaction. Usable only until the work it was given to has ended. */
export interface Transaction {
  /** Rows of a query, or of a writing statement with `returning`. */
  all(sql: string, args: readonly SqlValue[]): Promise<Row[]>;
  /** Runs a writing statement; resolves to the number of rows it changed. */
  run(sql: string, args: readonly SqlValue[]): Promise<number>;
  /** Calls every subscriber, here and on other nodes, once this transaction has committed. */
  announce(): Promise<void>;
}

/** A role lock that is ours until disposed or lost. */
export interface RoleLock extends AsyncDisposable {
  /** Aborts when the lock is no longer ours; what it protects must stop. */
  readonly lost: AbortSignal;
}

/** What has to be said in the database's own words. */
export interface Dialect {
  /** The database's clock, in milliseconds since 1970: one for all nodes. */
  readonly nowMs: string;
  /** Ends a `select` that takes rows: those that somebody else is changing are passed over. */
  readonly skipLocked: string;
}

/** A database. A failure to reach or use it is a `MaelstromError` with code `store_unavailable`. */
export interface Driver extends AsyncDisposable {
  /**
   * Rows of one query, which sees everything committed before the call and nothing half done.
   *
   * @throws {MaelstromError} store_unavailable: the database cannot be read
   * @throws {MaelstromError} stopping: the driver is closed
   */
  all(sql: string, args: readonly SqlValue[]): Promise<Row[]>;
  /**
   * Performs `work` whole or not at all, as if transactions ran one after another. A driver may run
   * the work again when the database asks for it, so it must touch nothing but its transaction.
   * What is resolved is on disk. Work that catches a statement's error must throw in turn: some
   * databases have given the transaction up by then.
   *
   * @throws whatever `work` throws, after everything it did was undone
   * @throws {MaelstromError} store_unavailable: the database cannot be written
   * @throws {MaelstromError} stopping: the driver is closed
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Words that differ between databases. */
  readonly dialect: Dialect;
  /**
   * Performs one writing statement, whole by itself, and gives what it returns. Unlike a transaction
   * it goes on beside other writers where the database can do that. What is resolved is on disk;
   * nobody is told.
   *
   * @throws {MaelstromError} store_unavailable: the database cannot be written; it may have been
   * @throws {MaelstromError} stopping: the driver is closed
   */
  write(sql: string, args: readonly SqlValue[]): Promise<Row[]>;
  /**
   * Overwrites what was replaced or removed, where the database is a file of ours.
   *
   * @throws {MaelstromError} store_unavailable: the database cannot be written
   */
  scrub(): Promise<void>;
  /** Says `topic` to the other nodes, at least. It may be lost. */
  tell(topic: string): Promise<void>;
  /** Calls `listener` with what nodes tell; with undefined when some of it may have been missed. */
  hear(listener: (topic: string | undefined) => void): () => void;
  /** Calls `listener` after announced commits, and whenever some may have been missed. */
  subscribe(listener: () => void): () => void;
  /**
   * Tries to take the lock of `role` without waiting for its owner; undefined while it is held.
   *
   * @throws {MaelstromError} store_unavailable: the database cannot be reached
   */
  claimRole(role: string, signal: AbortSignal): Promise<RoleLock | undefined>;
}

/**
 * The text in `column`.
 *
 * @throws a plain error when it holds something else: a bug in our SQL
 */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new Error(`column ${column} is no text: ${typeof value}`);
  return value;
}

/**
 * The whole number in `column`.
 *
 * @throws a plain error when it holds something else: a bug in our SQL
 */
export function integerOf(row: Row, column: string): number {
  const value = row[column];
  if (!Number.isSafeInteger(value)) throw new Error(`column ${column} is no integer: ${value}`);
  return value as number;
}
