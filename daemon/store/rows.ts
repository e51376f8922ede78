/**
 * What rows mean: from table columns to components, event sources, values and the whole
 * desired state.
 * Pure. Walk: store, changes → **rows**.
 * @module
 */
import type {
  Component,
  EventSource,
  EventSourceWithStatus,
  NodeStatus,
} from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { integerOf, type Row, textOf } from "./driver.ts";

/** A component and which creation of its name it is. */
export interface StoredComponent {
  readonly component: Component;
  /** Given at creation: removed and created again under the same name, it has another one. */
  readonly uid: string;
}

/** A value that environments refer to by its name. */
export interface CfgValue {
  readonly name: string;
  readonly secret: boolean;
  /** Sealed when it is secret. */
  readonly value: string;
}

/** Everything that should be, in name order. Frozen to the bottom. */
export interface DesiredState {
  readonly components: readonly StoredComponent[];
  readonly eventSources: readonly EventSourceWithStatus[];
  readonly cfg: readonly CfgValue[];
}

/** All tables in one statement: what it returns existed together. */
export const DESIRED_STATE_SQL = `
  select 'component' as kind, name, uid, project_name, 1 as flag, json as content from component
  union all
  select 'event_source' as kind, name, '' as uid, project_name, enabled as flag, json as content
    from event_source
  union all
  select 'cfg' as kind, name, '' as uid, '' as project_name, secret as flag, value as content
    from cfg
  order by kind, name`;

/**
 * The component in a row with `uid` and `json`.
 *
 * @throws {MaelstromError} store_unavailable: the stored text is damaged
 */
export function storedComponentOf(row: Row): StoredComponent {
  return { component: parsed<Component>(row), uid: textOf(row, "uid") };
}

/**
 * The event source in a row with `project_name`, `enabled` and `json`. The column overrides the
 * text, because a component takes its event sources along when it changes projects.
 *
 * @throws {MaelstromError} store_unavailable: the stored text is damaged
 */
export function eventSourceOf(row: Row): EventSourceWithStatus {
  const { projectName: _replaced, ...source } = parsed<EventSource>(row);
  const projectName = textOf(row, "project_name");
  return {
    eventSource: projectName === "" ? source : { ...source, projectName },
    enabled: integerOf(row, "enabled") !== 0,
  };
}

/**
 * The node status in a row with `json`.
 *
 * @throws {MaelstromError} store_unavailable: the stored text is damaged
 */
export function nodeStatusOf(row: Row): NodeStatus {
  return parsed<NodeStatus>(row);
}

/** The value in a row with `name`, `secret` and `value`. */
export function cfgValueOf(row: Row): CfgValue {
  return {
    name: textOf(row, "name"),
    secret: integerOf(row, "secret") !== 0,
    value: textOf(row, "value"),
  };
}

/**
 * Turns the rows of {@linkcode DESIRED_STATE_SQL} into a state and remembers the last one: a row
 * that has not changed gives the same object again, unchanged rows throughout the same state. It
 * saves reading megabytes of JSON at each change, and makes "changed" a comparison by identity.
 */
export class DesiredStateReader {
  #known = new Map<string, Known>();
  #state: DesiredState | undefined;

  /**
   * The state in `rows`.
   *
   * @throws {MaelstromError} store_unavailable: a stored text is damaged
   */
  read(rows: readonly Row[]): DesiredState {
    const known = new Map<string, Known>();
    const components: StoredComponent[] = [];
    const eventSources: EventSourceWithStatus[] = [];
    const cfg: CfgValue[] = [];
    let changed = this.#state === undefined || rows.length !== this.#known.size;
    for (const row of rows) {
      const key = `${row["kind"]} ${row["name"]}`;
      const before = this.#known.get(key);
      const entry = before && isSameRow(before.row, row) ? before : readRow(row);
      changed ||= entry !== before;
      known.set(key, entry);
      if (entry.component) components.push(entry.component);
      if (entry.eventSource) eventSources.push(entry.eventSource);
      if (entry.cfg) cfg.push(entry.cfg);
    }
    this.#known = known;
    if (changed || !this.#state) this.#state = deepFreeze({ components, eventSources, cfg });
    return this.#state;
  }
}

interface Known {
  readonly row: Row;
  readonly component?: StoredComponent;
  readonly eventSource?: EventSourceWithStatus;
  readonly cfg?: CfgValue;
}

function readRow(row: Row): Known {
  const { flag = null, content = null } = row;
  switch (row["kind"]) {
    case "component":
      return { row, component: deepFreeze(storedComponentOf({ ...row, json: content })) };
    case "event_source":
      return {
        row,
        eventSource: deepFreeze(eventSourceOf({ ...row, enabled: flag, json: content })),
      };
    default:
      return { row, cfg: deepFreeze(cfgValueOf({ ...row, secret: flag, value: content })) };
  }
}

function isSameRow(a: Row, b: Row): boolean {
  return a["content"] === b["content"] && a["uid"] === b["uid"] && a["flag"] === b["flag"] &&
    a["project_name"] === b["project_name"];
}

/**
 * The value in `json` of a row.
 *
 * @throws {MaelstromError} store_unavailable: the stored text is damaged
 */
export function parsed<T>(row: Row): T {
  try {
    return JSON.parse(textOf(row, "json")) as T;
  } catch (cause) {
    const name = row["name"] ?? row["node_id"];
    throw new MaelstromError(
      "store_unavailable",
      `Cannot read ${JSON.stringify(name)} from the store: its text is damaged; restore a backup`,
      undefined,
      { cause },
    );
  }
}

/** Freezes what is not frozen yet, all the way down. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
