/** Methods on components. An answered put or removal is in effect on this node. @module */
import { checkName } from "../../lib/contract/names.ts";
import type { ComponentStatus, NodeStatus } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.PutComponent"
  | "MaelstromService.GetComponent"
  | "MaelstromService.RemoveComponent"
  | "MaelstromService.ListComponents";

/** The methods, over `store`; `nodes` tells what runs where. */
export function componentMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
  nodes: () => Promise<readonly NodeStatus[]>,
): Pick<Methods, Noun> {
  return {
    async "MaelstromService.PutComponent"({ component }, signal) {
      const { name, version } = await store.putComponent(component);
      await catalog.refresh(signal);
      return { name, version };
    },
    async "MaelstromService.GetComponent"(input) {
      const name = checkName(input.name, "input.name");
      const stored = await store.getComponent(name);
      if (!stored) {
        throw new MaelstromError("not_found", `No Component found with name: ${name}`);
      }
      return { component: stored.component, status: statusOf(name, await nodes()) };
    },
    async "MaelstromService.RemoveComponent"(input, signal) {
      const name = checkName(input.name, "input.name");
      const found = await store.removeComponent(name);
      await catalog.refresh(signal);
      return { name, found };
    },
    async "MaelstromService.ListComponents"(input) {
      return await store.listComponents({
        ...input,
        ...lowered("namePrefix", input.namePrefix),
        ...lowered("projectName", input.projectName),
      });
    },
  };
}

function statusOf(name: string, nodes: readonly NodeStatus[]): ComponentStatus {
  const isMeant = ({ componentName }: { readonly componentName: string }) => componentName === name;
  return {
    instances: nodes.flatMap(({ nodeId, runningComponents }) =>
      runningComponents.filter(isMeant).map((info) => ({ nodeId, ...info }))
    ),
    failures: nodes.flatMap(({ nodeId, failures }) =>
      failures.filter(isMeant).map((failure) => ({ nodeId, ...failure }))
    ),
  };
}

/** A filter in the form in which names are stored; absent stays absent. */
export function lowered<K extends string>(
  key: K,
  value: string | undefined,
): Partial<Record<K, string>> {
  return value === undefined ? {} : { [key]: value.trim().toLowerCase() } as Record<K, string>;
}
