/**
 * A second reading of HTTP/1.1 messages: slow, by regular expressions, on latin1 text, and sharing
 * nothing with the engine, so that tests can hold the two against each other. Stands alone, because
 * it is also the instance that records what reaches it: run as a program it listens on port 8080.
 *
 * | Path of a request | Answer |
 * | --- | --- |
 * | `/health` | 200, not recorded |
 * | `/records` | JSON of what was heard since the last time: see {@linkcode Heard} |
 * | any other | 200 "ok", or exactly the bytes of its field `X-Answer` (base64) |
 *
 * `X-Then: close` ends the connection after the answer, `X-Then: wait` waits for the other side.
 * @module
 */

/** One message as it was read. */
export interface Message {
  /** First line, without CRLF. */
  readonly line: string;
  /** Names as they came, and values without white space around. */
  readonly fields: readonly (readonly [string, string])[];
  /** Without its framing. */
  readonly body: string;
}

/** What stands at an offset of some text. */
export type Reading =
  | { readonly kind: "message"; readonly message: Message; readonly end: number }
  | { readonly kind: "more" }
  | { readonly kind: "bad"; readonly why: string };

/** What an instance heard. */
export interface Heard {
  readonly requests: Message[];
  /** What it could not read. */
  readonly bad: string[];
  /** Requests that the connection ended inside of. */
  readonly unfinished: string[];
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const REQUEST_LINE = new RegExp(
  `^${TOKEN}{1,32} [\\x21\\x22\\x24-\\x7e\\x80-\\xff]+ HTTP/1\\.[01]$`,
);
const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD = new RegExp(`^(${TOKEN}+):[\\t ]*([\\t\\x20-\\x7e\\x80-\\xff]*?)[\\t ]*$`);
const CONNECTION = new RegExp(`^[\\t ]*(?:${TOKEN}*[\\t ]*(?:,[\\t ]*${TOKEN}*[\\t ]*)*)$`);
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]{2,}\]|[A-Za-z0-9\-._~%!$&'()*+;=]+)(?::\d{0,5})?$/;
const SIZE_LINE = /([0-9A-Fa-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r\n/y;
const TRAILER = new RegExp(`${TOKEN}+:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n`, "y");
const MORE: Reading = { kind: "more" };

/** The values of `name` (lower-case), in order. */
export function valuesOf({ fields }: Message, name: string): string[] {
  return fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

/** Reads the request at `at`; a single empty line before it is skipped. */
export function readRequest(text: string, at = 0): Reading {
  const start = text.startsWith("\r\n", at) ? at + 2 : at;
  const head = readHead(text, start, REQUEST_LINE);
  if (head.kind !== "message") return head;
  const why = problemOf(head.message);
  if (why) return bad(why);
  const { framing } = framingOf(head.message);
  return framing === undefined
    ? bad("framing")
    : readBody(text, head.message, head.end, framing ?? 0);
}

/** Reads the final response at `at` to a request with `method`, interim ones skipped; `ended`: no bytes will follow. */
export function readResponse(text: string, at: number, method: string, ended: boolean): Reading {
  const head = readHead(text, at, STATUS_LINE);
  if (head.kind !== "message") return head;
  const { message, end } = head;
  const status = Number(message.line.slice(9, 12));
  if (status < 200) return readResponse(text, end, method, ended);
  if (method === "HEAD" || status === 204 || status === 304) return { ...head, message };
  const { framing } = framingOf(message);
  if (framing === undefined) return bad("framing");
  if (framing !== null) return readBody(text, message, end, framing);
  if (!ended) return MORE;
  return { kind: "message", message: { ...message, body: text.slice(end) }, end: text.length };
}

/** Every whole request in `text`, as a strict server that answers each would take them. */
export function readRequests(text: string): Message[] {
  const messages: Message[] = [];
  for (let at = 0;;) {
    const reading = readRequest(text, at);
    if (reading.kind !== "message") return messages;
    messages.push(reading.message);
    if (!keepsAlive(reading.message)) return messages;
    at = reading.end;
  }
}

function bad(why: string): Reading {
  return { kind: "bad", why };
}

function readHead(text: string, at: number, firstLine: RegExp): Reading {
  const end = text.indexOf("\r\n\r\n", at);
  if (end < 0) return MORE;
  const [line = "", ...lines] = text.slice(at, end).split("\r\n");
  if (!firstLine.test(line)) return bad(`first line ${JSON.stringify(line)}`);
  const fields: [string, string][] = [];
  for (const each of lines) {
    const [, name, value] = FIELD.exec(each) ?? [];
    if (name === undefined || value === undefined) return bad(`field ${JSON.stringify(each)}`);
    fields.push([name, value]);
  }
  return { kind: "message", message: { line, fields, body: "" }, end: end + 4 };
}

function problemOf(message: Message): string | undefined {
  const [method = "", target = "", version] = message.line.split(" ");
  const hosts = valuesOf(message, "host");
  if (hosts.length > 1 || (hosts.length === 0 && version === "HTTP/1.1")) return "Host";
  if (hosts.some((host) => !AUTHORITY.test(host))) return "Host";
  if (method === "CONNECT") return "CONNECT";
  if (valuesOf(message, "expect").some((value) => value.toLowerCase() !== "100-continue")) {
    return "Expect";
  }
  if (valuesOf(message, "connection").some((value) => !CONNECTION.test(value))) return "Connection";
  if (target === "*") return method === "OPTIONS" ? undefined : "target";
  if (target.startsWith("/")) return undefined;
  const [, authority = ""] = /^https?:\/\/([^/?]+)/i.exec(target) ?? [];
  return AUTHORITY.test(authority) ? undefined : "target";
}

/** A length, "chunked", null for neither, undefined for what nobody should believe. */
function framingOf(message: Message): { framing: number | "chunked" | null | undefined } {
  const lengths = valuesOf(message, "content-length");
  const codings = valuesOf(message, "transfer-encoding");
  if (lengths.length + codings.length === 0) return { framing: null };
  const [length, coding] = [lengths[0], codings[0]];
  if (lengths.length + codings.length > 1) return { framing: undefined };
  if (length !== undefined) {
    return { framing: /^\d{1,15}$/.test(length) ? Number(length) : undefined };
  }
  const is10 = /^HTTP\/1\.0|HTTP\/1\.0$/.test(message.line);
  return { framing: coding?.toLowerCase() === "chunked" && !is10 ? "chunked" : undefined };
}

function readBody(
  text: string,
  message: Message,
  at: number,
  framing: number | "chunked",
): Reading {
  if (framing !== "chunked") {
    const end = at + framing;
    if (text.length < end) return MORE;
    return { kind: "message", message: { ...message, body: text.slice(at, end) }, end };
  }
  let body = "";
  for (;;) {
    SIZE_LINE.lastIndex = at;
    const [line, digits = ""] = SIZE_LINE.exec(text) ?? [];
    if (line === undefined) return text.indexOf("\n", at) < 0 ? MORE : bad("chunk size");
    at += line.length;
    const size = parseInt(digits, 16);
    if (size === 0) break;
    if (text.length < at + size + 2) return MORE;
    body += text.slice(at, at + size);
    at += size;
    if (!text.startsWith("\r\n", at)) return bad("end of chunk");
    at += 2;
  }
  for (;;) {
    if (text.startsWith("\r\n", at)) {
      return { kind: "message", message: { ...message, body }, end: at + 2 };
    }
    TRAILER.lastIndex = at;
    const [line] = TRAILER.exec(text) ?? [];
    if (line === undefined) return text.indexOf("\n", at) < 0 ? MORE : bad("trailer");
    at += line.length;
  }
}

function keepsAlive(message: Message): boolean {
  const options = valuesOf(message, "connection").join(",").toLowerCase().split(",")
    .map((option) => option.trim());
  if (options.includes("close")) return false;
  return message.line.endsWith("HTTP/1.1") || options.includes("keep-alive");
}

/** Serves one connection of the recording instance. */
async function record(conn: Deno.Conn, heard: Heard): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    for (let i = 0; i < count; i++) text += String.fromCharCode(buffer[i]!);
    for (let reading = readRequest(text); reading.kind !== "more"; reading = readRequest(text)) {
      if (reading.kind === "bad") {
        heard.bad.push(`${reading.why}: ${text}`);
        return;
      }
      text = text.slice(reading.end);
      if (!await answer(conn, reading.message, heard)) return;
    }
  }
  if (text) heard.unfinished.push(text);
}

/** False when the connection ends here. */
async function answer(conn: Deno.Conn, message: Message, heard: Heard): Promise<boolean> {
  const path = message.line.split(" ")[1];
  if (path === "/records") {
    await send(conn, okOf(JSON.stringify(heard)));
    heard.requests.length = heard.bad.length = heard.unfinished.length = 0;
    return true;
  }
  if (path !== "/health") heard.requests.push(message);
  const [raw] = valuesOf(message, "x-answer");
  await send(conn, raw === undefined ? okOf("ok") : atob(raw));
  const [then] = valuesOf(message, "x-then");
  if (then === "wait") { while (await conn.read(new Uint8Array(1024)) !== null); }
  return then === undefined;
}

function okOf(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

async function send(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function main(): Promise<void> {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
  const heard: Heard = { requests: [], bad: [], unfinished: [] };
  for await (const conn of Deno.listen({ port: 8080 })) {
    // A peer that resets has nothing more to say.
    void record(conn, heard).catch(() => {}).finally(() => conn.close());
  }
}

if (import.meta.main) await main();
