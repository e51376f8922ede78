/**
 * JSON-RPC 2.0 as the ancestor speaks it: reads a body, calls the methods of a table, writes the
 * reply. Knows nothing of what the methods do.
 *
 * Source: JSON-RPC 2.0; params is a list that holds one object.
 * @module
 */
import { check } from "../../lib/contract/check.ts";
import { type Inputs, inputSchemas, type Method, type Outputs } from "../../lib/contract/v1.ts";
import { asMaelstromError, errorKind, MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";

const BATCH_MAX = 100;

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

/** The reply to the request or batch in `body`. Never throws. */
export async function callRpc(
  body: string,
  methods: Methods,
  log: Log,
  signal: AbortSignal,
): Promise<string> {
  const request = parse(body);
  if (request === undefined) return JSON.stringify(fault(null, -32700, "Cannot parse JSON"));
  if (!Array.isArray(request)) return JSON.stringify(await callOne(request, methods, log, signal));
  if (request.length === 0 || request.length > BATCH_MAX) {
    return JSON.stringify(fault(null, -32600, `A batch holds 1 to ${BATCH_MAX} requests`));
  }
  const replies: Reply[] = [];
  for (const one of request) replies.push(await callOne(one, methods, log, signal));
  return JSON.stringify(replies);
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
  methods: Methods,
  log: Log,
  signal: AbortSignal,
): Promise<Reply> {
  if (typeof request !== "object" || request === null || Array.isArray(request)) {
    return fault(null, -32600, "A request is an object");
  }
  const { id = null, method, params } = request as Record<string, unknown>;
  if (typeof method !== "string" || !Object.hasOwn(inputSchemas, method)) {
    return fault(id, -32601, `Unsupported method: ${String(method)}`);
  }
  const list = params ?? [{}];
  if (!Array.isArray(list) || list.length !== 1 || !isObject(list[0])) {
    return fault(id, -32602, `${method} takes params: a list that holds one object`);
  }
  try {
    return { jsonrpc: "2.0", id, result: await run(method as Method, list[0], methods, signal) };
  } catch (error) {
    const { code, message, detail } = asMaelstromError(error);
    if (code === "internal") log.error("method failed", { method, error });
    return fault(id, errorKind(code).rpc, message, detail && { code, ...detail });
  }
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
