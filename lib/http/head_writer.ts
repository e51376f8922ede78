/**
 * Writes the heads that leave: a request passed on, a response passed back, an answer of our own.
 * Lines that stay are copied as they came, in runs; knows nothing of sockets.
 * @module
 */
import { COLON, CR, LF, putBytes, putLatin1, SP, textIs, TOKEN, VALUE } from "./bytes.ts";
import type { Reply } from "./exchange.ts";
import type { FieldFilter } from "./fields.ts";
import { type Head, Kind } from "./head.ts";
import { reasonOf } from "./reasons.ts";

/** What changes in a request on its way. */
export interface RequestChanges {
  readonly drop: FieldFilter | undefined;
  readonly add: string;
  /** Replaces the target; "" keeps it. */
  readonly target: string;
  /** Replaces Host, or stands in for a missing one; "" keeps it. */
  readonly host: string;
  readonly upgrade: boolean;
}

/** Room that {@linkcode putRequestHead} needs at most. */
export function requestHeadBound(head: Head, changes: RequestChanges): number {
  const added = changes.add.length + changes.target.length + changes.host.length;
  return head.end - head.start + added + 64;
}

/** Writes the request `head` of `bytes`, changed, to `out` from 0; gives its end. */
export function putRequestHead(
  out: Uint8Array,
  bytes: Uint8Array,
  head: Head,
  changes: RequestChanges,
): number {
  let at = changes.target
    ? putLatin1(out, putBytes(out, 0, bytes, head.start, head.methodEnd + 1), changes.target)
    : putBytes(out, 0, bytes, head.start, head.targetEnd);
  at = putLatin1(out, at, " HTTP/1.1\r\n");
  if (changes.host) at = putLine(out, at, "Host", changes.host);
  let from = head.targetEnd + 11;
  for (let i = 0; i < head.count; i++) {
    if (!dropsFromRequest(head, i, bytes, changes)) continue;
    at = putBytes(out, at, bytes, from, head.nameStart(i));
    from = head.lineEnd(i);
  }
  at = putBytes(out, at, bytes, from, head.end - 2);
  if (changes.upgrade) {
    const index = head.upgradeIndex;
    at = putLatin1(out, at, "Connection: upgrade\r\n");
    at = putBytes(out, at, bytes, head.nameStart(index), head.lineEnd(index));
  }
  at = putAdded(out, at, changes.add);
  return putEnd(out, at);
}

// Requests that arrive together mostly get the same lines: the last ones are kept as bytes.
let lastAdded = "";
let lastAddedBytes = new Uint8Array(0);

function putAdded(out: Uint8Array, at: number, text: string): number {
  if (text !== lastAdded) {
    lastAddedBytes = new Uint8Array(text.length);
    putLatin1(lastAddedBytes, 0, text);
    lastAdded = text;
  }
  out.set(lastAddedBytes, at);
  return at + text.length;
}

function dropsFromRequest(
  head: Head,
  index: number,
  bytes: Uint8Array,
  changes: RequestChanges,
): boolean {
  switch (head.kind(index)) {
    case Kind.PLAIN:
      return changes.drop !== undefined &&
        changes.drop.has(bytes, head.nameStart(index), head.nameEnd(index));
    case Kind.HOST:
      return changes.host !== "";
    case Kind.LENGTH:
    case Kind.TRANSFER:
      return false;
    default:
      return true;
  }
}

/** How a response leaves. */
export interface ResponseChanges {
  readonly add: string;
  /** Content-Length stays. */
  readonly keepLength: boolean;
  /** Transfer-Encoding: chunked is added. */
  readonly chunked: boolean;
  /** Value of Connection; "" for none. */
  readonly connection: string;
  /** Upgrade stays. */
  readonly keepUpgrade: boolean;
}

/** Room that {@linkcode putResponseHead} needs at most. */
export function responseHeadBound(head: Head, changes: ResponseChanges): number {
  // A field with white space before its colon may gain one byte.
  return head.end - head.start + head.count + changes.add.length + 128;
}

/** Writes the response `head` of `bytes`, changed, to `out` at `at`; gives its end. */
export function putResponseHead(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  head: Head,
  changes: ResponseChanges,
): number {
  at = putLatin1(out, at, "HTTP/1.1 ");
  at = putBytes(out, at, bytes, head.start + 9, head.start + 12);
  out[at++] = SP;
  at = putBytes(out, at, bytes, head.reasonStart, head.reasonEnd);
  out[at++] = CR;
  out[at++] = LF;
  let from = head.reasonEnd + 2;
  for (let i = 0; i < head.count; i++) {
    const spaced = bytes[head.nameEnd(i)] !== COLON;
    const drops = dropsFromResponse(head.kind(i), changes);
    if (!drops && !spaced) continue;
    at = putBytes(out, at, bytes, from, head.nameStart(i));
    from = head.lineEnd(i);
    if (!drops) at = putTidyLine(out, at, bytes, head, i);
  }
  at = putBytes(out, at, bytes, from, head.end - 2);
  if (changes.chunked) at = putLatin1(out, at, "Transfer-Encoding: chunked\r\n");
  if (changes.connection) at = putLine(out, at, "Connection", changes.connection);
  at = putLatin1(out, at, changes.add);
  return putEnd(out, at);
}

function dropsFromResponse(kind: number, changes: ResponseChanges): boolean {
  switch (kind) {
    case Kind.PLAIN:
    case Kind.HOST:
    case Kind.EXPECT:
      return false;
    case Kind.LENGTH:
      return !changes.keepLength;
    case Kind.UPGRADE:
      return !changes.keepUpgrade;
    default:
      return true;
  }
}

function putTidyLine(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  head: Head,
  index: number,
): number {
  at = putBytes(out, at, bytes, head.nameStart(index), head.nameEnd(index));
  out[at++] = COLON;
  out[at++] = SP;
  at = putBytes(out, at, bytes, head.valueStart(index), head.valueEnd(index));
  out[at++] = CR;
  out[at++] = LF;
  return at;
}

/**
 * An answer of our own as bytes.
 *
 * @param withBody false for HEAD: the length is told, the body left out
 * @throws {Error} a header is malformed, or the status is not a final one
 */
export function encodeReply(
  reply: Reply,
  connection: string,
  withBody: boolean,
): Uint8Array<ArrayBuffer> {
  const { status, headers, body } = reply;
  if (!(status >= 200 && status <= 599)) throw new Error(`Cannot answer with status ${status}`);
  const data = typeof body === "string" ? new TextEncoder().encode(body) : body;
  let text = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
  for (const [name, value] of headers) {
    if (!name || !textIs(TOKEN, name) || !textIs(VALUE, value)) {
      throw new Error(`Cannot answer with field "${name}": malformed`);
    }
    if (!/^(connection|content-length|transfer-encoding)$/i.test(name)) {
      text += `${name}: ${value}\r\n`;
    }
  }
  const bodiless = status === 204 || status === 304;
  if (!bodiless) text += `Content-Length: ${data.length}\r\n`;
  if (connection) text += `Connection: ${connection}\r\n`;
  const sent = withBody && !bodiless ? data : new Uint8Array(0);
  const bytes = new Uint8Array(text.length + 2 + sent.length);
  bytes.set(sent, putEnd(bytes, putLatin1(bytes, 0, text)));
  return bytes;
}

function putLine(out: Uint8Array, at: number, name: string, value: string): number {
  at = putLatin1(out, at, name);
  out[at++] = COLON;
  out[at++] = SP;
  at = putLatin1(out, at, value);
  out[at++] = CR;
  out[at++] = LF;
  return at;
}

function putEnd(out: Uint8Array, at: number): number {
  out[at++] = CR;
  out[at++] = LF;
  return at;
}
