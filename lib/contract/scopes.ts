/**
 * Who may do what: the scope that each method and each endpoint needs. A new one without a row here
 * does not compile. Pure.
 * @module
 */
import type { Method } from "./v1.ts";

/**
 * What a caller may do, from least to most; each includes those before it. `anybody` has shown
 * nothing, `peer` is what nodes say to each other; no token has either.
 */
export const SCOPES = ["anybody", "read", "deploy", "admin", "peer"] as const;

/** One of {@linkcode SCOPES}. */
export type Scope = typeof SCOPES[number];

/** Whether a caller that holds `held` may do what needs `needed`. */
export function allows(held: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(held) >= SCOPES.indexOf(needed);
}

/** The scope a method needs, which may depend on its input, not yet checked. */
type Needed = Scope | ((input: object) => Scope);

/** Secrets are the administrator's; other values belong to deploys. */
function putCfg(input: object): Scope {
  const { values } = input as { readonly values?: unknown };
  return Array.isArray(values) && values.some((value) => value?.secret) ? "admin" : "deploy";
}

/** What each method needs. */
export const METHOD_SCOPES: Readonly<Record<Method, Needed>> = {
  "MaelstromService.PutComponent": "deploy",
  "MaelstromService.GetComponent": "read",
  "MaelstromService.RemoveComponent": "deploy",
  "MaelstromService.ListComponents": "read",
  "MaelstromService.ListComponentVersions": "read",
  "MaelstromService.RollbackComponent": "deploy",
  "MaelstromService.PutCfg": putCfg,
  "MaelstromService.GetCfg": "read",
  "MaelstromService.ListCfg": "read",
  "MaelstromService.RemoveCfg": "admin",
  "MaelstromService.PutEventSource": "deploy",
  "MaelstromService.GetEventSource": "read",
  "MaelstromService.RemoveEventSource": "deploy",
  "MaelstromService.ToggleEventSources": "deploy",
  "MaelstromService.ListEventSources": "read",
  "MaelstromService.ListCronRuns": "read",
  "MaelstromService.RunCron": "deploy",
  "MaelstromService.ListProjects": "read",
  "MaelstromService.PutProject": "deploy",
  "MaelstromService.GetProject": "read",
  "MaelstromService.RemoveProject": "deploy",
  "MaelstromService.CreateToken": "admin",
  "MaelstromService.ListTokens": "admin",
  "MaelstromService.RemoveToken": "admin",
  "MaelstromService.SendMessages": "deploy",
  "MaelstromService.ListQueues": "read",
  "MaelstromService.PeekQueue": "read",
  "MaelstromService.PurgeQueue": "deploy",
  "MaelstromService.RedriveQueue": "deploy",
  "NodeService.ListNodeStatus": "read",
  "NodeService.GetStatus": "read",
  "NodeService.PutNodeState": "admin",
  "NodeService.RemoveNode": "admin",
  "NodeService.StatusChanged": "peer",
  "NodeService.SetTargets": "peer",
};

/** The scope that `method` needs for `input`. */
export function methodScope(method: Method, input: object): Scope {
  const needed = METHOD_SCOPES[method];
  return typeof needed === "string" ? needed : needed(input);
}

/** What is true of an endpoint before anything is called. */
export interface EndpointRule {
  readonly scope: Scope;
  /** True when its answers go on for as long as the caller stays. */
  readonly streams: boolean;
}

/**
 * The endpoints of the private port that are not a component's, by path. One whose path ends with a
 * slash is also everything below it.
 */
export const ENDPOINTS = {
  /** The methods, each with a scope of its own. */
  "/_mael/v1": { scope: "read", streams: false },
  "/_mael/logs": { scope: "read", streams: true },
  "/_mael/prune": { scope: "admin", streams: true },
  /** A queue by its name; one that is not open asks for more. */
  "/queues/": { scope: "anybody", streams: false },
} as const satisfies Readonly<Record<string, EndpointRule>>;

/** Path of an endpoint. */
export type EndpointPath = keyof typeof ENDPOINTS;

/** The endpoint that serves `path`; undefined when there is none. */
export function endpointAt(path: string): EndpointPath | undefined {
  const paths = Object.keys(ENDPOINTS) as EndpointPath[];
  return paths.find((own) => own === path || (own.endsWith("/") && path.startsWith(own)));
}

/** The rule of the endpoint that serves `path`; undefined when there is none. */
export function endpointRule(path: string): EndpointRule | undefined {
  const own = endpointAt(path);
  return own && ENDPOINTS[own];
}
