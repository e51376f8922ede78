/** Methods on components. An answered put or removal is in effect on this node. @module */
import { checkName } from "../../lib/contract/names.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.PutComponent"
  | "MaelstromService.GetComponent"
  | "MaelstromService.RemoveComponent"
  | "MaelstromService.ListComponents";

/** The methods, over `store`. */
export function componentMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
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
      return { component: stored.component };
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

/** A filter in the form in which names are stored; absent stays absent. */
export function lowered<K extends string>(
  key: K,
  value: string | undefined,
): Partial<Record<K, string>> {
  return value === undefined ? {} : { [key]: value.trim().toLowerCase() } as Record<K, string>;
}
