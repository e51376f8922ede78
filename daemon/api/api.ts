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

/** A handler that answers `/_mael/v1` with `methods`. */
export function apiHandler(methods: Methods, log: Log): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname !== "/_mael/v1") return text(404, `No such endpoint: ${pathname}`);
    if (request.method !== "POST") {
      return text(405, "/_mael/v1 takes POST", { Allow: "POST" });
    }
    try {
      const body = await readText(request.body, BODY_BYTES_MAX);
      return json(200, await callRpc(body, methods, log, request.signal));
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
