/**
 * One HTTP request to a place where a node may be. Owns the connection and what a failure is called;
 * knows nothing of methods or streams.
 * @module
 */
import { readText } from "../async/body.ts";
import { MaelstromError, messageOf } from "../errors.ts";
import type { RpcPlace } from "./locate.ts";
import type { Reply } from "./reply.ts";

const REPLY_BYTES_MAX = 64 * 1024 * 1024;

/** A request: `{ method: "POST", path: "/_mael/v1", body: "{…}" }`. */
export interface PlaceRequest {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** The field that says who calls; absent where the place knows. */
  readonly authorization?: string;
}

/** A place could not be connected to, so no byte of the request has left. */
export class NotConnected extends Error {}

/** Sends a request. `client` is used for it alone, because `fetch` repeats a POST on a kept one. */
export async function send(
  client: Deno.HttpClient,
  place: RpcPlace,
  { method, path, body, authorization }: PlaceRequest,
  signal: AbortSignal,
): Promise<Response> {
  // A name would be looked up in DNS even for a socket, and could stall there.
  const base = place.kind === "socket" ? "http://127.0.0.1" : place.url;
  const headers = new Headers(body === undefined ? {} : { "content-type": "application/json" });
  if (authorization !== undefined) headers.set("authorization", authorization);
  return await fetch(base + path, {
    client,
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    signal,
    // A node never redirects, and a token must not follow to wherever one leads.
    redirect: "manual",
  });
}

/** The whole answer. */
export async function replyOf(response: Response): Promise<Reply> {
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    body: await readText(response.body, REPLY_BYTES_MAX),
  };
}

/** A client whose connections end with their request. */
export function httpClient(place: RpcPlace): Deno.HttpClient {
  const options = { poolMaxIdlePerHost: 0 };
  if (place.kind === "socket") {
    return Deno.createHttpClient({ ...options, proxy: { transport: "unix", path: place.path } });
  }
  const { protocol, hostname, port } = new URL(place.url);
  if (protocol !== "http:" || !isLoopback(hostname)) return Deno.createHttpClient(options);
  // HTTP_PROXY is meant for other machines; a proxy could not reach this one's loopback.
  return Deno.createHttpClient({
    ...options,
    proxy: {
      transport: "tcp",
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 80),
    },
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
}

/** What a request to `place` that failed with `error` is called. */
export function sendFailure(error: unknown, place: string): Error {
  if (error instanceof MaelstromError) {
    const found = error.message.replace(/^.*?: /, "");
    return new MaelstromError("unreachable", `Cannot read answer of ${place}: ${found}`);
  }
  // `fetch` tells the kind of a failure only in the text of its cause.
  const text = messageOf(error instanceof Error && error.cause ? error.cause : error);
  const reason = text.slice(text.lastIndexOf("): ") + 1).replace(/^: /, "")
    .replace(/^tcp connect error: /, "").replace(/ \(os error \d+\)$/, "").toLowerCase();
  // The second kind are ports that no browser connects to, such as 6000.
  if (/client error \(Connect\)|Requests to port \d+ are blocked/.test(text)) {
    return new NotConnected(reason);
  }
  return new MaelstromError(
    "unreachable",
    `Cannot complete the call: ${place} broke it off (${reason}); it may have been carried out`,
    undefined,
    { cause: error },
  );
}

/** The place, for people. */
export function nameOf(place: RpcPlace): string {
  return place.kind === "socket" ? place.path : place.url;
}
