/**
 * One transaction on one connection: begins, does the work, commits or leaves nothing. Knows nothing
 * of which connection it is. Walk: postgres → **transaction** → connection.
 * @module
 */
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Row, SqlValue, Transaction } from "./driver.ts";
import type { Answer, PostgresConnection } from "./postgres_connection.ts";
import { CHANNEL } from "./postgres_session.ts";

/**
 * Performs `work` between begin and commit, while holding the lock `key`, so that no other
 * transaction with that key is under way.
 *
 * @throws whatever `work` throws, after everything it did was undone
 * @throws {MaelstromError} store_unavailable: the connection was lost, or no turn came
 */
export async function performTransaction<T>(
  connection: PostgresConnection,
  key: string,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const statements = new Statements(connection);
  let result: T;
  try {
    await connection.query(`begin read write; select pg_advisory_xact_lock(${key})`);
    result = await work(statements);
    statements.checkWhole();
  } catch (error) {
    statements.end();
    // If it cannot be told to roll back, losing the connection makes it.
    await connection.query("rollback").catch((failure) => connection.lose(messageOf(failure)));
    throw error;
  }
  statements.end();
  await commit(connection);
  return result;
}

async function commit(connection: PostgresConnection): Promise<void> {
  try {
    await connection.query("commit");
  } catch (cause) {
    if (!connection.lost.aborted) throw cause;
    throw new MaelstromError(
      "store_unavailable",
      `Cannot tell whether the change was stored: the connection was lost (${messageOf(cause)})`,
      undefined,
      { cause },
    );
  }
}

class Statements implements Transaction {
  readonly #connection: PostgresConnection;
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  async all(sql: string, args: readonly SqlValue[]): Promise<Row[]> {
    return (await this.#query(sql, args)).rows;
  }

  async run(sql: string, args: readonly SqlValue[]): Promise<number> {
    return (await this.#query(sql, args)).count;
  }

  async announce(): Promise<void> {
    await this.#query(`notify ${CHANNEL}`, []);
  }

  /** Refuses statements from now on. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Throws what a statement threw: the server gave the transaction up then, and commits nothing. */
  checkWhole(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #query(sql: string, args: readonly SqlValue[]): Promise<Answer> {
    if (this.#hasEnded) throw new Error("the transaction has ended");
    try {
      return await this.#connection.query(sql, args);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}
