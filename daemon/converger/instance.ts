/** One container of a component, and what others are told of it. Pure. @module */
import { effective } from "../../lib/contract/effective.ts";
import type { HealthResult, InstanceStatus } from "../../lib/contract/v1.ts";
import type { InstanceFact } from "../cluster/members.ts";
import type { StoredComponent } from "../store/store.ts";
import type { Address } from "./container.ts";

/** One container and what is known of it. */
export interface Container {
  readonly name: string;
  readonly stored: StoredComponent;
  status: InstanceStatus;
  /** Aborts when the status ends: calls a start off, ends a watch, wakes a frozen one. */
  phase: AbortController;
  /** Aborts when the process has ended. */
  readonly exited: AbortController;
  sinceMs: number;
  address?: Address;
  /** Why it has to go; it takes no further request. */
  doomed?: string;
  /** What the start is busy with. */
  progress?: string | undefined;
  health: readonly HealthResult[];
  /** A later check than those of the start was healthy. */
  isProven: boolean;
  /** Pausing it was tried in vain. */
  isSleepless: boolean;
  stopping?: Promise<void>;
}

/** A container that starts at `nowMs`, in milliseconds since 1970. */
export function newContainer(name: string, stored: StoredComponent, nowMs: number): Container {
  return {
    name,
    stored,
    status: "starting",
    phase: new AbortController(),
    exited: new AbortController(),
    sinceMs: nowMs,
    health: [],
    isProven: false,
    isSleepless: false,
  };
}

/** True when its process should live and requests may reach it. */
export function isServing({ status }: Container): boolean {
  return status === "active" || status === "frozen";
}

/** What others are told of it. */
export function factOf(container: Container): InstanceFact {
  const { name, stored: { component, uid }, status, address, doomed, sinceMs, progress, health } =
    container;
  const { maxConcurrency, softConcurrencyLimit, reserveMemoryMiB } = effective(component);
  return {
    id: name,
    component: component.name,
    version: component.version,
    uid,
    status,
    ...(address ? { address } : {}),
    admits: doomed !== undefined ? 0 : softConcurrencyLimit ? Infinity : maxConcurrency,
    maxConcurrency,
    reserveMemoryMiB,
    sinceMs,
    ...(progress === undefined ? {} : { progress }),
    health,
  };
}
