/**
 * Our own endpoints, as one handler from Request to Response. Who may call is decided before: by
 * the mode of `control.sock`, and by the private door of the gateway.
 * @module
 */
import { readText } from "../../lib/async/body.ts";
import { asMaelstromError, errorKind } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { callRpc, type Methods } from "./rpc.ts";

/** Largest request body, in bytes. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** An endpoint beside the methods. What it throws is answered in the words of an RPC error. */
export interface Endpoint {
  /** The one HTTP method it takes. */
  readonly method: "GET" | "POST";
  readonly answer: (request: Request) => Promise<Response>;
}

/** A handler that answers `/_mael/v1` with `methods`, and each other path with its endpoint. */
export function apiHandler(
  methods: Methods,
  log: Log,
  endpoints: Readonly<Record<string, Endpoint>> = {},
): (request: Request) => Promise<Response> {
  const rpc: Endpoint = {
    method: "POST",
    async answer(request) {
      const body = await readText(request.body, BODY_BYTES_MAX);
      return json(200, await callRpc(body, methods, log, request.signal));
    },
  };
  const all = new Map(Object.entries({ "/_mael/v1": rpc, ...endpoints }));
  return async (request) => {
    const { pathname } = new URL(request.url);
    const endpoint = all.get(pathname);
    if (!endpoint) return text(404, `No such endpoint: ${pathname}`);
    const { method } = endpoint;
    if (request.method !== method) {
      return text(405, `${pathname} takes ${method}`, { Allow: method });
    }
    try {
      return await endpoint.answer(request);
    } catch (error) {
      const { code, message } = asMaelstromError(error);
      const { status, rpc } = errorKind(code);
      const reply = { jsonrpc: "2.0", id: null, error: { code: rpc, message } };
      return json(status, JSON.stringify(reply));
    }
  };
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
