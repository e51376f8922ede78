/**
 * Says an HTTP/2 request in HTTP/1.1, or refuses it. What cannot be said without being understood
 * otherwise on the way is refused here, and the engine's parser judges the result once more. Pure.
 *
 * Source: RFC 9113 §8.2, §8.3, §10.3.
 * @module
 */
import { textIs, TOKEN, VALUE } from "../http/bytes.ts";

/** A request head in HTTP/1.1, latin1, and how its body follows. */
export interface RequestHead {
  readonly text: string;
  /** `none`: no body; `length`: bytes as they are; `chunked`: each piece becomes a chunk. */
  readonly framing: "none" | "length" | "chunked";
  readonly contentLength: number;
}

/** Why a request is not passed on. */
export interface RequestRefusal {
  /** 400, or 501 for CONNECT. */
  readonly status: number;
  readonly problem: string;
}

/** Fields that say how HTTP/1.1 connections behave; malformed in HTTP/2. */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** What is gathered of a request. */
interface Parts {
  readonly pseudo: Map<string, string>;
  host: string | undefined;
  cookie: string | undefined;
  length: string | undefined;
  fields: string;
}

/**
 * The head of a request given as names and values in turn, latin1, as they arrived. `hasBody` is
 * false when the stream ended with its head.
 */
export function requestHead(
  raw: readonly string[],
  hasBody: boolean,
): RequestHead | RequestRefusal {
  const parts: Parts = {
    pseudo: new Map(),
    host: undefined,
    cookie: undefined,
    length: undefined,
    fields: "",
  };
  for (let i = 0; i < raw.length; i += 2) {
    const problem = addField(parts, raw[i]!, raw[i + 1]!);
    if (problem) return { status: 400, problem };
  }
  const { pseudo, cookie } = parts;
  const method = pseudo.get(":method") ?? "";
  if (method === "CONNECT") return { status: 501, problem: "CONNECT is not served" };
  const path = pseudo.get(":path") ?? "";
  const authority = pseudo.get(":authority") ?? parts.host ?? "";
  const problem = problemOf(parts, method, path, authority);
  if (problem) return { status: 400, problem };
  const framing = !hasBody ? "none" : parts.length === undefined ? "chunked" : "length";
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${parts.fields}`;
  if (cookie !== undefined) text += `cookie: ${cookie}\r\n`;
  if (parts.length !== undefined) text += `content-length: ${parts.length}\r\n`;
  if (framing === "chunked") text += "transfer-encoding: chunked\r\n";
  return { text: `${text}\r\n`, framing, contentLength: Number(parts.length ?? 0) };
}

/** Adds one field; gives the reason when it makes the request malformed. */
function addField(parts: Parts, name: string, value: string): string {
  if (!textIs(VALUE, value)) return "malformed field value";
  if (name.startsWith(":")) {
    if (parts.pseudo.has(name)) return "repeated pseudo-header";
    if (parts.fields) return "pseudo-header behind a field";
    parts.pseudo.set(name, value);
    return "";
  }
  if (!name || !textIs(TOKEN, name) || /[A-Z]/.test(name)) return "malformed field name";
  if (CONNECTION_FIELDS.has(name)) return `${name} in HTTP/2`;
  switch (name) {
    case "te":
      // Ends at this hop; a client that accepts trailers loses nothing by our not saying so.
      return value.toLowerCase() === "trailers" ? "" : "te in HTTP/2";
    case "host":
      if (parts.host !== undefined) return "repeated host";
      parts.host = value;
      return "";
    case "cookie":
      // Split for the sake of compression; HTTP/1.1 has one field.
      parts.cookie = parts.cookie === undefined ? value : `${parts.cookie}; ${value}`;
      return "";
    case "content-length":
      if (parts.length !== undefined) return "repeated content-length";
      parts.length = value;
      return "";
    default:
      parts.fields += `${name}: ${value}\r\n`;
      return "";
  }
}

function problemOf(parts: Parts, method: string, path: string, authority: string): string {
  const { pseudo, host, length } = parts;
  for (const name of pseudo.keys()) {
    if (!/^:(method|scheme|path|authority)$/.test(name)) return "unknown pseudo-header";
  }
  if (!method || !textIs(TOKEN, method)) return "malformed :method";
  if (pseudo.get(":scheme")?.toLowerCase() !== "https") return ":scheme is not https";
  if (!path.startsWith("/") && !(path === "*" && method === "OPTIONS")) return "malformed :path";
  if (/[\s#]/.test(path)) return "malformed :path";
  if (!authority || /[\s@/?#,]/.test(authority)) return "malformed :authority";
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    return "host differs from :authority";
  }
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return "malformed content-length";
  return "";
}
