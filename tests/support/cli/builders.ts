/** Wire values with defaults. @module */
import type {
  Component,
  ComponentInfo,
  EventSource,
  NodeStatus,
  SourceStatus,
} from "../../../lib/contract/v1.ts";
import { NOW_MS } from "./run.ts";

const MINUTE = 60_000;

/** A component called `name`. */
export function component(name: string, fields: Partial<Component> = {}): Component {
  return {
    name,
    environment: [],
    maxConcurrency: 0,
    version: 1,
    modifiedAt: NOW_MS - 3 * MINUTE,
    docker: { image: `${name}:7`, httpPort: 8080 },
    ...fields,
  };
}

/** An event source called `name`, of the component `shop`. */
export function eventSource(name: string, fields: Partial<EventSource> = {}): EventSource {
  return { name, componentName: "shop", version: 1, modifiedAt: NOW_MS - 3 * MINUTE, ...fields };
}

/** An instance of `componentName`. */
export function instance(
  componentName: string,
  fields: Partial<ComponentInfo> = {},
): ComponentInfo {
  return {
    componentName,
    componentVersion: 1,
    status: "active",
    maxConcurrency: 4,
    memoryReservedMiB: 128,
    startTime: NOW_MS - 10 * MINUTE,
    lastRequestTime: NOW_MS - 20_000,
    totalRequests: 1234,
    activity: [{ requests: 10, concurrency: 1 }, { requests: 30, concurrency: 3 }],
    containerName: "mael_shop_1",
    inFlight: 1,
    health: [],
    admits: 4,
    ...fields,
  };
}

/** A node that runs `runningComponents`. */
export function nodeStatus(
  nodeId: string,
  runningComponents: readonly ComponentInfo[],
  fields: Partial<NodeStatus> = {},
): NodeStatus {
  return {
    nodeId,
    startedAt: NOW_MS - 26 * 60 * MINUTE,
    observedAt: NOW_MS,
    version: 1714500000000,
    peerUrl: "http://10.0.0.5:8374",
    totalMemoryMiB: 8000,
    freeMemoryMiB: 6000,
    numCPUs: 4,
    loadAvg1m: 0.1,
    loadAvg5m: 1.25,
    loadAvg15m: 12,
    runningComponents,
    failures: [],
    waiting: [],
    roles: [],
    sources: [],
    labels: {},
    state: "ready",
    isLeaving: false,
    protocol: 1,
    ...fields,
  };
}

/** How the event source called `eventSourceName`, which reads a queue, fares on a node. */
export function sourceStatus(
  eventSourceName: string,
  fields: Partial<SourceStatus> = {},
): SourceStatus {
  return {
    eventSourceName,
    componentName: "shop",
    demand: 0,
    maxConcurrency: 10,
    inFlight: 0,
    waiting: 0,
    dead: 0,
    handled: 0,
    failed: 0,
    repeated: 0,
    undeleted: 0,
    ...fields,
  };
}
