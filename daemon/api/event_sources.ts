/** Methods on event sources. An answered change is in effect on this node. @module */
import { checkName } from "../../lib/contract/names.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { NodeStatus, SourceStatus } from "../../lib/contract/v1.ts";
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

/** The methods, over `store`; `nodes` tells how sources fare. */
export function eventSourceMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
  nodes: () => readonly NodeStatus[],
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
      const page = await store.listEventSources(loweredFilter(input));
      const statuses = statusesOf(nodes());
      const eventSources = page.eventSources.map((source) => {
        const status = statuses.get(source.eventSource.name);
        return status ? { ...source, status } : source;
      });
      return { ...page, eventSources };
    },
  };
}

/** How each source fares on all of `nodes`; trouble on one of them is trouble. */
function statusesOf(nodes: readonly NodeStatus[]): Map<string, SourceStatus> {
  const joined = new Map<string, SourceStatus>();
  for (const status of nodes.flatMap(({ sources = [] }) => sources)) {
    const { eventSourceName: name } = status;
    const before = joined.get(name);
    joined.set(name, before ? sumOf(before, status) : status);
  }
  return joined;
}

function sumOf(a: SourceStatus, b: SourceStatus): SourceStatus {
  const error = a.error ?? b.error;
  return {
    eventSourceName: a.eventSourceName,
    componentName: a.componentName,
    maxConcurrency: a.maxConcurrency,
    demand: a.demand + b.demand,
    inFlight: a.inFlight + b.inFlight,
    waiting: a.waiting + b.waiting,
    dead: a.dead + b.dead,
    handled: a.handled + b.handled,
    failed: a.failed + b.failed,
    repeated: a.repeated + b.repeated,
    undeleted: a.undeleted + b.undeleted,
    ...(error && { error }),
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
