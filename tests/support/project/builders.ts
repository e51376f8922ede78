/** Projects for tests: built and generated. @module */
import fc from "fast-check";
import { planProject, type StoredItems } from "../../../lib/project/plan.ts";
import type {
  Component,
  EventSource,
  NameValue,
  Project,
  ProjectChanges,
} from "../../../lib/contract/v1.ts";
import {
  anyComponent,
  anyEventSource,
  component,
  eventSource,
} from "../../contracts/store_values.ts";

/** A project of components with an image each, and event sources with a schedule each. */
export function project(
  name: string,
  components: Readonly<Record<string, { image: string; sources?: Record<string, string> }>>,
): Project {
  return {
    name,
    components: Object.entries(components).map(([name, { image, sources = {} }]) => ({
      component: component(name, { docker: { image, httpPort: 8080 } }),
      eventSources: Object.entries(sources).map(([source, schedule]) => ({
        eventSource: cronSource(source, name, schedule),
        enabled: true,
      })),
    })),
  };
}

/** An event source that is due at `schedule`. */
export function cronSource(name: string, componentName: string, schedule: string): EventSource {
  return eventSource(name, componentName, {
    cron: { schedule, http: { method: "GET", path: "/" } },
  });
}

const anyShortName = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);

/** Text that a reader of project files would replace. */
const anyTokens = fc.array(fc.constantFrom("$", "{", "}", "${A}", "$${A}", "${", "\n", " #x: "))
  .map((parts) => parts.join(""));

function withVariable(item: Component, { name, value }: NameValue): Component {
  return { ...item, name, environment: [...item.environment, { name: "TEXT", value }] };
}

/** Any project that passes the wire's check and holds no name twice. */
export const anyProject: fc.Arbitrary<Project> = anyProjectOf(fc.constant("demo"));

/** Any project with a name from `names`. */
export function anyProjectOf(names: fc.Arbitrary<string>): fc.Arbitrary<Project> {
  return fc.tuple(
    names,
    fc.uniqueArray(anyShortName, { minLength: 1, maxLength: 4 }),
    fc.uniqueArray(anyShortName, { maxLength: 8 }),
    fc.infiniteStream(anyComponent),
    fc.infiniteStream(anyEventSource("any")),
    fc.infiniteStream(fc.nat(3)),
    fc.infiniteStream(anyTokens),
  ).map(([name, componentNames, sourceNames, components, sources, owners, tokens]) => {
    const owned = sourceNames.map((source) => ({ source, owner: owners.next().value ?? 0 }));
    return {
      name,
      components: componentNames.map((componentName, i) => ({
        component: withVariable(components.next().value!, {
          name: `c${componentName}`,
          value: tokens.next().value!,
        }),
        eventSources: owned.filter(({ owner }) => owner % componentNames.length === i).map((
          { source },
        ) => ({
          eventSource: {
            ...sources.next().value!,
            name: `s${source}`,
            componentName: `c${componentName}`,
          },
          enabled: true,
        })),
      })),
    };
  });
}

/** Nothing stored yet. */
export const NOTHING: StoredItems = { components: [], eventSources: [] };

/** What is stored after `plan` was applied to `stored`. */
export function applied(plan: ProjectChanges, stored: StoredItems): StoredItems {
  const components = new Map(stored.components.map((item) => [item.name, item]));
  const sources = new Map(stored.eventSources.map((entry) => [entry.eventSource.name, entry]));
  for (const item of [...plan.componentsAdded, ...plan.componentsUpdated]) {
    components.set(item.name, { ...item, version: item.version + 1, modifiedAt: 7 });
  }
  for (const item of [...plan.eventSourcesAdded, ...plan.eventSourcesUpdated]) {
    const enabled = sources.get(item.name)?.enabled ?? true;
    sources.set(item.name, {
      eventSource: { ...item, version: item.version + 1, modifiedAt: 7 },
      enabled,
    });
  }
  for (const name of plan.eventSourcesRemoved) sources.delete(name);
  for (const name of plan.componentsRemoved) components.delete(name);
  return { components: [...components.values()], eventSources: [...sources.values()] };
}

/** What is stored after `project` was put into an empty cluster. */
export function stored(project: Project): StoredItems {
  return applied(planProject(project, NOTHING), NOTHING);
}

/** `items` as the one project they belong to. */
export function asProject(name: string, { components, eventSources }: StoredItems): Project {
  return {
    name,
    components: components.map((component) => ({
      component,
      eventSources: eventSources.filter(({ eventSource }) =>
        eventSource.componentName === component.name
      ),
    })),
  };
}
