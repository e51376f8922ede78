/**
 * The wire types of `/_mael/v1` and their checks: where `cli/` and `daemon/` meet. Field names are
 * the ancestor's. Types are free to import; the checks load the schema library.
 *
 * Absent optional fields stay absent in what is stored; `effective.ts` says what they mean.
 * @module
 */
import { z } from "zod";
import { cfgNameFault } from "./cfg.ts";
import { parseConstraint } from "./constraint.ts";
import { parseSchedule } from "../cron/schedule.ts";
import { canonicalName, NAME_BYTES_MAX, nameFault, PROJECT_NAME_BYTES_MAX } from "./names.ts";
import {
  ATTRIBUTES_MAX,
  DELAY_SECONDS_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGES_MAX,
  PRIORITY_MAX,
  QUEUE_NAME_BYTES_MAX,
  type QueuedMessage,
  type QueueInfo,
} from "./queues.ts";
import { TOKEN_SCOPES, TOKEN_SECONDS_MAX, tokenNameFault, type TokenScope } from "./tokens.ts";

// Bounds that keep mistakes out; none of them is a promise.
const LIST_MAX = 1000;
const PROJECT_COMPONENTS_MAX = 10_000;
const TEXT_BYTES_MAX = 64 * 1024;
const SECONDS_MAX = 31 * 24 * 3600;
const COUNT_MAX = 1_000_000;
const MEMORY_MIB_MAX = 64 * 1024 * 1024;

const text = z.string().max(TEXT_BYTES_MAX).refine((value) => !value.includes("\0"), {
  error: "must not contain a NUL character",
});
const required = text.min(1, { error: "is required" });
const texts = z.array(text).max(LIST_MAX);
const count = z.int().min(0).max(COUNT_MAX);
const seconds = z.int().min(0).max(SECONDS_MAX);
const memoryMiB = z.int().min(0).max(MEMORY_MIB_MAX);
const fraction = z.number().min(0).max(1);
const port = z.int().min(1).max(65535);

function name(bytesMax: number) {
  return z.string().default("").superRefine((value, context) => {
    const fault = nameFault(value, bytesMax);
    if (fault) context.addIssue({ code: "custom", message: fault });
  }).transform(canonicalName);
}

const projectName = z.string().transform(canonicalName).refine(
  (value) => value === "" || nameFault(value, PROJECT_NAME_BYTES_MAX) === undefined,
  { error: `must be empty or a name of at most ${PROJECT_NAME_BYTES_MAX} bytes` },
);

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

/** Which requests reach the component: `{ "hostname": "shop.example.com", "pathPrefix": "/" }`. */
export const httpEventSourceSchema = z.strictObject({
  hostname: text.transform((value) => value.trim().toLowerCase()).refine(
    (value) => value === "" || /^(\*\.)?[a-z0-9_.-]+$|^\[[0-9a-f:.]+\]$/.test(value),
    { error: 'must be a host name like "shop.example.com" or "*.example.com", without a port' },
  ).optional(),
  pathPrefix: text.refine((value) => value === "" || value.startsWith("/"), {
    error: 'must start with "/"',
  }).optional(),
  /** True: the instance sees the path without the prefix. */
  stripPrefix: z.boolean().optional(),
}).refine((rule) => Boolean(rule.hostname || rule.pathPrefix), {
  error: "hostname or pathPrefix must be provided",
});
export type HttpEventSource = z.infer<typeof httpEventSourceSchema>;

const requestPath = text.min(1, { error: "must be provided" }).refine(
  (value) => value === "" || /^\/[\x21-\x7e]*$/.test(value),
  { error: 'must start with "/" and hold no spaces' },
);

// How long a body is and when a connection ends is for whoever sends it to say.
const FRAMING = /^(?:connection|content-length|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

const headerEntry = z.strictObject({
  name: required.refine((value) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value), {
    error: "must be the name of a header field",
  }).refine((value) => !FRAMING.test(value), { error: "must not be a field of the connection" }),
  value: text.refine((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value), {
    error: "must be on one line, in Latin-1",
  }),
});

/** The request a cron time makes: `{ "method": "POST", "path": "/nightly", "data": "{}" }`. */
export const cronHttpRequestSchema = z.strictObject({
  method: text.min(1, { error: "must be provided" }).refine(
    (value) => value === "" || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value),
    { error: "must be an HTTP method" },
  ),
  path: requestPath,
  data: text.optional(),
  headers: z.array(headerEntry).max(LIST_MAX).optional(),
});
export type CronHttpRequest = z.infer<typeof cronHttpRequestSchema>;

/** `{ "schedule": "0 3 * * *", "http": { "method": "GET", "path": "/nightly" } }`. */
export const cronEventSourceSchema = z.strictObject({
  schedule: text.transform((value) => value.trim()),
  /** IANA zone of the schedule's times; absent means UTC. */
  timezone: text.optional(),
  /** What becomes of a due time while a run goes on; absent means skip. */
  overlap: z.enum(["allow", "skip", "queue", "replace"]).optional(),
  /** Which due times are started that nobody started in time; absent means latest. */
  missed: z.enum(["skip", "latest", "all"]).optional(),
  /** Most due times that `all` starts, newest first; 0 means 10. */
  missedMax: z.int().min(0).max(LIST_MAX).optional(),
  /** Starts are this much late at most, each source by its own constant share. */
  jitterSeconds: z.int().min(0).max(24 * 3600).optional(),
  /** Attempts after one that failed. */
  retries: z.int().min(0).max(100).optional(),
  /** Wait before the second attempt, doubled for each further one; 0 means 10. */
  retryDelaySeconds: z.int().min(0).max(3600).optional(),
  http: cronHttpRequestSchema,
}).superRefine(({ schedule, timezone }, context) => {
  const parsed = parseSchedule(schedule, timezone);
  if ("schedule" in parsed) return;
  context.addIssue({ code: "custom", path: [parsed.setting], message: parsed.fault });
});
export type CronEventSource = z.infer<typeof cronEventSourceSchema>;

const awsRegion = text.refine((value) => /^[a-z0-9-]{1,40}$/.test(value), {
  error: 'must be a region like "eu-west-1"',
});
const awsEndpoint = text.refine((value) => /^https?:\/\/[^\s/?#@]+\/?$/.test(value), {
  error: 'must be an address like "http://localhost:4566"',
});

/** `{ "queueName": "images", "path": "/image", "maxConcurrency": 10 }`. */
export const sqsEventSourceSchema = z.strictObject({
  queueName: required,
  nameAsPrefix: z.boolean().optional(),
  path: requestPath,
  maxConcurrency: count.optional(),
  messagesPerPoll: count.optional(),
  concurrencyPerPoller: count.optional(),
  /** In seconds; 0 means 300. */
  visibilityTimeout: seconds.optional(),
  /** True: all messages of a poll go in one request, whose answer names those that failed. */
  batch: z.boolean().optional(),
  /** As `AWS_REGION` and the profile say when absent. */
  region: awsRegion.optional(),
  /** Address of another service that speaks SQS. */
  endpoint: awsEndpoint.optional(),
});
export type SqsEventSource = z.infer<typeof sqsEventSourceSchema>;

/** `{ "activityName": "resize", "path": "/resize" }`. */
export const awsStepFunctionEventSourceSchema = z.strictObject({
  activityName: required,
  path: requestPath,
  maxConcurrency: count.optional(),
  concurrencyPerPoller: count.optional(),
  /** Heartbeats are sent twice in this time, in seconds; 0 means 60. */
  heartbeatSeconds: seconds.optional(),
  /** As `AWS_REGION` and the profile say when absent. */
  region: awsRegion.optional(),
  /** Address of another service that speaks Step Functions. */
  endpoint: awsEndpoint.optional(),
});
export type AwsStepFunctionEventSource = z.infer<typeof awsStepFunctionEventSourceSchema>;

/** `{ "name": "images", "path": "/image", "maxConcurrency": 20 }`: a queue that the nodes keep. */
export const queueEventSourceSchema = z.strictObject({
  name: name(QUEUE_NAME_BYTES_MAX),
  path: requestPath,
  /** Messages served at once in the cluster; 0 means 10. */
  maxConcurrency: count.optional(),
  /** Messages one poller serves at once; 0 means 10. */
  concurrencyPerPoller: count.optional(),
  /** Time after which the message of a node that died comes back, in seconds; 0 means 60. */
  visibilitySeconds: seconds.optional(),
  /** Deliveries after which a message is given up; 0 means 5. */
  maxReceives: count.optional(),
  /** Where messages go that were given up; absent means the name with `-dead`. */
  deadLetterQueue: z.string().transform(canonicalName).superRefine((value, context) => {
    const fault = nameFault(value);
    if (fault) context.addIssue({ code: "custom", message: fault });
  }).optional(),
  /** Time that a message is kept, in seconds; 0 means 14 days. */
  retentionSeconds: seconds.optional(),
  /** Messages it holds before it refuses more; 0 means 100000. */
  maxLength: count.optional(),
  /** True: all messages of a poll are sent in one request, whose answer names the failed ones. */
  batch: z.boolean().optional(),
  /** True: whoever reaches the private port may send, without key or token. */
  open: z.boolean().optional(),
}).refine((queue) => queue.deadLetterQueue !== queue.name, {
  path: ["deadLetterQueue"],
  error: "must not be the queue itself",
});
export type QueueEventSource = z.infer<typeof queueEventSourceSchema>;

const EVENT_SOURCE_KINDS = ["http", "cron", "sqs", "awsstepfunc", "queue"] as const;

/** What an event source listens to. */
export const eventSourceTypeSchema = z.enum(EVENT_SOURCE_KINDS);
export type EventSourceType = z.infer<typeof eventSourceTypeSchema>;

/** What wakes a component: `{ "name": "shop_http", "componentName": "shop", "http": { … } }`. */
export const eventSourceSchema = z.strictObject({
  name: name(NAME_BYTES_MAX),
  componentName: name(NAME_BYTES_MAX),
  /** Set by the node to the component's project. */
  projectName: projectName.optional(),
  version: count.default(0),
  modifiedAt: z.int().min(0).default(0),
  http: httpEventSourceSchema.optional(),
  cron: cronEventSourceSchema.optional(),
  sqs: sqsEventSourceSchema.optional(),
  awsstepfunc: awsStepFunctionEventSourceSchema.optional(),
  queue: queueEventSourceSchema.optional(),
}).superRefine((source, context) => {
  const given = EVENT_SOURCE_KINDS.filter((kind) => source[kind] !== undefined);
  if (given.length === 0) {
    context.addIssue({
      code: "custom",
      message: "No event source sub-type provided (e.g. http)",
    });
  } else if (given.length > 1) {
    context.addIssue({
      code: "custom",
      message: `must have exactly one of ${EVENT_SOURCE_KINDS.join(", ")}, found ${
        given.join(" and ")
      }`,
    });
  }
});
export type EventSource = z.infer<typeof eventSourceSchema>;

/** The one kind of `source`. */
export function eventSourceType(source: EventSource): EventSourceType {
  const kind = EVENT_SOURCE_KINDS.find((kind) => source[kind] !== undefined);
  if (!kind) throw new Error(`event source ${source.name} has no sub-type`);
  return kind;
}

/** An event source and whether it is switched on. */
export interface EventSourceWithStatus {
  readonly eventSource: EventSource;
  readonly enabled: boolean;
  /** How it fares on all nodes; only in lists, of those that read queues and are polled. */
  readonly status?: SourceStatus;
}

/** Where a run of an event source stands. */
export const RUN_STATUSES = [
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "lost",
  "replaced",
  "skipped",
] as const;
export type RunStatus = typeof RUN_STATUSES[number];

/**
 * A run of a cron event source, or a due time that was skipped. Times are in milliseconds since
 * 1970; 0 means not yet, or never.
 */
export interface CronRun {
  readonly runId: string;
  readonly eventSourceName: string;
  /** When it was due; of a run that somebody asked for, when that was. */
  readonly dueAt: number;
  /** Of due times that were skipped one after the other, the last. */
  readonly lastDueAt: number;
  /** Due times that this is about. */
  readonly dueCount: number;
  /** Somebody asked for it. */
  readonly manual: boolean;
  readonly status: RunStatus;
  /** Why it was skipped, or what failed. */
  readonly reason: string;
  /** Counts the starts from 1; 0: none yet. */
  readonly attempt: number;
  /** The answer's status; 0 when there was none. */
  readonly httpStatus: number;
  /** The node that started it; empty when none did. */
  readonly nodeId: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When the next attempt is due. */
  readonly retryAt: number;
}

/** An event source of a project. On a put `enabled` counts for nothing: a switch is no setting. */
const projectEventSourceSchema = z.strictObject({
  eventSource: eventSourceSchema,
  enabled: z.boolean().default(true),
});

/** A component and what wakes it: `{ "component": { … }, "eventSources": [] }`. */
export const componentWithEventSourcesSchema = z.strictObject({
  component: componentSchema,
  eventSources: z.array(projectEventSourceSchema).max(LIST_MAX).default([]),
});
export type ComponentWithEventSources = z.infer<typeof componentWithEventSourcesSchema>;

/** Components that are put and removed as one: `{ "name": "demo", "components": [ … ] }`. */
export const projectSchema = z.strictObject({
  name: name(PROJECT_NAME_BYTES_MAX),
  components: z.array(componentWithEventSourcesSchema).max(PROJECT_COMPONENTS_MAX).superRefine(
    (components, context) => {
      if (components.length > 0) return;
      context.addIssue({ code: "custom", message: "array cannot be empty" });
    },
  ),
});
export type Project = z.infer<typeof projectSchema>;

/** What a list of projects says of one. The name is empty for components without a project. */
export interface ProjectInfo {
  readonly projectName: string;
  readonly componentCount: number;
  readonly eventSourceCount: number;
}

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

/** The changed settings of one component or event source. */
export interface ItemChange {
  readonly kind: "component" | "eventSource";
  readonly name: string;
  readonly fields: readonly FieldChange[];
}

/** What a put of a project does. Items carry the version they replace; 0 means none. */
export interface ProjectChanges {
  readonly name: string;
  readonly componentsAdded: readonly Component[];
  readonly componentsUpdated: readonly Component[];
  readonly componentsRemoved: readonly string[];
  readonly eventSourcesAdded: readonly EventSource[];
  readonly eventSourcesUpdated: readonly EventSource[];
  readonly eventSourcesRemoved: readonly string[];
  /** Of what is updated; ours beside the ancestor's fields. */
  readonly changes: readonly ItemChange[];
}

/** Traffic of one instance in one window, newest first in a list of at most ten. */
export interface ComponentActivity {
  /** Requests completed in the window. */
  readonly requests: number;
  /** Requests in progress, averaged over the window. */
  readonly concurrency: number;
}

/** Where an instance is in its life. */
export type InstanceStatus = "starting" | "active" | "frozen" | "stopping";

/** One health check: `{ "at": 1767225600000, "healthy": false, "detail": "status 503" }`. */
export interface HealthResult {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly healthy: boolean;
  /** The answer's status, or why there was none. */
  readonly detail: string;
}

/** A version that does not start, or does not keep running, on a node. */
export interface ComponentFailure {
  readonly componentName: string;
  readonly componentVersion: number;
  readonly message: string;
  /** Starts that failed one after the other. */
  readonly attempts: number;
  /** When the next is due, in milliseconds since 1970; 0: of itself none. */
  readonly retryAt: number;
  /** The last lines that the last attempt's container wrote, oldest first. */
  readonly lines: readonly string[];
  /** The last checks of that container, oldest first. */
  readonly health: readonly HealthResult[];
}

/** One running instance of a component, as a node reports it. */
export interface ComponentInfo {
  readonly componentName: string;
  readonly componentVersion: number;
  readonly status: InstanceStatus;
  readonly maxConcurrency: number;
  readonly memoryReservedMiB: number;
  /** In milliseconds since 1970. */
  readonly startTime: number;
  /** In milliseconds since 1970; 0 means never. */
  readonly lastRequestTime: number;
  readonly totalRequests: number;
  readonly activity: readonly ComponentActivity[];
  /** Name of the container; ours beside the ancestor's fields. */
  readonly containerName: string;
  /** Requests in progress now; ours beside the ancestor's fields. */
  readonly inFlight: number;
  /** Requests it may have at the same time: more than maxConcurrency when that is a soft limit. */
  readonly admits: number;
  /** What a start is busy with: `pulling shop:7, 45 %`. Absent when there is nothing to tell. */
  readonly progress?: string;
  /** The last health checks, oldest first; at most five. */
  readonly health: readonly HealthResult[];
}

/** What a node says of itself. */
export interface NodeStatus {
  readonly nodeId: string;
  readonly startedAt: number;
  readonly observedAt: number;
  readonly version: number;
  readonly peerUrl: string;
  readonly totalMemoryMiB: number;
  readonly freeMemoryMiB: number;
  readonly numCPUs: number;
  readonly loadAvg1m: number;
  readonly loadAvg5m: number;
  readonly loadAvg15m: number;
  readonly runningComponents: readonly ComponentInfo[];
  // From here on ours beside the ancestor's fields.
  readonly failures: readonly ComponentFailure[];
  /** Requests that wait here for an instance, by component; those with none are left out. */
  readonly waiting: readonly ComponentWaiting[];
  /** Duties that the node performs for the whole cluster. */
  readonly roles: readonly RoleHeld[];
  /** Event sources whose queues are polled here. */
  readonly sources: readonly SourceStatus[];
  readonly state: NodeState;
  /** The daemon is stopping: nothing more should be sent there. */
  readonly isLeaving: boolean;
  /** What constraints of components speak of: `{ "zone": "a" }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Version of the messages between nodes that it speaks. */
  readonly protocol: number;
}

/** Whether a node takes new instances, and whether it gives away those it has. */
export const nodeStateSchema = z.enum(["ready", "cordoned", "draining"]);
export type NodeState = z.infer<typeof nodeStateSchema>;

/** Requests that wait for a component: `{ "componentName": "shop", "count": 3 }`. */
export interface ComponentWaiting {
  readonly componentName: string;
  readonly count: number;
}

/** How an event source that reads queues fares, on one node or on all, since it was polled there. */
export interface SourceStatus {
  readonly eventSourceName: string;
  readonly componentName: string;
  /** Requests that go on, and those that messages wait for which this node counts. */
  readonly demand: number;
  /** Most requests that may go on in the cluster. */
  readonly maxConcurrency: number;
  /** Messages that the component has now. */
  readonly inFlight: number;
  /** Messages in the queues; counted by one node for all. */
  readonly waiting: number;
  /** Messages that were given up, in the dead-letter queues; counted by one node for all. */
  readonly dead: number;
  readonly handled: number;
  /** Deliveries that failed. */
  readonly failed: number;
  /** Deliveries of messages that had been delivered before. */
  readonly repeated: number;
  /** Messages that were handled but could not be deleted, so that they came again. */
  readonly undeleted: number;
  /** What keeps it from receiving. */
  readonly error?: {
    readonly reason: string;
    /** In milliseconds since 1970. */
    readonly since: number;
    /** When it is tried again, in milliseconds since 1970. */
    readonly retryAt: number;
  };
}

/** A duty and its ownership: `{ "role": "placement", "epoch": 7 }`. */
export interface RoleHeld {
  readonly role: string;
  /** Grows with each change of owner. */
  readonly epoch: number;
}

/** How a component fares on all nodes. */
export interface ComponentStatus {
  readonly instances: readonly (ComponentInfo & { readonly nodeId: string })[];
  readonly failures: readonly (ComponentFailure & { readonly nodeId: string })[];
}

/** What a node should run, as the owner of placement says: `{ "epoch": 7, "targets": [ … ], … }`. */
export const targetOrderSchema = z.object({
  /** Of the ownership; a node refuses one that is older than it has seen. */
  epoch: z.int().min(0),
  /** Grows with each order of the epoch; a node leaves one that was overtaken on its way. */
  number: z.int().min(0),
  /** Components that are not named should have no instance. */
  targets: z.array(z.object({
    componentName: z.string(),
    count,
    /** The newest version that may run; the node keeps an older one until its turn to roll. */
    version: z.int().min(0),
  })),
  /** Components that have fewer instances than wanted, and why. */
  refused: z.array(z.object({ componentName: z.string(), reason: z.string() })),
});
export type TargetOrder = z.infer<typeof targetOrderSchema>;

/** A version of a component that one may go back to. */
export interface ComponentVersion {
  readonly version: number;
  /** When it was put, in milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly image: string;
  /** What differs from the next older one; of the oldest nothing is known. */
  readonly changes: readonly FieldChange[];
}

const cfgName = z.string().superRefine((value, context) => {
  const fault = cfgNameFault(value);
  if (fault) context.addIssue({ code: "custom", message: fault });
});

/** A named value to put: `{ "name": "DB_PASSWORD", "value": "…", "secret": true }`. */
export const cfgSchema = z.strictObject({
  name: cfgName,
  value: text,
  /** True: kept sealed and never shown again. Needed again whenever a secret is replaced. */
  secret: z.boolean().optional(),
});
export type CfgPut = z.infer<typeof cfgSchema>;

/** A named value, as it may be shown. */
export interface CfgInfo {
  readonly name: string;
  /** Absent when it is secret. */
  readonly value?: string;
  readonly secret: boolean;
  /** Counts the changes from 1. */
  readonly version: number;
  /** In milliseconds since 1970. */
  readonly modifiedAt: number;
  /** Components whose environment refers to it. */
  readonly usedBy: readonly string[];
}

const tokenName = z.string().superRefine((value, context) => {
  const fault = tokenNameFault(value);
  if (fault) context.addIssue({ code: "custom", message: fault });
});

/** A token, as it may be shown. */
export interface TokenInfo {
  readonly name: string;
  readonly scope: TokenScope;
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  /** In milliseconds since 1970; 0 means never. */
  readonly expiresAt: number;
  /** In milliseconds since 1970, a minute late at most; 0 means never. */
  readonly lastUsedAt: number;
}

const nameInput = z.object({ name: z.string().optional() });
const queueInput = { queue: z.string().transform(canonicalName) };

const utf8 = new TextEncoder();

/** A message to send: `{ "body": "{}", "delaySeconds": 60, "attributes": { "kind": "jpeg" } }`. */
export const messageSchema = z.strictObject({
  body: z.string().refine((body) => utf8.encode(body).length <= MESSAGE_BYTES_MAX, {
    error: `is larger than ${MESSAGE_BYTES_MAX} bytes`,
  }).refine((body) => !body.includes("\0"), { error: "must not contain a NUL character" }),
  /** Time before it is delivered, in seconds. */
  delaySeconds: z.int().min(0).max(DELAY_SECONDS_MAX).optional(),
  /** Higher ones are delivered first; 0 if absent. */
  priority: z.int().min(0).max(PRIORITY_MAX).optional(),
  /** Become header fields: names in lower case, values of one line. */
  attributes: z.record(
    z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: "must be a name like retry-kind" }),
    z.string().regex(/^[\x20-\x7e]{0,1024}$/, {
      error: "must be at most 1024 printable characters of ASCII",
    }),
  ).refine((attributes) => Object.keys(attributes).length <= ATTRIBUTES_MAX, {
    error: `must have at most ${ATTRIBUTES_MAX} entries`,
  }).optional(),
});
export type MessageInput = z.infer<typeof messageSchema>;
const page = {
  limit: z.int().optional(),
  nextToken: z.string().optional(),
};
const sourceFilter = {
  namePrefix: z.string().optional(),
  componentName: z.string().optional(),
  projectName: z.string().optional(),
  eventSourceType: eventSourceTypeSchema.optional(),
};

/** Inputs of the methods, by `Interface.Function`. Unknown fields beside them are ignored. */
export const inputSchemas = {
  "MaelstromService.PutComponent": z.object({ component: componentSchema }),
  "MaelstromService.GetComponent": nameInput,
  "MaelstromService.RemoveComponent": nameInput,
  "MaelstromService.ListComponents": z.object({
    namePrefix: z.string().optional(),
    projectName: z.string().optional(),
    ...page,
  }),
  "MaelstromService.ListComponentVersions": nameInput,
  "MaelstromService.RollbackComponent": z.object({
    name: z.string().optional(),
    version: z.int().min(1).optional(),
  }),
  "MaelstromService.PutCfg": z.object({ values: z.array(cfgSchema).min(1).max(LIST_MAX) }),
  "MaelstromService.GetCfg": z.object({ name: cfgName }),
  "MaelstromService.ListCfg": z.object({}),
  "MaelstromService.RemoveCfg": z.object({ name: cfgName }),
  "MaelstromService.PutEventSource": z.object({ eventSource: eventSourceSchema }),
  "MaelstromService.GetEventSource": nameInput,
  "MaelstromService.RemoveEventSource": nameInput,
  "MaelstromService.ToggleEventSources": z.object({ enabled: z.boolean(), ...sourceFilter }),
  "MaelstromService.ListEventSources": z.object({ ...sourceFilter, ...page }),
  "MaelstromService.ListCronRuns": z.object({
    name: z.string().optional(),
    limit: z.int().min(1).max(LIST_MAX).optional(),
  }),
  "MaelstromService.RunCron": nameInput,
  "MaelstromService.ListProjects": z.object({ namePrefix: z.string().optional() }),
  "MaelstromService.PutProject": z.object({
    project: projectSchema,
    diffOnly: z.boolean().optional(),
  }),
  "MaelstromService.GetProject": nameInput,
  "MaelstromService.RemoveProject": nameInput,
  "MaelstromService.CreateToken": z.object({
    name: tokenName,
    scope: z.enum(TOKEN_SCOPES),
    /** Absent: it does not expire. */
    expiresInSeconds: z.int().min(1).max(TOKEN_SECONDS_MAX).optional(),
  }),
  "MaelstromService.ListTokens": z.object({}),
  "MaelstromService.RemoveToken": z.object({ name: tokenName }),
  "MaelstromService.SendMessages": z.object({
    ...queueInput,
    messages: z.array(messageSchema).min(1).max(MESSAGES_MAX),
  }),
  "MaelstromService.ListQueues": z.object({}),
  "MaelstromService.PeekQueue": z.object({
    ...queueInput,
    limit: z.int().min(1).max(MESSAGES_MAX).optional(),
    /** True: those that it gave up instead. */
    dead: z.boolean().optional(),
  }),
  "MaelstromService.PurgeQueue": z.object(queueInput),
  "MaelstromService.RedriveQueue": z.object(queueInput),
  "NodeService.ListNodeStatus": z.object({ forceRefresh: z.boolean().optional() }),
  "NodeService.GetStatus": z.object({}),
  "NodeService.PutNodeState": z.object({ nodeId: z.string(), state: nodeStateSchema }),
  "NodeService.RemoveNode": z.object({ nodeId: z.string() }),
  "NodeService.StatusChanged": z.object({
    nodeId: z.string(),
    exiting: z.boolean(),
    // What a node of ours says of itself is trusted to have the shape; the caller is known.
    status: z.custom<NodeStatus>((value) => typeof value === "object" && value !== null).optional(),
  }),
  "NodeService.SetTargets": targetOrderSchema,
} as const;

/** A method of the API. */
export type Method = keyof typeof inputSchemas;

/** Checked inputs by method. */
export type Inputs = { [M in Method]: z.infer<typeof inputSchemas[M]> };

/** Results by method. */
export interface Outputs {
  "MaelstromService.PutComponent": { name: string; version: number };
  "MaelstromService.GetComponent": { component: Component; status: ComponentStatus };
  "MaelstromService.RemoveComponent": { name: string; found: boolean };
  "MaelstromService.ListComponents": { components: Component[]; nextToken?: string };
  "MaelstromService.ListComponentVersions": {
    name: string;
    /** Newest first; the first is the current one. */
    versions: ComponentVersion[];
  };
  "MaelstromService.RollbackComponent": {
    name: string;
    /** The new version, with the content of `restoredVersion`. */
    version: number;
    restoredVersion: number;
    replacedVersion: number;
    changes: readonly FieldChange[];
  };
  "MaelstromService.PutCfg": {
    /** The values that were not so already, with their new versions. */
    changed: { name: string; version: number; secret: boolean }[];
    /** The components that use them, with the versions that were made of them. */
    components: { name: string; version: number }[];
  };
  "MaelstromService.GetCfg": { cfg: CfgInfo };
  "MaelstromService.ListCfg": { values: CfgInfo[] };
  "MaelstromService.RemoveCfg": { name: string; found: boolean };
  "MaelstromService.PutEventSource": { name: string; version: number };
  "MaelstromService.GetEventSource": { eventSource: EventSource };
  "MaelstromService.RemoveEventSource": { name: string; found: boolean };
  "MaelstromService.ToggleEventSources": {
    enabled: boolean;
    /** Those that were not so already, in name order. */
    eventSourceNames: string[];
  };
  "MaelstromService.ListEventSources": {
    eventSources: EventSourceWithStatus[];
    nextToken?: string;
  };
  "MaelstromService.ListCronRuns": {
    /** Newest first. */
    runs: CronRun[];
  };
  "MaelstromService.RunCron": { name: string; runId: string };
  "MaelstromService.ListProjects": { projects: ProjectInfo[] };
  "MaelstromService.PutProject": ProjectChanges;
  "MaelstromService.GetProject": { project: Project };
  "MaelstromService.RemoveProject": { name: string; found: boolean };
  "MaelstromService.CreateToken": {
    /** Shown here and never again. */
    token: string;
    name: string;
    scope: TokenScope;
    /** In milliseconds since 1970; 0 means never. */
    expiresAt: number;
  };
  "MaelstromService.ListTokens": { tokens: TokenInfo[] };
  "MaelstromService.RemoveToken": { name: string; found: boolean };
  "MaelstromService.SendMessages": {
    /** In the order of the messages; on disk. */
    ids: readonly string[];
  };
  "MaelstromService.ListQueues": { queues: readonly QueueInfo[] };
  /** In the order of delivery, oldest first among dead letters. */
  "MaelstromService.PeekQueue": { messages: readonly QueuedMessage[] };
  "MaelstromService.PurgeQueue": { queue: string; removed: number };
  "MaelstromService.RedriveQueue": { queue: string; moved: number };
  "NodeService.ListNodeStatus": {
    respondingNodeId: string;
    /** Those that are silent included. */
    nodes: NodeStatus[];
    /** Ours beside the ancestor's fields; absent when the node is an ancestor. */
    silentNodeIds?: string[];
  };
  "NodeService.GetStatus": { status: NodeStatus };
  "NodeService.PutNodeState": { nodeId: string; state: NodeState };
  "NodeService.RemoveNode": { nodeId: string; found: boolean };
  "NodeService.StatusChanged": { nodeId: string; status: NodeStatus };
  "NodeService.SetTargets": { nodeId: string };
}
