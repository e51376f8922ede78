/** What a placement is made of: nodes with what they have, and what is wanted. Types only. @module */
import type { Constraint, Labels } from "../../lib/contract/constraint.ts";
import type { InstanceStatus } from "../../lib/contract/v1.ts";

/**
 * What a node may be used for. `cordoned`: keeps what it has and gets nothing more; `draining`:
 * gives away what it has, each as soon as its replacement serves; `down`: cannot start or stop
 * anything, its instances count as lost and it is given no targets.
 */
export type NodeState = "ready" | "cordoned" | "draining" | "down";

/** One instance on a node. */
export interface PlacedInstance {
  readonly component: string;
  readonly version: number;
  readonly status: InstanceStatus;
  /** Memory it sets aside, in MiB, until it is gone. */
  readonly reserveMemoryMiB: number;
  readonly inFlight: number;
  /** Its latest request or start, in milliseconds since 1970. */
  readonly lastUseMs: number;
}

/** A node and what it has. */
export interface NodeOption {
  readonly nodeId: string;
  readonly state: NodeState;
  readonly labels: Labels;
  /** Memory offered to instances, in MiB. */
  readonly totalMemoryMiB: number;
  readonly instances: readonly PlacedInstance[];
  /**
   * Count by component that it was told last; absent when nobody knows, then what runs counts. A
   * rollout runs more or fewer for a while, and that is nothing to be mended.
   */
  readonly assigned?: ReadonlyMap<string, number>;
  /**
   * Count by component that the last plan wants it to run in the end; absent when nobody knows, then
   * what it was told counts. Without it a move that has begun would be decided anew in every plan.
   */
  readonly settled?: ReadonlyMap<string, number>;
  /** Components whose latest start failed here and that wait for another try. */
  readonly failing?: ReadonlySet<string>;
}

/** How many instances of a component the cluster should run, and where it may. */
export interface Want {
  readonly component: string;
  readonly version: number;
  readonly count: number;
  /** Part of `count` that may push idle instances of others aside, and is never pushed itself. */
  readonly floor: number;
  readonly maxInstances: number;
  readonly maxInstancesPerNode: number;
  /** Instances that may be missing at once where no replacement can start first; at least 1. */
  readonly maxUnavailable: number;
  readonly restartOrder: "startstop" | "stopstart";
  readonly constraints: readonly Constraint[];
  readonly reserveMemoryMiB: number;
}
