/**
 * What a put of a project changes: the wanted project against everything that is stored. Pure, and
 * decides everything, so that a preview and the put itself cannot differ.
 *
 * Source: the ancestor's comparison of projects; here the switch of an event source is no setting,
 * and names that belong to others are found before anything is written.
 * @module
 */
import { canonicalName, NAME_BYTES_MAX, nameFault } from "../contract/names.ts";
import type {
  Component,
  EventSource,
  EventSourceWithStatus,
  ItemChange,
  Project,
  ProjectChanges,
} from "../contract/v1.ts";
import { withKeptPassword } from "../contract/pull_password.ts";
import { MaelstromError } from "../errors.ts";
import { prefixedName } from "./names.ts";
import { fieldChanges, settingsOf } from "./settings.ts";

/** Everything that is stored in the cluster, of this project and of others. */
export interface StoredItems {
  readonly components: readonly Component[];
  readonly eventSources: readonly EventSourceWithStatus[];
}

/**
 * `project` as it is stored: names canonical and with the project's name before them, each event
 * source that of its component, versions unset.
 *
 * @throws {MaelstromError} invalid: a name is too long with the prefix, or given twice
 */
export function namedProject(project: Project): Project {
  const projectName = canonicalName(project.name);
  const components = new Map<string, string>();
  const sources = new Map<string, string>();
  return {
    name: projectName,
    components: project.components.map(({ component, eventSources }, i) => {
      const path = `input.project.components[${i}]`;
      const name = prefixedName(projectName, component.name);
      claim(components, name, `${path}.component.name`);
      const { modifiedAt: _kept, ...settings } = component;
      return {
        component: { ...settings, name, projectName, version: 0 },
        eventSources: eventSources.map(({ eventSource, enabled }, j) => {
          const sourceName = prefixedName(projectName, eventSource.name);
          claim(sources, sourceName, `${path}.eventSources[${j}].name`);
          const named = { name: sourceName, componentName: name, projectName };
          return {
            eventSource: { ...eventSource, ...named, version: 0, modifiedAt: 0 },
            enabled,
          };
        }),
      };
    }),
  };
}

function claim(taken: Map<string, string>, name: string, path: string): void {
  const fault = nameFault(name, NAME_BYTES_MAX);
  if (fault) throw new MaelstromError("invalid", `${path} ${fault}, found "${name}"`, { path });
  const first = taken.get(name);
  if (first !== undefined) {
    throw new MaelstromError("invalid", `${path} is given twice: "${name}", also at ${first}`, {
      path,
    });
  }
  taken.set(name, path);
}

/**
 * What a put of `project` changes in `stored`.
 *
 * @throws {MaelstromError} invalid: a name is too long with the prefix, or given twice, or a
 * password is to be kept and there is none
 * @throws {MaelstromError} already_exists: a name is in use outside the project
 */
export function planProject(project: Project, stored: StoredItems): ProjectChanges {
  const { name, components: wanted } = namedProject(project);
  const before = new Map(stored.components.map((component) => [component.name, component]));
  const components = compare("component", name, {
    wanted: wanted.map(({ component }) => withKeptPassword(component, before.get(component.name))),
    stored: stored.components,
  });
  const sources = compare<EventSource>("eventSource", name, {
    wanted: wanted.flatMap(({ eventSources }) => eventSources.map((entry) => entry.eventSource)),
    stored: stored.eventSources.map(({ eventSource }) => eventSource),
  });
  return {
    name,
    componentsAdded: components.added,
    componentsUpdated: components.updated,
    componentsRemoved: components.removed,
    eventSourcesAdded: sources.added,
    eventSourcesUpdated: sources.updated,
    eventSourcesRemoved: sources.removed,
    changes: [...components.changes, ...sources.changes],
  };
}

/** True when there is something to do. */
export function hasChanges(plan: ProjectChanges): boolean {
  return [
    plan.componentsAdded,
    plan.componentsUpdated,
    plan.componentsRemoved,
    plan.eventSourcesAdded,
    plan.eventSourcesUpdated,
    plan.eventSourcesRemoved,
  ].some((list) => list.length > 0);
}

interface Comparison<T> {
  readonly added: readonly T[];
  readonly updated: readonly T[];
  readonly removed: readonly string[];
  readonly changes: readonly ItemChange[];
}

function compare<T extends Component | EventSource>(
  kind: ItemChange["kind"],
  project: string,
  { wanted, stored }: { readonly wanted: readonly T[]; readonly stored: readonly T[] },
): Comparison<T> {
  const storedByName = new Map(stored.map((item) => [item.name, item]));
  const wantedNames = new Set(wanted.map(({ name }) => name));
  const added: T[] = [];
  const updated: T[] = [];
  const changes: ItemChange[] = [];
  for (const item of wanted) {
    const before = storedByName.get(item.name);
    if (before === undefined) {
      added.push(item);
      continue;
    }
    if ((before.projectName ?? "") !== project) throw inUse(kind, project, before);
    const fields = fieldChanges(settingsOf(before), settingsOf(item));
    if (fields.length === 0) continue;
    updated.push({ ...item, version: before.version });
    changes.push({ kind, name: item.name, fields });
  }
  const removed = stored
    .filter((item) => (item.projectName ?? "") === project && !wantedNames.has(item.name))
    .map(({ name }) => name).sort();
  return { added, updated, removed, changes };
}

function inUse(
  kind: ItemChange["kind"],
  project: string,
  { name, projectName = "" }: Component | EventSource,
): MaelstromError {
  const noun = kind === "component" ? "component" : "event source";
  const owner = projectName === "" ? "no project" : `project "${projectName}"`;
  return new MaelstromError(
    "already_exists",
    `Cannot put project "${project}": the ${noun} "${name}" exists already and belongs to ${owner}`,
    { name },
  );
}
