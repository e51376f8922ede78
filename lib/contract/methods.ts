/**
 * The methods of the API: what each takes, as a check, and what it answers. Beside them the small
 * things that only methods speak of: named values, tokens and messages.
 * @module
 */
import { z } from "zod";
import { cfgNameFault } from "./cfg.ts";
import {
  type Component,
  componentSchema,
  type ComponentVersion,
  type FieldChange,
} from "./components.ts";
import {
  type CronRun,
  type EventSource,
  eventSourceSchema,
  eventSourceTypeSchema,
  type EventSourceWithStatus,
} from "./event_sources.ts";
import { LIST_MAX, text } from "./fields.ts";
import { canonicalName } from "./names.ts";
import { type Project, type ProjectChanges, type ProjectInfo, projectSchema } from "./projects.ts";
import {
  ATTRIBUTES_MAX,
  DELAY_SECONDS_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGES_MAX,
  PRIORITY_MAX,
  type QueuedMessage,
  type QueueInfo,
} from "./queues.ts";
import {
  type ComponentStatus,
  type NodeState,
  nodeStateSchema,
  type NodeStatus,
  targetOrderSchema,
} from "./status.ts";
import { TOKEN_SCOPES, TOKEN_SECONDS_MAX, tokenNameFault, type TokenScope } from "./tokens.ts";

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
    /** Those that are silent or not used included. */
    nodes: NodeStatus[];
    /** Ours beside the ancestor's fields; absent when the node is an ancestor. */
    silentNodeIds?: string[];
    /** Those of them that are there after all, but that the responding node cannot use, and why. */
    unusedNodes?: { nodeId: string; reason: string }[];
  };
  "NodeService.GetStatus": { status: NodeStatus };
  "NodeService.PutNodeState": { nodeId: string; state: NodeState };
  "NodeService.RemoveNode": { nodeId: string; found: boolean };
  "NodeService.StatusChanged": { nodeId: string; status: NodeStatus };
  "NodeService.SetTargets": { nodeId: string };
}
