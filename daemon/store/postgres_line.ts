/**
 * A place for one connection at a time: a lost one is replaced when it is next needed. Owns when a
 * new one is tried; knows nothing of what it is for. Walk: postgres → **line** → connection.
 * @module
 */
import { closedError, type PostgresConnection } from "./postgres_connection.ts";

/** After a failure the next attempt waits so long; calls in between fail with the same error. */
const REST_MS = 200;

/** Gives the connection that works, opening it if there is none. */
export class PostgresLine implements AsyncDisposable {
  readonly #open: () => Promise<PostgresConnection>;
  #current: PostgresConnection | undefined;
  #opening: Promise<PostgresConnection> | undefined;
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined;
  #isClosed = false;

  constructor(open: () => Promise<PostgresConnection>) {
    this.#open = open;
  }

  /**
   * The connection.
   *
   * @throws {MaelstromError} store_unavailable: none can be opened
   * @throws {MaelstromError} stopping: the line is closed
   */
  async get(): Promise<PostgresConnection> {
    if (this.#isClosed) throw closedError();
    if (this.#current && !this.#current.lost.aborted) return this.#current;
    if (this.#failure && performance.now() < this.#failure.untilMs) throw this.#failure.error;
    this.#opening ??= this.#replace().finally(() => this.#opening = undefined);
    return await this.#opening;
  }

  /** Closes the connection, and opens no other. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    await this.#current?.[Symbol.asyncDispose]();
  }

  async #replace(): Promise<PostgresConnection> {
    try {
      this.#current = await this.#open();
      return this.#current;
    } catch (error) {
      this.#failure = { error, untilMs: performance.now() + REST_MS };
      throw error;
    }
  }
}
