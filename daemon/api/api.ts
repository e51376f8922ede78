/**
 * Our own endpoints, as one handler from Request to Response. Who calls is found out before: by the
 * mode of `control.sock`, and by the private door of the gateway. What that caller may do, and
 * whether the body is the one that was signed, is decided here.
 * @module
 */
import { readBytes, readText } from "../../lib/async/body.ts";
import {
  allows,
  endpointAt,
  type EndpointPath,
  type EndpointRule,
  ENDPOINTS,
} from "../../lib/contract/scopes.ts";
import { asMaelstromError, errorKind, MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { type Caller, CALLER_FIELD, readCaller } from "../../lib/rpc/caller.ts";
import { digestOf, refused } from "../../lib/rpc/signature.ts";
import { callRpc, type Methods } from "./rpc.ts";

/** Largest request body, in bytes. */
export const BODY_BYTES_MAX = 1024 * 1024;

const RPC_PATH: EndpointPath = "/_mael/v1";

/** An endpoint beside the methods. What it throws is answered in the words of an RPC error. */
export interface Endpoint {
  /** The one HTTP method it takes. */
  readonly method: "GET" | "POST";
  readonly answer: (request: Request, caller: Caller) => Promise<Response>;
}

/** The endpoints there are, by path; those of the methods are the handler's own. */
export type Endpoints = Readonly<Partial<Record<Exclude<EndpointPath, "/_mael/v1">, Endpoint>>>;

/** `handler` behind the private door, which says who calls. */
export function fromDoor(handler: ApiHandler): (request: Request) => Promise<Response> {
  return async (request) => {
    const caller = readCaller(request.headers.get(CALLER_FIELD));
    return caller ? await handler(request, caller) : text(403, "This socket is the private door's");
  };
}

/** Answers `caller`'s request. */
export type ApiHandler = (request: Request, caller: Caller) => Promise<Response>;

/** A handler that answers `/_mael/v1` with `methods`, and each other path with its endpoint. */
export function apiHandler(methods: Methods, log: Log, endpoints: Endpoints = {}): ApiHandler {
  const all = new Map(Object.entries<Endpoint>(endpoints));
  return async (request, caller) => {
    const { pathname } = new URL(request.url);
    const path = endpointAt(pathname);
    const rule = path && ENDPOINTS[path];
    const endpoint = path === RPC_PATH ? rpc(methods, log) : path && all.get(path);
    if (!endpoint || !rule) return text(404, `No such endpoint: ${pathname}`);
    const { method } = endpoint;
    if (request.method !== method) {
      return text(405, `${pathname} takes ${method}`, { Allow: method });
    }
    try {
      checkScope(pathname, rule, caller);
      return await endpoint.answer(await asSigned(request, caller), caller);
    } catch (error) {
      const { code, message } = asMaelstromError(error);
      const { status, rpc } = errorKind(code);
      const reply = { jsonrpc: "2.0", id: null, error: { code: rpc, message } };
      return json(status, JSON.stringify(reply));
    }
  };
}

function rpc(methods: Methods, log: Log): Endpoint {
  return {
    method: "POST",
    async answer(request, caller) {
      const body = await readText(request.body, BODY_BYTES_MAX);
      const reply = await callRpc(body, { methods, log, caller }, request.signal);
      return json(reply.status, reply.body);
    },
  };
}

function checkScope(path: string, { scope }: EndpointRule, caller: Caller): void {
  if (allows(caller.scope, scope)) return;
  throw new MaelstromError(
    "not_allowed",
    `Cannot use ${path}: it needs scope "${scope}", ${caller.name} has "${caller.scope}"`,
  );
}

/** The request with its body read, once that is known to be the one that was signed. */
async function asSigned(request: Request, { digest }: Caller): Promise<Request> {
  if (digest === undefined) return request;
  const body = await readBytes(request.body, BODY_BYTES_MAX);
  if (await digestOf(body) !== digest) throw refused("the body is not the one that was signed");
  return request.body ? new Request(request, { body }) : request;
}

function json(status: number, body: string): Response {
  return new Response(body, { status, headers: { "content-type": "application/json" } });
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}
