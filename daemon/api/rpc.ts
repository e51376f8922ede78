/**
 * JSON-RPC 2.0 as the ancestor speaks it: reads a body, calls the methods of a table, writes the
 * reply. Knows nothing of what the methods do.
 *
 * Source: JSON-RPC 2.0; params is a list that holds one object.
 * @module
 */
import { check } from "../../lib/contract/check.ts";
import { type Inputs, inputSchemas, type Method, type Outputs } from "../../lib/contract/v1.ts";
import { allows, methodScope } from "../../lib/contract/scopes.ts";
import { asMaelstromError, errorKind, MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Caller } from "../../lib/rpc/caller.ts";

const BATCH_MAX = 100;
/** What the ancestor's RPC library asks for the interface: the one method of no interface. */
const INTERFACE_METHOD = "barrister-idl";

/** What each method does with its checked input. */
export type Methods = {
  readonly [M in Method]: (input: Inputs[M], signal: AbortSignal) => Promise<Outputs[M]>;
};

interface Reply {
  readonly jsonrpc: "2.0";
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** What a call works on. */
export interface RpcContext {
  readonly methods: Methods;
  readonly log: Log;
  readonly caller: Caller;
}

/** An answer in HTTP. */
export interface RpcReply {
  /** 200, or 403 when the one method of the request is not allowed. */
  readonly status: number;
  readonly body: string;
}

/** The reply to the request or batch in `body`. Never throws. */
export async function callRpc(
  body: string,
  context: RpcContext,
  signal: AbortSignal,
): Promise<RpcReply> {
  const request = parse(body);
  if (request === undefined) return replied(fault(null, -32700, "Cannot parse JSON"));
  if (!Array.isArray(request)) return replied(await callOne(request, context, signal));
  if (request.length === 0 || request.length > BATCH_MAX) {
    return replied(fault(null, -32600, `A batch holds 1 to ${BATCH_MAX} requests`));
  }
  const replies: Reply[] = [];
  for (const one of request) replies.push(await callOne(one, context, signal));
  return { status: 200, body: JSON.stringify(replies) };
}

function replied(reply: Reply): RpcReply {
  const { rpc, status } = errorKind("not_allowed");
  return { status: reply.error?.code === rpc ? status : 200, body: JSON.stringify(reply) };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function callOne(
  request: unknown,
  { methods, log, caller }: RpcContext,
  signal: AbortSignal,
): Promise<Reply> {
  if (typeof request !== "object" || request === null || Array.isArray(request)) {
    return fault(null, -32600, "A request is an object");
  }
  const { id = null, method, params } = request as Record<string, unknown>;
  if (method === INTERFACE_METHOD) {
    const { interfaceElements } = await import("../../lib/contract/interface.ts");
    return { jsonrpc: "2.0", id, result: interfaceElements() };
  }
  if (typeof method !== "string" || !Object.hasOwn(inputSchemas, method)) {
    return fault(id, -32601, `Unsupported method: ${String(method)}`);
  }
  const list = params ?? [{}];
  if (!Array.isArray(list) || list.length !== 1 || !isObject(list[0])) {
    return fault(id, -32602, `${method} takes params: a list that holds one object`);
  }
  try {
    checkScope(method as Method, list[0], caller);
    return { jsonrpc: "2.0", id, result: await run(method as Method, list[0], methods, signal) };
  } catch (error) {
    const { code, message, detail } = asMaelstromError(error);
    if (code === "internal") log.error("method failed", { method, error });
    return fault(id, errorKind(code).rpc, message, detail && { code, ...detail });
  }
}

/** Before the input is checked: who may not call learns nothing. */
function checkScope(method: Method, input: object, caller: Caller): void {
  const needed = methodScope(method, input);
  if (allows(caller.scope, needed)) return;
  throw new MaelstromError(
    "not_allowed",
    `Cannot call ${method}: it needs scope "${needed}", ${caller.name} has "${caller.scope}"`,
  );
}

async function run<M extends Method>(
  method: M,
  input: object,
  methods: Methods,
  signal: AbortSignal,
): Promise<Outputs[M]> {
  const checked = check(inputSchemas[method], restartOrderAlias(input), "input") as Inputs[M];
  return await methods[method](checked, signal);
}

/** The ancestor writes RestartOrder with a capital R; people write it as they write the rest. */
function restartOrderAlias(input: object): object {
  const { component, project } = input as { component?: unknown; project?: unknown };
  if (isObject(component)) {
    return { ...input, component: withRestartOrder(component, "input.component") };
  }
  const { components } = (isObject(project) ? project : {}) as { components?: unknown };
  if (!Array.isArray(components)) return input;
  const renamed = components.map((entry, i) => {
    const { component } = (isObject(entry) ? entry : {}) as { component?: unknown };
    if (!isObject(component)) return entry;
    const path = `input.project.components[${i}].component`;
    return { ...entry, component: withRestartOrder(component, path) };
  });
  return { ...input, project: { ...project as object, components: renamed } };
}

function withRestartOrder(component: object, path: string): object {
  if (!Object.hasOwn(component, "restartOrder")) return component;
  const { restartOrder, ...rest } = component as Record<string, unknown>;
  if (Object.hasOwn(rest, "RestartOrder")) {
    throw new MaelstromError("invalid", `${path} has both RestartOrder and restartOrder`, { path });
  }
  return { ...rest, RestartOrder: restartOrder };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fault(id: unknown, code: number, message: string, data?: unknown): Reply {
  return { jsonrpc: "2.0", id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}
