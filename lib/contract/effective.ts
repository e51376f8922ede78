/** What absent and zero fields of a component mean. Pure. @module */
import { type Constraint, parseConstraint } from "./constraint.ts";
import type { Component } from "./v1.ts";

/** A component's settings with every default filled in. */
export interface Effective {
  readonly minInstances: number;
  /** Infinity when there is no limit. */
  readonly maxInstances: number;
  /** Infinity when there is no limit. */
  readonly maxInstancesPerNode: number;
  readonly maxUnavailable: number;
  readonly constraints: readonly Constraint[];
  readonly maxConcurrency: number;
  readonly softConcurrencyLimit: boolean;
  readonly scaleUpConcurrencyPct: number;
  readonly scaleDownConcurrencyPct: number;
  readonly maxDurationMs: number;
  readonly queueTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  /** Infinity when there is no limit. */
  readonly bodyBytesMax: number;
  readonly onColdStart: "hold" | "page" | "fail";
  readonly startParallelism: "parallel" | "series" | "seriesfirst";
  readonly restartOrder: "startstop" | "stopstart";
  readonly healthCheckPath: string;
  /** Undefined when the component wants no start check. */
  readonly startLimitMs: number | undefined;
  readonly healthCheckEveryMs: number;
  readonly healthCheckMaxFailures: number;
  readonly idleTimeoutMs: number;
  readonly idleMode: "stop" | "freeze";
  /** Time that a frozen instance is kept beyond its idle timeout. */
  readonly frozenTimeoutMs: number;
  readonly reserveMemoryMiB: number;
}

/**
 * The meaning of `component`'s settings. Zero and absent are the same.
 *
 * Source: the ancestor's defaults.
 */
export function effective(component: Component): Effective {
  const { docker } = component;
  const startSeconds = docker.httpStartHealthCheckSeconds || 60;
  const maxDurationMs = (component.maxDurationSeconds || 300) * 1000;
  return {
    minInstances: component.minInstances ?? 0,
    maxInstances: component.maxInstances || Infinity,
    maxInstancesPerNode: component.maxInstancesPerNode || Infinity,
    maxUnavailable: component.maxUnavailable || 1,
    constraints: (component.constraints ?? []).flatMap((text) => parseConstraint(text) ?? []),
    maxConcurrency: component.maxConcurrency || 1,
    softConcurrencyLimit: component.softConcurrencyLimit ?? false,
    scaleUpConcurrencyPct: component.scaleUpConcurrencyPct || 0.75,
    scaleDownConcurrencyPct: component.scaleDownConcurrencyPct || 0.25,
    maxDurationMs,
    queueTimeoutMs: component.queueTimeoutSeconds
      ? component.queueTimeoutSeconds * 1000
      : maxDurationMs,
    firstByteTimeoutMs: component.firstByteTimeoutSeconds
      ? component.firstByteTimeoutSeconds * 1000
      : maxDurationMs,
    bodyBytesMax: component.maxBodyBytes || Infinity,
    onColdStart: component.onColdStart ?? "hold",
    startParallelism: component.startParallelism ?? "parallel",
    restartOrder: component.RestartOrder ?? "stopstart",
    healthCheckPath: docker.httpHealthCheckPath || "/",
    startLimitMs: startSeconds < 0 ? undefined : startSeconds * 1000,
    healthCheckEveryMs: (docker.httpHealthCheckSeconds || 10) * 1000,
    healthCheckMaxFailures: docker.httpHealthCheckMaxFailures || 1,
    idleTimeoutMs: (docker.idleTimeoutSeconds || 300) * 1000,
    idleMode: docker.idleMode ?? "stop",
    frozenTimeoutMs: (docker.frozenTimeoutSeconds || 3600) * 1000,
    reserveMemoryMiB: docker.reserveMemoryMiB || 128,
  };
}
