/**
 * A node as the command line tool sees it: JSON-RPC on a real socket, over components and event
 * sources in memory, with the versions and errors of the contract.
 * @module
 */
import type {
  Component,
  ComponentStatus,
  EventSource,
  NodeStatus,
  Project,
} from "../../../lib/contract/v1.ts";
import { type ErrorCode, errorKind } from "../../../lib/errors.ts";
import { signingKey, verify } from "../../../lib/rpc/signature.ts";
import { planProject, type StoredItems } from "../../../lib/project/plan.ts";
import { applied, asProject } from "../project/builders.ts";

/** How {@linkcode startFakeNode} answers. */
export interface FakeNodeOptions {
  /** Path of the unix socket; TCP on loopback without it. */
  readonly socket?: string;
  /** The cluster key callers need; absent: none. */
  readonly key?: string;
  /** Answers instead of the node; undefined lets the node answer. */
  readonly intercept?: (call: FakeCall) => Response | Promise<Response> | undefined;
  readonly components?: readonly Component[];
  readonly sources?: readonly EventSource[];
  readonly nodes?: readonly NodeStatus[];
  /** Those of them that the node cannot use, and why. */
  readonly unusedNodes?: readonly { readonly nodeId: string; readonly reason: string }[];
  /** How a component fares at the moment it is asked for. */
  readonly status?: (component: Component) => ComponentStatus;
  /** Most entries on a page. @default {1000} */
  readonly pageSize?: number;
}

/** A call the node received. */
export interface FakeCall {
  readonly method: string;
  readonly input: Record<string, unknown>;
  readonly authorization: string | null;
}

/** A running fake node. */
export interface FakeNode extends AsyncDisposable {
  /** Empty when it listens on a socket. */
  readonly url: string;
  readonly calls: FakeCall[];
  readonly components: Map<string, Component>;
  readonly sources: Map<string, EventSource>;
}

/** An error as the node answers it. */
export function rpcError(code: ErrorCode, message: string): Response {
  const error = { code: errorKind(code).rpc, message };
  return Response.json({ jsonrpc: "2.0", id: "1", error });
}

/** Starts a node. */
export function startFakeNode(options: FakeNodeOptions = {}): FakeNode {
  const calls: FakeCall[] = [];
  const components = new Map((options.components ?? []).map((value) => [value.name, value]));
  const sources = new Map((options.sources ?? []).map((value) => [value.name, value]));
  const answer = async (request: Request): Promise<Response> => {
    const authorization = request.headers.get("authorization");
    if (options.key !== undefined && !await isSigned(request, options.key)) {
      return new Response("key needed\n", { status: 401 });
    }
    const { id, method, params } = await request.json();
    const call = { method, input: params[0], authorization };
    calls.push(call);
    const intercepted = await options.intercept?.(call);
    if (intercepted) return intercepted;
    const result = methods(call, { components, sources, options });
    return result instanceof Response ? result : Response.json({ jsonrpc: "2.0", id, result });
  };
  const quiet = { onListen: () => {} };
  if (options.socket !== undefined) {
    const server = Deno.serve({ ...quiet, path: options.socket }, answer);
    return { url: "", calls, components, sources, [Symbol.asyncDispose]: () => stop(server) };
  }
  const server = Deno.serve({ ...quiet, hostname: "127.0.0.1", port: 0 }, answer);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, calls, components, sources, [Symbol.asyncDispose]: () => stop(server) };
}

async function isSigned({ method, url, headers }: Request, key: string): Promise<boolean> {
  const { pathname, search } = new URL(url);
  const field = headers.get("authorization") ?? "";
  const request = { method, target: pathname + search };
  return await verify(await signingKey(key), request, field).then(() => true, () => false);
}

async function stop(server: { shutdown(): Promise<void> }): Promise<void> {
  await server.shutdown();
}

interface State {
  readonly components: Map<string, Component>;
  readonly sources: Map<string, EventSource>;
  readonly options: FakeNodeOptions;
}

function methods({ method, input }: FakeCall, { components, sources, options }: State): unknown {
  const name = String(input.name ?? "").toLowerCase();
  switch (method) {
    case "MaelstromService.PutComponent":
      return put(components, input.component as Component);
    case "MaelstromService.GetComponent": {
      const component = components.get(name);
      return component
        ? { component, status: options.status?.(component) ?? { instances: [], failures: [] } }
        : rpcError("not_found", `No Component found with name: ${name}`);
    }
    case "MaelstromService.RemoveComponent":
      return { name, found: components.delete(name) };
    case "MaelstromService.ListComponents": {
      const { entries, nextToken } = page(components, input, options.pageSize);
      return { components: entries, nextToken };
    }
    case "MaelstromService.PutEventSource":
      return put(sources, input.eventSource as EventSource);
    case "MaelstromService.GetEventSource": {
      const eventSource = sources.get(name);
      return eventSource
        ? { eventSource }
        : rpcError("not_found", `No event source found with name: ${name}`);
    }
    case "MaelstromService.RemoveEventSource":
      return { name, found: sources.delete(name) };
    case "MaelstromService.ToggleEventSources": {
      const { entries } = page(sources, input);
      return { enabled: input.enabled, eventSourceNames: entries.map((source) => source.name) };
    }
    case "MaelstromService.ListEventSources": {
      const { entries, nextToken } = page(sources, input, options.pageSize);
      const eventSources = entries.map((eventSource) => ({
        eventSource,
        enabled: !eventSource.name.startsWith("off"),
      }));
      return { eventSources, nextToken };
    }
    case "MaelstromService.ListProjects":
    case "MaelstromService.PutProject":
    case "MaelstromService.GetProject":
    case "MaelstromService.RemoveProject":
      return projectMethod({ method, input }, { components, sources });
    case "NodeService.PutNodeState":
      return { nodeId: input.nodeId, state: input.state };
    case "NodeService.ListNodeStatus":
      return {
        respondingNodeId: "node-1",
        nodes: options.nodes ?? [],
        ...(options.unusedNodes ? { unusedNodes: options.unusedNodes } : {}),
      };
    default:
      return rpcError("internal", `Unsupported method: ${method}`);
  }
}

function projectMethod(
  { method, input }: Pick<FakeCall, "method" | "input">,
  { components, sources }: Pick<State, "components" | "sources">,
): unknown {
  const name = String(input.name ?? "").toLowerCase();
  const stored: StoredItems = {
    components: [...components.values()],
    eventSources: [...sources.values()].map((eventSource) => ({ eventSource, enabled: true })),
  };
  const ours = stored.components.filter(({ projectName }) => projectName === name);
  switch (method) {
    case "MaelstromService.ListProjects": {
      const byName = Map.groupBy(stored.components, ({ projectName = "" }) => projectName);
      const projects = [...byName].map(([projectName, { length }]) => {
        const owned = [...sources.values()].filter((source) => source.projectName === projectName);
        return { projectName, componentCount: length, eventSourceCount: owned.length };
      });
      const prefix = String(input.namePrefix ?? "");
      return { projects: projects.filter(({ projectName }) => projectName.startsWith(prefix)) };
    }
    case "MaelstromService.PutProject": {
      const plan = planProject(input.project as Project, stored);
      if (input.diffOnly) return plan;
      const after = applied(plan, stored);
      components.clear();
      sources.clear();
      for (const item of after.components) components.set(item.name, item);
      for (const { eventSource } of after.eventSources) sources.set(eventSource.name, eventSource);
      return plan;
    }
    case "MaelstromService.GetProject":
      if (ours.length === 0) return rpcError("not_found", `No Project found with name: ${name}`);
      return { project: asProject(name, { ...stored, components: ours }) };
    default:
      for (const item of ours) components.delete(item.name);
      return { name, found: ours.length > 0 };
  }
}

function put<T extends { name: string; version: number }>(all: Map<string, T>, value: T): unknown {
  const current = all.get(value.name);
  if (value.version === 0 && current) {
    return rpcError("already_exists", `Cannot put "${value.name}": it exists already`);
  }
  if (value.version !== (current?.version ?? 0)) {
    return rpcError("stale_version", `Cannot put "${value.name}": version is not current`);
  }
  const version = value.version + 1;
  all.set(value.name, { ...value, version });
  return { name: value.name, version };
}

function page<T extends { name: string }>(
  all: ReadonlyMap<string, T>,
  input: Record<string, unknown>,
  size = 1000,
): { entries: T[]; nextToken?: string } {
  const prefix = String(input.namePrefix ?? "");
  const matching = [...all.values()].filter(({ name }) => name.startsWith(prefix));
  const from = Number(input.nextToken ?? 0);
  const entries = matching.slice(from, from + size);
  return from + size < matching.length ? { entries, nextToken: String(from + size) } : { entries };
}
