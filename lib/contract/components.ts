/**
 * Components on the wire: what to run and how to scale it, the versions of it, and what differs
 * between two. `effective.ts` says what absent and zero fields mean.
 * @module
 */
import { z } from "zod";
import { parseConstraint } from "./constraint.ts";
import {
  count,
  LIST_MAX,
  name,
  projectName,
  required,
  seconds,
  SECONDS_MAX,
  text,
} from "./fields.ts";
import { NAME_BYTES_MAX } from "./names.ts";

const MEMORY_MIB_MAX = 64 * 1024 * 1024;

const texts = z.array(text).max(LIST_MAX);
const memoryMiB = z.int().min(0).max(MEMORY_MIB_MAX);
const fraction = z.number().min(0).max(1);
const port = z.int().min(1).max(65535);

/** One environment entry, header or option: `{ "name": "LOG_LEVEL", "value": "debug" }`. */
export const nameValueSchema = z.strictObject({ name: required, value: text });
export type NameValue = z.infer<typeof nameValueSchema>;

const environmentEntry = nameValueSchema.refine((entry) => !entry.name.includes("="), {
  path: ["name"],
  error: 'must not contain "="',
});

/** A mount: `{ "type": "bind", "source": "/srv/data", "target": "/data", "readOnly": true }`. */
export const volumeMountSchema = z.strictObject({
  type: z.enum(["bind", "volume", "tmpfs"]).optional(),
  source: text,
  target: text.refine((value) => value.startsWith("/"), { error: "must be an absolute path" }),
  readOnly: z.boolean().optional(),
}).refine((mount) => mount.source !== "" || mount.type === "tmpfs", {
  path: ["source"],
  error: "is required",
}).refine((mount) => (mount.type ?? "bind") !== "bind" || mount.source.startsWith("/"), {
  path: ["source"],
  error: 'must be an absolute path (a named volume needs "type": "volume")',
});
export type VolumeMount = z.infer<typeof volumeMountSchema>;

// [[host ip:]host port[-end]:]container port[-end][/protocol], as `docker run -p` takes it.
const PORT_BINDING =
  /^(?:(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:]+\]):)?(?:(\d{0,5})(?:-(\d{1,5}))?:)?(\d{1,5})(?:-(\d{1,5}))?(?:\/(?:tcp|udp|sctp))?$/i;

const portBinding = text.refine((value) => {
  const ports = PORT_BINDING.exec(value)?.slice(1).filter((part) => part);
  return ports !== undefined && ports.every((part) => Number(part) >= 1 && Number(part) <= 65535);
}, { error: 'must be a port binding like "8080:80" or "127.0.0.1:5353:53/udp"' });

const ulimit = text.refine((value) => /^[a-z]+=-?\d+(:-?\d+)?$/.test(value), {
  error: 'must be a ulimit like "nofile=1024:2048"',
});

const constraint = text.refine((value) => parseConstraint(value) !== undefined, {
  error: 'must be a constraint like "zone=a" or "disk!=slow"',
});

/** How a component's container is made: `{ "image": "shop:7", "httpPort": 8080, … }`. */
export const dockerComponentSchema = z.strictObject({
  image: required.refine((value) => !/\s/.test(value), { error: "must not contain white space" }),
  command: texts.optional(),
  entrypoint: texts.optional(),
  /** Port inside the container that receives requests. */
  httpPort: port,
  /** GET path of the health check; empty means "/". */
  httpHealthCheckPath: text.refine((value) => value === "" || /^\/[\x21-\x7e]*$/.test(value), {
    error: 'must start with "/" and hold no spaces',
  }).optional(),
  /** Longest wait for the first healthy answer, in seconds; 0 means 60, negative: no check. */
  httpStartHealthCheckSeconds: z.int().min(-1).max(SECONDS_MAX).optional(),
  /** Period of later health checks, in seconds; 0 means 10. */
  httpHealthCheckSeconds: seconds.optional(),
  /** Consecutive failures before the container is replaced; 0 means 1. */
  httpHealthCheckMaxFailures: count.optional(),
  healthCheckFailedCommand: texts.optional(),
  /** Idle time after which the last instance may stop, in seconds; 0 means 300. */
  idleTimeoutSeconds: seconds.optional(),
  /** Idle instances stop, or are paused: memory is kept, no CPU is used. */
  idleMode: z.enum(["stop", "freeze"]).optional(),
  /** Time that a frozen instance is kept before it stops, in seconds; 0 means 3600. */
  frozenTimeoutSeconds: seconds.optional(),
  ports: z.array(portBinding).max(LIST_MAX).optional(),
  volumes: z.array(volumeMountSchema).max(LIST_MAX).optional(),
  networkName: text.optional(),
  logDriver: text.optional(),
  logDriverOptions: z.array(nameValueSchema).max(LIST_MAX).optional(),
  cpuShares: count.optional(),
  /** Memory set aside when placing an instance, in MiB; 0 means 128. */
  reserveMemoryMiB: memoryMiB.optional(),
  /** Hard limit, in MiB; 0 means none. */
  limitMemoryMiB: memoryMiB.optional(),
  /** Command on the node instead of a pull; needs MAEL_PULL_COMMAND=on there. */
  pullCommand: texts.optional(),
  pullUsername: text.optional(),
  /** Never shown again: answers have `***`, and a put of `***` keeps what is stored. */
  pullPassword: text.optional(),
  pullImageOnPut: z.boolean().optional(),
  pullImageOnStart: z.boolean().optional(),
  dns: texts.optional(),
  dnsOptions: texts.optional(),
  dnsSearch: texts.optional(),
  ulimits: z.array(ulimit).max(LIST_MAX).optional(),
  init: z.boolean().optional(),
  hostname: text.optional(),
  domainname: text.optional(),
  user: text.optional(),
  capadd: texts.optional(),
  capdrop: texts.optional(),
}).refine(
  ({ limitMemoryMiB: limit = 0, reserveMemoryMiB: reserve = 0 }) => limit === 0 || limit >= reserve,
  { path: ["limitMemoryMiB"], error: "must not be lower than reserveMemoryMiB" },
);
export type DockerComponent = z.infer<typeof dockerComponentSchema>;

/**
 * What to run and how to scale it:
 * `{ "name": "shop", "environment": [], "maxConcurrency": 10, "version": 3, "docker": { … } }`.
 */
export const componentSchema = z.strictObject({
  name: name(NAME_BYTES_MAX),
  projectName: projectName.optional(),
  environment: z.array(environmentEntry).max(LIST_MAX).default([]),
  /** Instances kept in the cluster even without traffic. */
  minInstances: count.optional(),
  /** Most instances in the cluster; 0 means no limit. */
  maxInstances: count.optional(),
  /** Most instances on one node; 0 means no limit. */
  maxInstancesPerNode: count.optional(),
  /** Most instances missing at once while a version rolls or a node drains; 0 means 1. */
  maxUnavailable: count.optional(),
  /** What the labels of its nodes must be: `["zone=a", "disk!=slow"]`. */
  constraints: z.array(constraint).max(LIST_MAX).optional(),
  /** Requests one instance serves at the same time; 0 means 1. */
  maxConcurrency: count.default(0),
  /** True: maxConcurrency steers scaling only and holds no request back. */
  softConcurrencyLimit: z.boolean().optional(),
  /** Share of maxConcurrency above which instances are added; 0 means 0.75. */
  scaleUpConcurrencyPct: fraction.optional(),
  /** Share of maxConcurrency below which instances are removed; 0 means 0.25. */
  scaleDownConcurrencyPct: fraction.optional(),
  /** Longest time a request may take, waiting included, in seconds; 0 means 300. */
  maxDurationSeconds: seconds.optional(),
  /** Longest wait for an instance, in seconds; 0 means as long as the request may take. */
  queueTimeoutSeconds: seconds.optional(),
  /** Longest wait for the first byte of an answer, in seconds; 0: as long as the request may take. */
  firstByteTimeoutSeconds: seconds.optional(),
  /** Largest request body, in bytes; 0 means no limit. */
  maxBodyBytes: z.int().min(0).optional(),
  /** While nothing runs: hold the request, show browsers a waiting page, or fail at once. */
  onColdStart: z.enum(["hold", "page", "fail"]).optional(),
  startParallelism: z.enum(["parallel", "series", "seriesfirst"]).optional(),
  /** The capital R is the ancestor's; `restartOrder` is accepted too. */
  RestartOrder: z.enum(["startstop", "stopstart"]).optional(),
  /** 0 creates; otherwise the version that is replaced. */
  version: count.default(0),
  /** Last save, in milliseconds since 1970; set by the node. */
  modifiedAt: z.int().min(0).optional(),
  docker: dockerComponentSchema,
}).refine(
  ({ minInstances: min = 0, maxInstances: max = 0 }) => max === 0 || min <= max,
  { path: ["minInstances"], error: "must not be higher than maxInstances" },
);
export type Component = z.infer<typeof componentSchema>;

/** One changed setting: `{ "path": "docker.image", "old": "shop:7", "new": "shop:8" }`. */
export interface FieldChange {
  /** `environment.LOG_LEVEL` for an entry of a list of names. */
  readonly path: string;
  /** Absent when it was not set, and when the value is secret. */
  readonly old?: unknown;
  /** Absent when it is no longer set, and when the value is secret. */
  readonly new?: unknown;
  readonly change: "added" | "changed" | "removed";
  /** True: values are not told. */
  readonly secret?: true;
}

/** A version of a component that one may go back to. */
export interface ComponentVersion {
  readonly version: number;
  /** When it was put, in milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly image: string;
  /** What differs from the next older one; of the oldest nothing is known. */
  readonly changes: readonly FieldChange[];
}
