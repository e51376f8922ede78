/** How far a version of a component has come, from what a node says of it. Pure. @module */
import type { ComponentFailure, Outputs } from "../lib/contract/v1.ts";

/** A version that was put: `{ name: "shop", version: 4 }`. */
export interface Rollout {
  readonly name: string;
  readonly version: number;
}

/** What `GetComponent` answers. */
export type ComponentAnswer = Outputs["MaelstromService.GetComponent"];

/** Where a rollout stands; the text says it to people. */
export type RolloutState =
  | { readonly kind: "going" | "serves"; readonly text: string }
  /** Nothing runs and nothing has to. */
  | { readonly kind: "idle"; readonly text: string }
  | {
    readonly kind: "failed";
    readonly failure: ComponentFailure;
    /** Versions that serve all the same, newest first. */
    readonly serving: readonly number[];
  }
  /** Nothing runs and nothing can: no node has room for it. */
  | { readonly kind: "refused"; readonly text: string; readonly reason: string }
  /** Somebody has put another version since. */
  | { readonly kind: "replaced"; readonly version: number };

/** Where the rollout of `version` stands. */
export function rolloutState(
  { component, status }: ComponentAnswer,
  version: number,
): RolloutState {
  if (component.version > version) return { kind: "replaced", version: component.version };
  const present = status.instances.filter((instance) => instance.status !== "stopping");
  const isServing = ({ status }: typeof present[number]) => status !== "starting";
  const failure = status.failures.find(({ componentVersion }) => componentVersion === version);
  if (failure) {
    const serving = versionsOf(present.filter(isServing));
    return { kind: "failed", failure, serving };
  }
  const { refused } = status;
  if (status.instances.length === 0 && refused?.version === version) {
    return { kind: "refused", text: `has no place: ${refused.reason}`, reason: refused.reason };
  }
  if (status.instances.length === 0 && !component.minInstances) {
    return { kind: "idle", text: "starts with its first request" };
  }
  const [fresh, old] = partition(present, (instance) => instance.componentVersion === version);
  const [serving, starting] = partition(fresh, isServing);
  const progress = starting.find((instance) => instance.progress)?.progress;
  const parts = [
    starting.length > 0 && `${starting.length} starting${progress ? ` (${progress})` : ""}`,
    old.length > 0 && `${old.length} of version ${versionsOf(old).join(" and ")} to replace`,
    stoppingPart(status.instances.length - present.length),
  ].filter((part) => part !== false);
  if (serving.length > 0 && old.length === 0) {
    const count = serving.length === 1 ? "1 instance" : `${serving.length} instances`;
    return { kind: "serves", text: [`serves with ${count}`, ...parts].join(", ") };
  }
  if (serving.length > 0) parts.unshift(`${serving.length} serving`);
  return { kind: "going", text: parts.join(", ") || "waits for its first instance" };
}

function stoppingPart(count: number): string | false {
  return count > 0 && `${count} stopping`;
}

function partition<T>(all: readonly T[], holds: (value: T) => boolean): [T[], T[]] {
  const { yes = [], no = [] } = Object.groupBy(all, (value) => holds(value) ? "yes" : "no");
  return [yes, no];
}

function versionsOf(instances: readonly { readonly componentVersion: number }[]): number[] {
  const versions = new Set(instances.map(({ componentVersion }) => componentVersion));
  return [...versions].sort((a, b) => b - a);
}
