/** Clusters for tests of placement: values with defaults, and what becomes of a plan. @module */
import {
  type NodeOption,
  place,
  type PlacedInstance,
  type Placement,
  type Want,
} from "../../../daemon/scheduler/placement.ts";

/** A node that takes instances, with these on it. */
export function node(
  nodeId: string,
  totalMemoryMiB: number,
  instances: readonly PlacedInstance[] = [],
  parts: Partial<NodeOption> = {},
): NodeOption {
  return { nodeId, state: "ready", labels: {}, totalMemoryMiB, instances, ...parts };
}

/** An instance that serves and is idle. */
export function instance(component: string, parts: Partial<PlacedInstance> = {}): PlacedInstance {
  return {
    component,
    version: 1,
    status: "active",
    reserveMemoryMiB: 100,
    inFlight: 0,
    lastUseMs: 0,
    ...parts,
  };
}

/** `count` instances of a component that needs 100 MiB each and demands nothing else. */
export function want(component: string, count: number, parts: Partial<Want> = {}): Want {
  return {
    component,
    version: 1,
    count,
    floor: 0,
    maxInstances: Infinity,
    maxInstancesPerNode: Infinity,
    maxUnavailable: 1,
    restartOrder: "stopstart",
    constraints: [],
    reserveMemoryMiB: 100,
    ...parts,
  };
}

/** A plan's targets as plain objects. */
export function targetsOf({ targets }: Placement): Record<string, Record<string, number>> {
  return Object.fromEntries(
    [...targets].map(([nodeId, counts]) => [nodeId, Object.fromEntries(counts)]),
  );
}

/** The nodes when each has been told its targets and has done nothing yet. */
export function told(nodes: readonly NodeOption[], plan: Placement): NodeOption[] {
  return nodes.map((node) => {
    const assigned = plan.targets.get(node.nodeId);
    const settled = plan.settled.get(node.nodeId);
    return assigned && settled ? { ...node, assigned, settled } : node;
  });
}

/**
 * The nodes when each has done what it was told: what stopped is gone, what started serves. An
 * instance with the fewest requests stops first, as on a real node.
 */
export function obeyed(
  nodes: readonly NodeOption[],
  plan: Placement,
  wants: readonly Want[],
): NodeOption[] {
  const wanted = new Map(wants.map((want) => [want.component, want]));
  return told(nodes, plan).map((node) => {
    if (node.state === "down") return node;
    const instances: PlacedInstance[] = [];
    for (const [component, count] of node.assigned!) {
      const { version, reserveMemoryMiB } = wanted.get(component)!;
      const kept = node.instances.filter((one) =>
        one.component === component && one.status !== "stopping"
      ).sort((a, b) => b.inFlight - a.inFlight).slice(0, count);
      for (let i = 0; i < count; i++) {
        const { inFlight = 0, lastUseMs = 0 } = kept[i] ?? {};
        instances.push(instance(component, { version, reserveMemoryMiB, inFlight, lastUseMs }));
      }
    }
    return { ...node, instances };
  });
}

/** Plans and obeys until a plan changes nothing; throws after `limit` plans. */
export function settled(
  nodes: readonly NodeOption[],
  wants: readonly Want[],
  onPlan: (nodes: readonly NodeOption[], plan: Placement) => void = () => {},
  limit = 100,
): { nodes: NodeOption[]; plan: Placement } {
  let current = [...nodes];
  let before = "";
  for (let round = 0; round < limit; round++) {
    const plan = place(current, wants);
    onPlan(current, plan);
    current = obeyed(current, plan, wants);
    const after = JSON.stringify(sorted(targetsOf(plan)));
    if (after === before) return { nodes: current, plan };
    before = after;
  }
  throw new Error(`the plan still changes after ${limit} rounds: ${before}`);
}

/** A value whose text is equal for equal targets. */
export function sorted(targets: Record<string, Record<string, number>>): unknown {
  return Object.entries(targets).sort().map(([nodeId, counts]) => [
    nodeId,
    Object.entries(counts).sort(),
  ]);
}
