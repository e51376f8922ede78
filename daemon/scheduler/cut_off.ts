/**
 * Components that somebody waits for where none of their instances can be reached: the way between
 * two nodes may be broken while both reach the owner of placement. Pure.
 * @module
 */
import type { NodeStatus } from "../../lib/contract/v1.ts";

/**
 * Names of the components that have instances, none of which is reached by a node on which requests
 * for it wait. One that has an instance starting is not among them: that one may help.
 */
export function cutOffComponents(statuses: readonly NodeStatus[]): Set<string> {
  const places = new Map<string, Set<string>>();
  const starting = new Set<string>();
  for (const { nodeId, runningComponents } of statuses) {
    for (const { componentName, status } of runningComponents) {
      if (status === "starting") starting.add(componentName);
      if (status !== "active" && status !== "frozen") continue;
      places.set(componentName, (places.get(componentName) ?? new Set()).add(nodeId));
    }
  }
  const cutOff = new Set<string>();
  for (const { nodeId, waiting, reached } of statuses) {
    // One that does not say whom it reaches reaches all, as far as is known.
    if (!reached) continue;
    const near = new Set([nodeId, ...reached]);
    for (const { componentName, count } of waiting) {
      const nodes = places.get(componentName);
      if (count === 0 || !nodes || starting.has(componentName)) continue;
      if (near.isDisjointFrom(nodes)) cutOff.add(componentName);
    }
  }
  return cutOff;
}
