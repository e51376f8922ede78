/** What a plan must never do, whatever the cluster looks like. @module */
import type {
  NodeOption,
  PlacedInstance,
  Placement,
  Want,
} from "../../daemon/scheduler/placement.ts";
import { meets } from "../../lib/contract/constraint.ts";

/** Sentences about everything in `plan` that must not be. */
export function violationsOf(
  nodes: readonly NodeOption[],
  wants: readonly Want[],
  plan: Placement,
): string[] {
  return [
    ...nodes.flatMap((node) => memoryViolations(node, wants, plan)),
    ...wants.flatMap((want) => countViolations(nodes, want, plan)),
  ];
}

/** Instances of `component` on `node` that are not stopping. */
export function present({ instances }: NodeOption, component: string): PlacedInstance[] {
  return instances.filter((one) => one.component === component && one.status !== "stopping");
}

/** Memory that `targets`, and what still leaves, set aside on `node`. */
export function memoryOf(
  node: NodeOption,
  wants: readonly Want[],
  targets: ReadonlyMap<string, number>,
): number {
  let sum = 0;
  for (const one of node.instances) if (one.status === "stopping") sum += one.reserveMemoryMiB;
  for (const component of new Set([...targets.keys(), ...node.instances.map((i) => i.component)])) {
    const here = present(node, component);
    const reserve = wants.find((want) => want.component === component)?.reserveMemoryMiB ?? 0;
    const each = Math.max(reserve, ...here.map(({ reserveMemoryMiB }) => reserveMemoryMiB));
    sum += Math.max(here.length, targets.get(component) ?? 0) * each;
  }
  return sum;
}

function memoryViolations(node: NodeOption, wants: readonly Want[], plan: Placement): string[] {
  const targets = plan.targets.get(node.nodeId);
  if (targets === undefined) {
    return node.state === "down" ? [] : [`${node.nodeId} has no targets`];
  }
  const used = memoryOf(node, wants, targets);
  const before = memoryOf(node, wants, node.assigned ?? new Map());
  if (used <= Math.max(node.totalMemoryMiB, before)) return [];
  return [`${node.nodeId} is given ${used} of ${node.totalMemoryMiB} MiB`];
}

function countViolations(nodes: readonly NodeOption[], want: Want, plan: Placement): string[] {
  const { component, maxInstances, maxInstancesPerNode } = want;
  const violations: string[] = [];
  let planned = 0;
  let before = 0;
  let served = 0;
  let serves = 0;
  let pushable = 0;
  for (const node of nodes) {
    if (node.state === "down") continue;
    const count = plan.targets.get(node.nodeId)?.get(component) ?? 0;
    const here = present(node, component);
    const had = Math.max(here.length, node.assigned?.get(component) ?? 0);
    if (count > had && (node.state !== "ready" || !meets(node.labels, want.constraints))) {
      violations.push(`${node.nodeId} is given "${component}", which it may not have`);
    }
    if (count > Math.max(had, maxInstancesPerNode)) {
      violations.push(`${node.nodeId} is given ${count} of "${component}"`);
    }
    planned += count;
    before += had;
    const serving = here.filter(({ status }) => status !== "starting");
    served += Math.min(serving.length, node.assigned?.get(component) ?? Infinity);
    serves += Math.min(serving.length, count);
    pushable += serving.filter(({ inFlight }) => inFlight === 0).length;
  }
  if (planned > Math.max(maxInstances, before)) {
    violations.push(`"${component}" is given ${planned} of at most ${maxInstances}`);
  }
  // Idle ones beyond the floor may be pushed aside by others.
  const owed = Math.min(want.count, served) - want.maxUnavailable;
  if (serves < owed - Math.min(pushable, Math.max(0, owed - want.floor))) {
    violations.push(`"${component}" is left with ${serves} that serve, ${owed} owed`);
  }
  return violations;
}
