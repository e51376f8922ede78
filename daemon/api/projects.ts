/**
 * Methods on projects: components and event sources that are put and removed as one. An answered
 * put or removal is in effect on this node; one that failed has changed nothing.
 * @module
 */
import { canonicalName, checkName } from "../../lib/contract/names.ts";
import { hidePassword, hidePasswords } from "../../lib/contract/pull_password.ts";
import type { Component, Project, ProjectChanges, ProjectInfo } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { hasChanges, planProject, type StoredItems } from "../../lib/project/plan.ts";
import type { PullPasswords } from "../secrets/pull_passwords.ts";
import type { Catalog } from "../store/catalog.ts";
import { type Changes, refuseMissingCfg, type Store } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.ListProjects"
  | "MaelstromService.PutProject"
  | "MaelstromService.GetProject"
  | "MaelstromService.RemoveProject";

/** The methods, over `store`. */
export function projectMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
  passwords: Pick<PullPasswords, "open" | "seal">,
): Pick<Methods, Noun> {
  // Versions catch a change of what both write; names that only one of two puts has are caught here.
  const changing = new Set<string>();
  return {
    async "MaelstromService.ListProjects"({ namePrefix = "" }) {
      return { projects: infosOf(await storedItems(store), canonicalName(namePrefix)) };
    },
    async "MaelstromService.PutProject"({ project, diffOnly }, signal) {
      if (diffOnly) return hidePasswords(await previewOf(project, store, passwords));
      using _turn = takeTurn(changing, project.name);
      const plan = planProject(project, opened(await storedItems(store), passwords));
      if (!hasChanges(plan)) return plan;
      const sealed = await sealedPlan(plan, store, passwords);
      await store.change((changes) => apply(sealed, changes));
      await catalog.refresh(signal);
      return hidePasswords(plan);
    },
    async "MaelstromService.GetProject"(input) {
      const name = checkName(input.name, "input.name");
      const project = projectIn(await storedItems(store), name);
      if (project.components.length > 0) return { project: shown(project) };
      throw new MaelstromError("not_found", `No Project found with name: ${name}`);
    },
    async "MaelstromService.RemoveProject"(input, signal) {
      const name = checkName(input.name, "input.name");
      using _turn = takeTurn(changing, name);
      const { components } = projectIn(await storedItems(store), name);
      if (components.length === 0) return { name, found: false };
      await store.change(async (changes) => {
        for (const { component } of components) await changes.removeComponent(component.name);
      });
      await catalog.refresh(signal);
      return { name, found: true };
    },
  };
}

/** `project` as it may be shown. */
function shown({ name, components }: Project): Project {
  return {
    name,
    components: components.map(({ component, eventSources }) => ({
      component: hidePassword(component),
      eventSources,
    })),
  };
}

function takeTurn(changing: Set<string>, name: string): Disposable {
  if (changing.has(name)) {
    throw new MaelstromError(
      "stale_version",
      `Cannot change project "${name}": somebody else is changing it; try again`,
      { name },
    );
  }
  changing.add(name);
  return { [Symbol.dispose]: () => changing.delete(name) };
}

async function storedItems(store: Store): Promise<StoredItems> {
  const { components, eventSources } = await store.desiredState();
  return { components: components.map(({ component }) => component), eventSources };
}

/** `items` with passwords in clear: what is compared with what somebody puts. */
function opened(items: StoredItems, passwords: Pick<PullPasswords, "open">): StoredItems {
  return { ...items, components: items.components.map((component) => passwords.open(component)) };
}

/** `plan` with the passwords in it as they are stored. */
async function sealedPlan(
  plan: ProjectChanges,
  store: Store,
  passwords: Pick<PullPasswords, "seal">,
): Promise<ProjectChanges> {
  const seal = async (component: Component) =>
    component.docker.pullPassword
      ? await passwords.seal(component, await store.listComponentVersions(component.name))
      : component;
  return {
    ...plan,
    componentsAdded: await Promise.all(plan.componentsAdded.map(seal)),
    componentsUpdated: await Promise.all(plan.componentsUpdated.map(seal)),
  };
}

/** What a put would do, refused for what the put would be refused for. */
async function previewOf(
  project: Project,
  store: Store,
  passwords: Pick<PullPasswords, "open">,
): Promise<ProjectChanges> {
  const plan = planProject(project, opened(await storedItems(store), passwords));
  const known = new Set((await store.listCfg()).map(({ name }) => name));
  for (const component of [...plan.componentsAdded, ...plan.componentsUpdated]) {
    refuseMissingCfg(component, known);
  }
  return plan;
}

/** Puts before removals: an event source may leave a component that goes, which takes its own along. */
async function apply(plan: ProjectChanges, changes: Changes): Promise<void> {
  for (const component of [...plan.componentsAdded, ...plan.componentsUpdated]) {
    await changes.putComponent(component);
  }
  for (const source of [...plan.eventSourcesAdded, ...plan.eventSourcesUpdated]) {
    await changes.putEventSource(source);
  }
  for (const name of plan.eventSourcesRemoved) {
    refuseAbsent(await changes.removeEventSource(name), "event source", name);
  }
  for (const name of plan.componentsRemoved) {
    refuseAbsent(await changes.removeComponent(name), "component", name);
  }
}

function refuseAbsent(found: boolean, noun: string, name: string): void {
  if (found) return;
  throw new MaelstromError(
    "stale_version",
    `Cannot remove ${noun} "${name}": somebody else removed it at the same time`,
    { name },
  );
}

function projectOf({ projectName = "" }: Pick<Component, "projectName">): string {
  return projectName;
}

/** Components and event sources come in name order. */
function projectIn({ components, eventSources }: StoredItems, name: string): Project {
  const sources = Map.groupBy(eventSources, ({ eventSource }) => eventSource.componentName);
  return {
    name,
    components: components.filter((component) => projectOf(component) === name)
      .map((component) => ({ component, eventSources: sources.get(component.name) ?? [] })),
  };
}

function infosOf({ components, eventSources }: StoredItems, prefix: string): ProjectInfo[] {
  const byProject = Map.groupBy(components, projectOf);
  const sources = Map.groupBy(eventSources, ({ eventSource }) => projectOf(eventSource));
  return [...byProject.keys()].filter((name) => name.startsWith(prefix)).sort()
    .map((projectName) => ({
      projectName,
      componentCount: byProject.get(projectName)?.length ?? 0,
      eventSourceCount: sources.get(projectName)?.length ?? 0,
    }));
}
