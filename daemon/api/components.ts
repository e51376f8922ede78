/** Methods on components. An answered put or removal is in effect on this node. @module */
import { checkName } from "../../lib/contract/names.ts";
import { hidePassword, keepsPassword, withKeptPassword } from "../../lib/contract/pull_password.ts";
import type {
  Component,
  ComponentStatus,
  ComponentVersion,
  NodeStatus,
  Refusal,
} from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { fieldChanges, settingsOf } from "../../lib/project/settings.ts";
import type { PullPasswords } from "../secrets/pull_passwords.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.PutComponent"
  | "MaelstromService.GetComponent"
  | "MaelstromService.RemoveComponent"
  | "MaelstromService.ListComponentVersions"
  | "MaelstromService.RollbackComponent"
  | "MaelstromService.ListComponents";

/** How components fare. */
export interface ComponentFacts {
  /** What runs where. */
  readonly nodes: () => readonly NodeStatus[];
  /** Why a component has fewer instances than it should; undefined when it has all, or will soon. */
  readonly refusalOf: (component: string) => Refusal | undefined;
}

/** The methods, over `store`. */
export function componentMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
  passwords: Pick<PullPasswords, "open" | "seal">,
  facts: ComponentFacts,
): Pick<Methods, Noun> {
  return {
    async "MaelstromService.PutComponent"({ component }, signal) {
      const { name, version } = await store.putComponent(
        await completed(component, store, passwords),
      );
      await catalog.refresh(signal);
      return { name, version };
    },
    async "MaelstromService.GetComponent"(input) {
      const name = checkName(input.name, "input.name");
      const stored = await store.getComponent(name);
      if (!stored) throw noComponent(name);
      return { component: hidePassword(stored.component), status: statusOf(name, facts) };
    },
    async "MaelstromService.RemoveComponent"(input, signal) {
      const name = checkName(input.name, "input.name");
      const found = await store.removeComponent(name);
      await catalog.refresh(signal);
      return { name, found };
    },
    async "MaelstromService.ListComponentVersions"(input) {
      const name = checkName(input.name, "input.name");
      const kept = await store.listComponentVersions(name);
      if (kept.length === 0) throw noComponent(name);
      return { name, versions: kept.map((one, index) => versionOf(one, kept[index + 1])) };
    },
    async "MaelstromService.RollbackComponent"(input, signal) {
      const name = checkName(input.name, "input.name");
      const { component, restored, replaced } = await store.rollbackComponent(name, input.version);
      await catalog.refresh(signal);
      return {
        name,
        version: component.version,
        restoredVersion: restored.version,
        replacedVersion: replaced.version,
        changes: fieldChanges(settingsOf(replaced), settingsOf(component)),
      };
    },
    async "MaelstromService.ListComponents"(input) {
      const page = await store.listComponents({
        ...input,
        ...lowered("namePrefix", input.namePrefix),
        ...lowered("projectName", input.projectName),
      });
      return { ...page, components: page.components.map(hidePassword) };
    },
  };
}

/**
 * The component as it is stored: with its password sealed, or with the stored one when it keeps that.
 *
 * @throws {MaelstromError} invalid: there is none to keep
 * @throws {MaelstromError} stale_version: what is stored is another version
 */
async function completed(
  component: Component,
  store: Store,
  passwords: Pick<PullPasswords, "open" | "seal">,
): Promise<Component> {
  if (!component.docker.pullPassword) return component;
  const known = await store.listComponentVersions(component.name);
  if (!keepsPassword(component)) return await passwords.seal(component, known);
  const stored = (await store.getComponent(component.name))?.component;
  // The put checks the version again: what is kept here is of just this one.
  if (stored && stored.version !== component.version && component.version !== 0) {
    throw new MaelstromError("stale_version", "PutComponent: previousVersion is incorrect", {
      name: component.name,
      version: component.version,
    });
  }
  const kept = withKeptPassword(component, stored && passwords.open(stored));
  return await passwords.seal(kept, stored ? [stored, ...known] : known);
}

function noComponent(name: string): MaelstromError {
  return new MaelstromError("not_found", `No Component found with name: ${name}`);
}

function versionOf(component: Component, older: Component | undefined): ComponentVersion {
  const { version, modifiedAt = 0, docker } = component;
  const changes = older ? fieldChanges(settingsOf(older), settingsOf(component)) : [];
  return { version, modifiedAt, image: docker.image, changes };
}

function statusOf(name: string, facts: ComponentFacts): ComponentStatus {
  const nodes = facts.nodes();
  const refused = facts.refusalOf(name);
  const isMeant = ({ componentName }: { readonly componentName: string }) => componentName === name;
  return {
    instances: nodes.flatMap(({ nodeId, runningComponents }) =>
      runningComponents.filter(isMeant).map((info) => ({ nodeId, ...info }))
    ),
    failures: nodes.flatMap(({ nodeId, failures }) =>
      failures.filter(isMeant).map((failure) => ({ nodeId, ...failure }))
    ),
    ...(refused ? { refused } : {}),
  };
}

/** A filter in the form in which names are stored; absent stays absent. */
export function lowered<K extends string>(
  key: K,
  value: string | undefined,
): Partial<Record<K, string>> {
  return value === undefined ? {} : { [key]: value.trim().toLowerCase() } as Record<K, string>;
}
