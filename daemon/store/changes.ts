/**
 * Changes of the desired state inside one transaction: versions, and what belongs together. Owns
 * the rules of putting and removing; knows nothing of how a transaction comes about. Names arrive
 * canonical, values checked. Walk: store → **changes** → driver.
 * @module
 */
import {
  type Component,
  type EventSource,
  type EventSourceType,
  eventSourceType,
} from "../../lib/contract/v1.ts";
import { cfgNames } from "../../lib/contract/cfg.ts";
import { MaelstromError } from "../../lib/errors.ts";
import {
  componentsUsing,
  getCfg,
  knownCfg,
  putCfg,
  refuseMissingCfg,
  type StoredCfg,
} from "./cfg.ts";
import { textOf, type Transaction } from "./driver.ts";
import { Filter } from "./page.ts";
import { type CfgValue, parsed } from "./rows.ts";
import { keepVersion, keptVersions, rewriteVersions, versionToRestore } from "./versions.ts";

/** What going back to an earlier version did. */
export interface Rollback {
  /** As it is stored now: the next version. */
  readonly component: Component;
  readonly restored: Component;
  readonly replaced: Component;
}

/** Which event sources are meant; conditions that are absent or empty mean any. */
export interface EventSourceFilter {
  readonly namePrefix?: string;
  readonly componentName?: string;
  readonly projectName?: string;
  readonly eventSourceType?: EventSourceType;
}

/** The conditions of `wanted`. */
export function eventSourceFilter(
  wanted: EventSourceFilter,
  filter: Filter = new Filter(),
): Filter {
  return filter
    .prefix("name", wanted.namePrefix)
    .equal("component_name", wanted.componentName)
    .equal("project_name", wanted.projectName)
    .equal("type", wanted.eventSourceType);
}

/** The changes one transaction makes. Each tells the subscribers once all of them have committed. */
export class Changes {
  readonly #transaction: Transaction;
  readonly #nowMs: number;

  /** Changes in `transaction`, made at `nowMs` (milliseconds since 1970). */
  constructor(transaction: Transaction, nowMs: number) {
    this.#transaction = transaction;
    this.#nowMs = nowMs;
  }

  /**
   * Creates the component when its version is 0, else replaces the one that has its version. The
   * result is what is stored: the next version, and the time. Its event sources follow it into
   * another project, and its content is kept to go back to.
   *
   * @throws {MaelstromError} already_exists: version 0, but the name is taken
   * @throws {MaelstromError} stale_version: the stored version is another, or there is none
   * @throws {MaelstromError} invalid: its environment refers to a value there is not
   */
  async putComponent(component: Component): Promise<Component> {
    const stored = { ...component, version: component.version + 1, modifiedAt: this.#nowMs };
    refuseMissingCfg(stored, await knownCfg(this.#transaction, cfgNames(stored)));
    if (component.version === 0) await this.#createComponent(stored);
    else await this.#updateComponent(stored, component.version);
    await keepVersion(this.#transaction, stored);
    await this.#transaction.announce();
    return stored;
  }

  /**
   * Puts an earlier content of the component again: that of `version`, or else the newest that
   * differs from the current one. Event sources stay as they are.
   *
   * @throws {MaelstromError} not_found: no such component, or the version is not kept
   * @throws {MaelstromError} invalid: `version` is the current one, or refers to a value there is not
   */
  async rollbackComponent(name: string, version?: number): Promise<Rollback> {
    const [row] = await this.#transaction.all("select name, json from component where name = $1", [
      name,
    ]);
    if (!row) throw new MaelstromError("not_found", `No Component found with name: ${name}`);
    const replaced = parsed<Component>(row);
    const kept = await keptVersions(this.#transaction, name);
    const restored = versionToRestore(replaced, kept, version);
    const component = await this.putComponent({ ...restored, version: replaced.version });
    return { component, restored, replaced };
  }

  /** The value called `name`. */
  async getCfg(name: string): Promise<StoredCfg | undefined> {
    return await getCfg(this.#transaction, name);
  }

  /** Creates or replaces a value, sealed if it is secret; the result is its version. */
  async putCfg(value: CfgValue): Promise<number> {
    const version = await putCfg(this.#transaction, value, this.#nowMs);
    await this.#transaction.announce();
    return version;
  }

  /** Puts each component that refers to one of `names` again, so that it is rolled out. */
  async renewComponentsUsing(names: readonly string[]): Promise<Component[]> {
    const renewed = [];
    for (const component of await componentsUsing(this.#transaction, names)) {
      renewed.push(await this.putComponent(component));
    }
    return renewed;
  }

  /**
   * Removes the value; false when there is none.
   *
   * @throws {MaelstromError} in_use: components refer to it; names them
   */
  async removeCfg(name: string): Promise<boolean> {
    const users = (await componentsUsing(this.#transaction, [name])).map((user) => user.name);
    if (users.length > 0) {
      const message = `Cannot remove value "${name}": used by ${users.join(", ")}`;
      throw new MaelstromError("in_use", message, { name, users });
    }
    return await this.#remove("delete from cfg where name = $1", name);
  }

  /**
   * Stores components that have a `pullPassword`, and the contents kept of them, as `rewrite` gives
   * them: another way to write the same. Their versions and times stay, and nothing rolls out. The
   * result names those that `rewrite` gave as another object.
   */
  async rewritePasswords(rewrite: (component: Component) => Component): Promise<string[]> {
    const rows = await this.#transaction.all(
      `select name, json from component where json like '%"pullPassword":%'`,
      [],
    );
    const names = [];
    for (const row of rows) {
      const before = parsed<Component>(row);
      const after = rewrite(before);
      if (after === before) continue;
      names.push(after.name);
      await this.#transaction.run("update component set json = $1 where name = $2", [
        JSON.stringify(after),
        after.name,
      ]);
    }
    names.push(...await rewriteVersions(this.#transaction, rewrite));
    if (names.length > 0) await this.#transaction.announce();
    return [...new Set(names)].sort();
  }

  /** Removes the component and its event sources; false when there is none. */
  async removeComponent(name: string): Promise<boolean> {
    return await this.#remove("delete from component where name = $1", name);
  }

  /**
   * Creates the event source (switched on) when its version is 0, else replaces the one that has
   * its version. Its project is its component's. The result is what is stored.
   *
   * @throws {MaelstromError} not_found: its component does not exist
   * @throws {MaelstromError} already_exists: version 0, but the name is taken
   * @throws {MaelstromError} stale_version: the stored version is another, or there is none
   */
  async putEventSource(source: EventSource): Promise<EventSource> {
    const { projectName: _replaced, ...given } = source;
    const project = await this.#projectOf(given.componentName);
    const stored: EventSource = {
      ...given,
      ...(project === "" ? {} : { projectName: project }),
      version: source.version + 1,
      modifiedAt: this.#nowMs,
    };
    if (source.version === 0) await this.#createEventSource(stored, project);
    else await this.#updateEventSource(stored, project, source.version);
    await this.#transaction.announce();
    return stored;
  }

  /** Removes the event source; false when there is none. */
  async removeEventSource(name: string): Promise<boolean> {
    return await this.#remove("delete from event_source where name = $1", name);
  }

  /**
   * Switches every event source that `wanted` means on or off. The result names, in order, those
   * that were not so already; their version and time stay.
   */
  async toggleEventSources(enabled: boolean, wanted: EventSourceFilter): Promise<string[]> {
    const filter = new Filter();
    const value = filter.bind(enabled ? 1 : 0);
    eventSourceFilter(wanted, filter.differs("enabled", enabled ? 1 : 0));
    const rows = await this.#transaction.all(
      `update event_source set enabled = ${value}${filter.where} returning name`,
      filter.args,
    );
    if (rows.length > 0) await this.#transaction.announce();
    return rows.map((row) => textOf(row, "name")).sort();
  }

  async #createComponent(component: Component): Promise<void> {
    const created = await this.#transaction.run(
      `insert into component
         (name, uid, project_name, version, created_at, modified_at, json)
       values ($1, $2, $3, $4, $5, $5, $6)
       on conflict (name) do nothing`,
      [
        component.name,
        crypto.randomUUID(),
        component.projectName ?? "",
        component.version,
        this.#nowMs,
        JSON.stringify(component),
      ],
    );
    if (created === 0) throw alreadyExists("PutComponent", component.name);
  }

  async #updateComponent(component: Component, previousVersion: number): Promise<void> {
    const project = component.projectName ?? "";
    const updated = await this.#transaction.run(
      `update component set project_name = $1, version = $2, modified_at = $3, json = $4
       where name = $5 and version = $6`,
      [
        project,
        component.version,
        this.#nowMs,
        JSON.stringify(component),
        component.name,
        previousVersion,
      ],
    );
    if (updated === 0) throw staleVersion("PutComponent", component.name, previousVersion);
    await this.#transaction.run(
      "update event_source set project_name = $1 where component_name = $2 and project_name <> $1",
      [project, component.name],
    );
  }

  async #projectOf(componentName: string): Promise<string> {
    const [row] = await this.#transaction.all(
      "select project_name from component where name = $1",
      [componentName],
    );
    if (row) return textOf(row, "project_name");
    throw new MaelstromError(
      "not_found",
      `eventSource.component not found: ${componentName}`,
      { path: "input.eventSource.componentName" },
    );
  }

  async #createEventSource(source: EventSource, project: string): Promise<void> {
    const created = await this.#transaction.run(
      `insert into event_source (name, component_name, project_name, type, version, created_at,
         modified_at, enabled, json)
       values ($1, $2, $3, $4, $5, $6, $6, 1, $7)
       on conflict (name) do nothing`,
      [
        source.name,
        source.componentName,
        project,
        eventSourceType(source),
        source.version,
        this.#nowMs,
        JSON.stringify(source),
      ],
    );
    if (created === 0) throw alreadyExists("PutEventSource", source.name);
  }

  async #updateEventSource(
    source: EventSource,
    project: string,
    previousVersion: number,
  ): Promise<void> {
    const updated = await this.#transaction.run(
      `update event_source set component_name = $1, project_name = $2, type = $3, version = $4,
         modified_at = $5, json = $6
       where name = $7 and version = $8`,
      [
        source.componentName,
        project,
        eventSourceType(source),
        source.version,
        this.#nowMs,
        JSON.stringify(source),
        source.name,
        previousVersion,
      ],
    );
    if (updated === 0) throw staleVersion("PutEventSource", source.name, previousVersion);
  }

  async #remove(sql: string, name: string): Promise<boolean> {
    const found = await this.#transaction.run(sql, [name]) > 0;
    if (found) await this.#transaction.announce();
    return found;
  }
}

function alreadyExists(method: string, name: string): MaelstromError {
  return new MaelstromError("already_exists", `${method}: already exists with key`, { name });
}

function staleVersion(method: string, name: string, version: number): MaelstromError {
  return new MaelstromError("stale_version", `${method}: previousVersion is incorrect`, {
    name,
    version,
  });
}
