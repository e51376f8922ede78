/**
 * Event sources on the wire: what wakes a component, whether it is switched on, and the runs of cron.
 * @module
 */
import { z } from "zod";
import { parseSchedule } from "../cron/schedule.ts";
import { count, LIST_MAX, name, projectName, required, seconds, text } from "./fields.ts";
import { canonicalName, NAME_BYTES_MAX, nameFault } from "./names.ts";
import { QUEUE_NAME_BYTES_MAX } from "./queues.ts";
import type { SourceStatus } from "./status.ts";

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

/** Source: Amazon SQS API Reference, CreateQueue. */
const sqsName = required.refine(
  (value) => value === "" || (value.length <= 80 && /^[\w-]+(\.fifo)?$/.test(value)),
  { error: 'must be a queue\'s name: letters, digits, "-", "_", up to 80, maybe with ".fifo"' },
);
/** Source: AWS Step Functions API Reference, CreateActivity. */
const activityName = required.refine(
  (value) => value === "" || (value.length <= 80 && /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]+$/.test(value)),
  { error: "must be an activity's name: up to 80 characters, no spaces, brackets or wildcards" },
);

/** `{ "queueName": "images", "path": "/image", "maxConcurrency": 10 }`. */
export const sqsEventSourceSchema = z.strictObject({
  queueName: sqsName,
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
  activityName,
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
