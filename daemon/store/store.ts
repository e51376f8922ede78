/**
 * What the cluster keeps: the desired state (components with the versions one may go back to, event
 * sources, named values), the nodes' status rows, and the epochs of roles. Owns the SQL of reading;
 * the rules of changing are in `changes.ts`, what differs between databases in the driver. Knows
 * nothing of what anything is kept for. Names arrive canonical, values checked. Walk: api, scheduler,
 * sources → **store** → driver.
 * @module
 */
import type {
  Component,
  EventSource,
  EventSourceWithStatus,
  NodeStatus,
} from "../../lib/contract/v1.ts";
import { listCfg, type StoredCfg } from "./cfg.ts";
import { Changes, type EventSourceFilter, eventSourceFilter, type Rollback } from "./changes.ts";
import { type Driver, integerOf, type Row, textOf } from "./driver.ts";
import { refuseStale, type RoleEpoch } from "./epoch.ts";
import { Filter, nameOfToken, type PageRequest, pageRows, pageToken } from "./page.ts";
import {
  DESIRED_STATE_SQL,
  type DesiredState,
  DesiredStateReader,
  eventSourceOf,
  nodeStatusOf,
  parsed,
  type StoredComponent,
  storedComponentOf,
} from "./rows.ts";
import { keptImages, keptVersions } from "./versions.ts";

export { refuseMissingCfg } from "./cfg.ts";
export type { StoredCfg } from "./cfg.ts";
export type { Changes, EventSourceFilter, Rollback } from "./changes.ts";
export type { PageRequest } from "./page.ts";
export type { CfgValue, DesiredState, StoredComponent } from "./rows.ts";

/** What {@linkcode Store} is told. */
export interface StoreOptions {
  /** Written beside the epoch of a role this node claims. */
  readonly nodeId: string;
  /** Milliseconds since 1970. @default {Date.now} */
  readonly now?: () => number;
}

/** Which components are meant; conditions that are absent or empty mean any. */
export interface ComponentFilter {
  readonly namePrefix?: string;
  readonly projectName?: string;
}

/** Components in name order, and the token of the next page unless this was the last. */
export interface ComponentPage {
  readonly components: Component[];
  readonly nextToken?: string;
}

/** Event sources in name order, and the token of the next page unless this was the last. */
export interface EventSourcePage {
  readonly eventSources: EventSourceWithStatus[];
  readonly nextToken?: string;
}

/** Which nodes' rows may go; see {@linkcode Store.removeSilentNodes}. */
export interface SilentNodes {
  readonly beforeMs: number;
  /** Nodes that are heard of otherwise, whatever their rows say. */
  readonly kept: ReadonlySet<string>;
}

/** A role that is ours until disposed or lost. */
export interface RoleClaim extends AsyncDisposable {
  /** Grows with each claim of the role in the cluster, from 1. */
  readonly epoch: number;
  /** Aborts when the role is no longer ours; its duty must stop. */
  readonly lost: AbortSignal;
}

/**
 * The store over one database. Each method throws `store_unavailable` when the database cannot be
 * used and `stopping` after the store was disposed, beside the codes it names.
 */
export class Store implements AsyncDisposable {
  readonly #driver: Driver;
  readonly #nodeId: string;
  readonly #now: () => number;
  readonly #desired = new DesiredStateReader();

  /** The store in `driver`, which it closes when it is disposed. */
  constructor(driver: Driver, { nodeId, now = Date.now }: StoreOptions) {
    this.#driver = driver;
    this.#nodeId = nodeId;
    this.#now = now;
  }

  /**
   * Makes several changes, all or none. `work` holds up every other writer and may run more than
   * once: let it wait for nothing but `changes`, and call no other method of the store.
   *
   * @throws whatever `work` throws, after everything it did was undone
   */
  change<T>(work: (changes: Changes) => Promise<T>): Promise<T> {
    return this.#driver.transaction((transaction) => work(new Changes(transaction, this.#now())));
  }

  /**
   * Creates the component when its version is 0, else replaces the one that has its version; its
   * event sources follow it into another project. The result is what is stored: the next version,
   * and `modifiedAt`.
   *
   * @throws {MaelstromError} already_exists: version 0, but the name is taken
   * @throws {MaelstromError} stale_version: the stored version is another, or there is none
   * @throws {MaelstromError} invalid: its environment refers to a value there is not
   */
  putComponent(component: Component): Promise<Component> {
    return this.change((changes) => changes.putComponent(component));
  }

  /** The component called `name`. */
  async getComponent(name: string): Promise<StoredComponent | undefined> {
    const [row] = await this.#driver.all("select name, uid, json from component where name = $1", [
      name,
    ]);
    return row && storedComponentOf(row);
  }

  /** Removes the component and its event sources; false when there is none. */
  removeComponent(name: string): Promise<boolean> {
    return this.change((changes) => changes.removeComponent(name));
  }

  /**
   * Puts an earlier content of the component again: that of `version`, or else the newest that
   * differs from the current one. Event sources stay as they are.
   *
   * @throws {MaelstromError} not_found: no such component, or the version is not kept
   * @throws {MaelstromError} invalid: `version` is the current one, or refers to a value there is not
   */
  rollbackComponent(name: string, version?: number): Promise<Rollback> {
    return this.change((changes) => changes.rollbackComponent(name, version));
  }

  /** The last contents of the component that differ, newest first, with the current one. */
  listComponentVersions(name: string): Promise<Component[]> {
    return keptVersions(this.#driver, name);
  }

  /** Components, and contents kept of them, that have a `pullPassword`. */
  async listPasswordHolders(): Promise<Component[]> {
    const rows = await this.#driver.all(
      `select name, json from component where json like '%"pullPassword":%' union all
       select name, json from component_version where json like '%"pullPassword":%'`,
      [],
    );
    return rows.map((row) => parsed<Component>(row));
  }

  /** Images of all versions that one may go back to, each once. */
  listKeptImages(): Promise<string[]> {
    return keptImages(this.#driver);
  }

  /** Every named value, by name; secret ones sealed. */
  listCfg(): Promise<StoredCfg[]> {
    return listCfg(this.#driver);
  }

  /**
   * Removes the value; false when there is none.
   *
   * @throws {MaelstromError} in_use: components refer to it; names them
   */
  removeCfg(name: string): Promise<boolean> {
    return this.change((changes) => changes.removeCfg(name));
  }

  /**
   * One page of the components `wanted` means.
   *
   * @throws {MaelstromError} invalid: `nextToken` is none of ours
   */
  async listComponents(wanted: ComponentFilter & PageRequest = {}): Promise<ComponentPage> {
    const filter = new Filter()
      .prefix("name", wanted.namePrefix)
      .equal("project_name", wanted.projectName);
    const { rows, ...next } = await this.#page(
      "select name, uid, json from component",
      filter,
      wanted,
    );
    return { components: rows.map((row) => storedComponentOf(row).component), ...next };
  }

  /**
   * Creates the event source (switched on) when its version is 0, else replaces the one that has
   * its version. Its project is its component's. The result is what is stored.
   *
   * @throws {MaelstromError} not_found: its component does not exist
   * @throws {MaelstromError} already_exists: version 0, but the name is taken
   * @throws {MaelstromError} stale_version: the stored version is another, or there is none
   */
  putEventSource(source: EventSource): Promise<EventSource> {
    return this.change((changes) => changes.putEventSource(source));
  }

  /** The event source called `name`. */
  async getEventSource(name: string): Promise<EventSourceWithStatus | undefined> {
    const [row] = await this.#driver.all(
      "select name, project_name, enabled, json from event_source where name = $1",
      [name],
    );
    return row && eventSourceOf(row);
  }

  /** Removes the event source; false when there is none. */
  removeEventSource(name: string): Promise<boolean> {
    return this.change((changes) => changes.removeEventSource(name));
  }

  /**
   * One page of the event sources `wanted` means.
   *
   * @throws {MaelstromError} invalid: `nextToken` is none of ours
   */
  async listEventSources(wanted: EventSourceFilter & PageRequest = {}): Promise<EventSourcePage> {
    const { rows, ...next } = await this.#page(
      "select name, project_name, enabled, json from event_source",
      eventSourceFilter(wanted),
      wanted,
    );
    return { eventSources: rows.map(eventSourceOf), ...next };
  }

  /**
   * Switches every event source that the filter means on or off; no filter means all. The result
   * names, in order, those that were not so already; their version and time stay.
   */
  toggleEventSources(
    { enabled, ...wanted }: EventSourceFilter & { readonly enabled: boolean },
  ): Promise<string[]> {
    return this.change((changes) => changes.toggleEventSources(enabled, wanted));
  }

  /**
   * Every component, event source and named value, as they were at one moment. What has not changed since the
   * last call is the same object; the result is frozen.
   */
  async desiredState(): Promise<DesiredState> {
    return this.#desired.read(await this.#driver.all(DESIRED_STATE_SQL, []));
  }

  /** Keeps `status` as the node's only row. */
  async putNodeStatus(status: NodeStatus): Promise<void> {
    await this.#run(
      `insert into node_status (node_id, observed_at, json) values ($1, $2, $3)
       on conflict (node_id) do update set observed_at = excluded.observed_at, json = excluded.json`,
      [status.nodeId, status.observedAt, JSON.stringify(status)],
    );
  }

  /** Every node's row, by node id. */
  async listNodeStatus(): Promise<NodeStatus[]> {
    const rows = await this.#driver.all(
      "select node_id, json from node_status order by node_id",
      [],
    );
    return rows.map(nodeStatusOf);
  }

  /** Removes the node's row; false when there is none. */
  async removeNodeStatus(nodeId: string): Promise<boolean> {
    return await this.#run("delete from node_status where node_id = $1", [nodeId]) > 0;
  }

  /**
   * Removes rows observed before `beforeMs` (milliseconds since 1970) but those of `kept` nodes, as
   * `owner` of a role. The result names their nodes.
   *
   * @throws {MaelstromError} stale_epoch: the role was claimed again since
   */
  removeSilentNodes(owner: RoleEpoch, { beforeMs, kept }: SilentNodes): Promise<string[]> {
    return this.#driver.transaction(async (transaction) => {
      await refuseStale(transaction, owner);
      const rows = await transaction.all(
        "select node_id from node_status where observed_at < $1 order by node_id",
        [beforeMs],
      );
      const silent = rows.map((row) => textOf(row, "node_id")).filter((id) => !kept.has(id));
      for (const id of silent) {
        await transaction.run("delete from node_status where node_id = $1", [id]);
      }
      return silent;
    });
  }

  /**
   * Tries to take `role` for this node, without waiting for its owner; undefined while somebody,
   * this store included, holds it.
   *
   * @throws the reason of `signal` when it has aborted
   */
  async claimRole(role: string, signal: AbortSignal): Promise<RoleClaim | undefined> {
    const lock = await this.#driver.claimRole(role, signal);
    if (!lock) return undefined;
    try {
      const epoch = await this.#nextEpoch(role, lock.lost);
      // Lost while it was written: nobody owns the role under this epoch.
      lock.lost.throwIfAborted();
      return {
        epoch,
        lost: lock.lost,
        [Symbol.asyncDispose]: () => Promise.resolve(lock[Symbol.asyncDispose]()),
      };
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Calls `listener` after each committed change of the desired state made here, and when another
   * node announces one: "look again". Announcements may be lost, so look again on a timer as well.
   * Status rows announce nothing. The result ends it.
   */
  subscribe(listener: () => void): () => void {
    return this.#driver.subscribe(listener);
  }

  /**
   * Overwrites what was replaced or removed, where the database is a file of ours: a database of
   * several nodes has a server that keeps it.
   */
  async scrub(): Promise<void> {
    await this.#driver.scrub();
  }

  /** Closes the database after the transaction under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver[Symbol.asyncDispose]();
  }

  #run(sql: string, args: readonly (string | number)[]): Promise<number> {
    return this.#driver.transaction((transaction) => transaction.run(sql, args));
  }

  async #nextEpoch(role: string, lost: AbortSignal): Promise<number> {
    const [row] = await this.#driver.transaction((transaction) => {
      // It may have been long until this write's turn, and another's epoch must not be ended in vain.
      lost.throwIfAborted();
      return transaction.all(
        `insert into role (role_id, epoch, node_id) values ($1, 1, $2)
         on conflict (role_id) do update set epoch = role.epoch + 1, node_id = excluded.node_id
         returning epoch`,
        [role, this.#nodeId],
      );
    });
    if (!row) throw new Error(`role ${role} was written but gave no epoch`);
    return integerOf(row, "epoch");
  }

  async #page(
    select: string,
    filter: Filter,
    { limit, nextToken }: PageRequest,
  ): Promise<{ rows: Row[]; nextToken?: string }> {
    const wanted = pageRows(limit);
    filter.after("name", nameOfToken(nextToken));
    // One row more than wanted tells whether there is another page.
    const limitArg = filter.bind(wanted + 1);
    const rows = await this.#driver.all(
      `${select}${filter.where} order by name limit ${limitArg}`,
      filter.args,
    );
    const last = rows[wanted - 1]?.["name"];
    if (rows.length <= wanted || typeof last !== "string") return { rows };
    return { rows: rows.slice(0, wanted), nextToken: pageToken(last) };
  }
}
