/**
 * What people want of nodes: whether they take new instances, or give theirs away. Owns the table
 * `node_state`; a node without a row is ready. Walk: api → **node_states** → driver.
 * @module
 */
import type { NodeState } from "../../lib/contract/v1.ts";
import { Recurring } from "../../lib/async/recurring.ts";
import type { Log } from "../../lib/log.ts";
import { type Driver, textOf } from "./driver.ts";
import { Listeners } from "./listeners.ts";

/** Longest time between two reads, in milliseconds. */
const READ_EVERY_MS = 3000;

/** The wanted states of all nodes, as last read. */
export class NodeStates implements AsyncDisposable {
  readonly #driver: Pick<Driver, "all" | "transaction" | "subscribe">;
  readonly #listeners: Listeners;
  readonly #reader: Recurring;
  readonly #unsubscribe: () => void;
  #stateOf: ReadonlyMap<string, NodeState> = new Map();

  constructor(driver: Pick<Driver, "all" | "transaction" | "subscribe">, log: Log) {
    this.#driver = driver;
    this.#listeners = new Listeners(log);
    const options = { name: "node states", everyMs: READ_EVERY_MS, log };
    this.#reader = new Recurring(() => this.refresh(), options);
    this.#unsubscribe = driver.subscribe(() => this.#reader.poke());
  }

  /** What is wanted of node `nodeId`. */
  of(nodeId: string): NodeState {
    return this.#stateOf.get(nodeId) ?? "ready";
  }

  /**
   * Wants `state` of node `nodeId`.
   *
   * @throws {MaelstromError} store_unavailable: it cannot be written
   */
  async put(nodeId: string, state: NodeState, nowMs: number): Promise<void> {
    await this.#driver.transaction(async (transaction) => {
      if (state === "ready") {
        await transaction.run("delete from node_state where node_id = $1", [nodeId]);
      } else {
        await transaction.run(
          `insert into node_state (node_id, state, modified_at) values ($1, $2, $3)
           on conflict (node_id) do update set state = excluded.state,
             modified_at = excluded.modified_at`,
          [nodeId, state, nowMs],
        );
      }
      await transaction.announce();
    });
    await this.refresh();
  }

  /** Reads them again; listeners are told when they have changed. */
  async refresh(): Promise<void> {
    const rows = await this.#driver.all("select node_id, state from node_state", []);
    const stateOf = new Map(
      rows.map((row) => [textOf(row, "node_id"), textOf(row, "state") as NodeState]),
    );
    const isSame = stateOf.size === this.#stateOf.size &&
      [...stateOf].every(([nodeId, state]) => this.#stateOf.get(nodeId) === state);
    if (isSame) return;
    this.#stateOf = stateOf;
    this.#listeners.call();
  }

  /** Calls `listener` after they have changed. The result ends it. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#listeners.clear();
    await this.#reader[Symbol.asyncDispose]();
  }
}
