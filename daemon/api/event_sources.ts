/** Methods on event sources. An answered change is in effect on this node. @module */
import { checkName } from "../../lib/contract/names.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Catalog } from "../store/catalog.ts";
import type { EventSourceFilter, Store } from "../store/store.ts";
import { lowered } from "./components.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.PutEventSource"
  | "MaelstromService.GetEventSource"
  | "MaelstromService.RemoveEventSource"
  | "MaelstromService.ToggleEventSources"
  | "MaelstromService.ListEventSources";

/** The methods, over `store`. */
export function eventSourceMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
): Pick<Methods, Noun> {
  return {
    async "MaelstromService.PutEventSource"({ eventSource }, signal) {
      const { name, version } = await store.putEventSource(eventSource);
      await catalog.refresh(signal);
      return { name, version };
    },
    async "MaelstromService.GetEventSource"(input) {
      const name = checkName(input.name, "input.name");
      const found = await store.getEventSource(name);
      if (!found) {
        throw new MaelstromError("not_found", `No event source found with name: ${name}`);
      }
      return { eventSource: found.eventSource };
    },
    async "MaelstromService.RemoveEventSource"(input, signal) {
      const name = checkName(input.name, "input.name");
      const found = await store.removeEventSource(name);
      await catalog.refresh(signal);
      return { name, found };
    },
    async "MaelstromService.ToggleEventSources"(input, signal) {
      const eventSourceNames = await store.toggleEventSources(loweredFilter(input));
      await catalog.refresh(signal);
      return { enabled: input.enabled, eventSourceNames };
    },
    async "MaelstromService.ListEventSources"(input) {
      return await store.listEventSources(loweredFilter(input));
    },
  };
}

/** `input` with its names in the form in which they are stored. */
function loweredFilter<T extends EventSourceFilter>(input: T): T {
  return {
    ...input,
    ...lowered("namePrefix", input.namePrefix),
    ...lowered("componentName", input.componentName),
    ...lowered("projectName", input.projectName),
  };
}
