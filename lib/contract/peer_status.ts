/**
 * A peer's status as this release reads it. A peer of another release may leave out what is new
 * here, and may add what is unknown here: the one gets its default, the other is left alone. Pure.
 * @module
 */
import type { ComponentInfo, NodeStatus } from "./status.ts";

const STATUS_DEFAULTS = {
  failures: [],
  waiting: [],
  roles: [],
  sources: [],
  state: "ready",
  isLeaving: false,
  labels: {},
  protocol: 1,
} as const satisfies Partial<NodeStatus>;

const INFO_DEFAULTS = { activity: [], inFlight: 0, health: [] } as const satisfies Partial<
  ComponentInfo
>;

/** `words` with a value for everything that they may lack. */
export function readStatus(words: NodeStatus): NodeStatus {
  const { runningComponents = [] } = words as Partial<NodeStatus>;
  // Its own fields first and last: people are shown them in the order in which they were said.
  return {
    ...words,
    ...STATUS_DEFAULTS,
    ...words,
    runningComponents: runningComponents.map(readInfo),
  };
}

function readInfo(info: ComponentInfo): ComponentInfo {
  // A node that names no other limit admits what its component may have.
  const { admits = info.maxConcurrency }: Partial<ComponentInfo> = info;
  return { ...info, ...INFO_DEFAULTS, ...info, admits };
}
