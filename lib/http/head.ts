/**
 * The head of one HTTP/1.1 message, parsed in place: offsets into the caller's buffer, no strings.
 * Strict: whatever two readers could understand differently is refused. Knows nothing of sockets.
 *
 * Source: RFC 9112; RFC 9110 §7.6.1.
 * @module
 */
import {
  allAre,
  CLASS,
  COLON,
  CR,
  decimal,
  equalsLower,
  HTAB,
  latin1,
  LF,
  SP,
  TARGET,
  TOKEN,
  VALUE,
} from "./bytes.ts";

/** {@linkcode Head.parse} wants more bytes. */
export const MORE = 0;
/** {@linkcode Head.parse} has the whole head. */
export const DONE = 1;

/** What a field means to whoever passes the message on. */
export const Kind = {
  PLAIN: 0,
  HOST: 1,
  LENGTH: 2,
  TRANSFER: 3,
  CONNECTION: 4,
  /** Ends at this hop: Keep-Alive, TE, Trailer, Proxy-Connection, and what Connection names. */
  HOP: 5,
  UPGRADE: 6,
  EXPECT: 7,
} as const;

/** How large a head may be. */
export interface HeadLimits {
  /** Bytes of the whole head; 431 beyond. */
  readonly headBytesMax: number;
  /** Field lines; 431 beyond. */
  readonly fieldsMax: number;
  /** Bytes of the request target; 414 beyond. */
  readonly targetBytesMax: number;
}

const STRIDE = 6;
const METHOD_BYTES_MAX = 32;

/** One parsed head; used again for the next message. */
export class Head {
  /** Offset of the first byte. */
  start = 0;
  /** Offset behind the empty line. */
  end = 0;
  /** Minor HTTP version: 0 or 1. */
  minor = 1;
  /** Offset behind the method. */
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Status of a response. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** Number of fields. */
  count = 0;
  /** Index of Host, or -1. */
  hostIndex = -1;
  /** Index of the first Upgrade, or -1. */
  upgradeIndex = -1;
  /** Value of Content-Length, or -1. */
  contentLength = -1;
  /** True when the body is chunked. */
  chunked = false;
  /** Connection said `close`. */
  close = false;
  /** Connection said `keep-alive`. */
  keepAlive = false;
  /** Connection said `upgrade`. */
  wantsUpgrade = false;
  /** Expect was given: `100-continue`, or something nobody knows. */
  expect: "" | "continue" | "unknown" = "";
  /** Why {@linkcode Head.parse} refused. */
  problem = "";

  readonly #request: boolean;
  readonly #limits: HeadLimits;
  #fields = new Int32Array(STRIDE * 16);
  #next = 0;
  #scanned = 0;
  #tried = 0;
  #skippedEmpty = false;
  #first = true;
  #namesHops = false;

  constructor(message: "request" | "response", limits: HeadLimits) {
    this.#request = message === "request";
    this.#limits = limits;
  }

  /** Forgets the last message; the next one begins at `start`. */
  begin(start: number): void {
    this.start =
      this.end =
      this.#next =
      this.#scanned =
        start;
    this.#first = true;
    this.#tried = 0;
    this.#skippedEmpty = false;
    this.count = 0;
    this.hostIndex = this.upgradeIndex = this.contentLength = -1;
    this.chunked =
      this.close =
      this.keepAlive =
      this.wantsUpgrade =
      this.#namesHops =
        false;
    this.expect = "";
    this.problem = "";
  }

  nameStart(index: number): number {
    return this.#fields[index * STRIDE]!;
  }
  nameEnd(index: number): number {
    return this.#fields[index * STRIDE + 1]!;
  }
  valueStart(index: number): number {
    return this.#fields[index * STRIDE + 2]!;
  }
  valueEnd(index: number): number {
    return this.#fields[index * STRIDE + 3]!;
  }
  /** Offset behind the line's CRLF. */
  lineEnd(index: number): number {
    return this.#fields[index * STRIDE + 4]!;
  }
  /** One of {@linkcode Kind}. */
  kind(index: number): number {
    return this.#fields[index * STRIDE + 5]!;
  }

  /** The value of the field `name` (lower-case); repeated ones joined by ", ". */
  value(bytes: Uint8Array, name: string): string | undefined {
    let found: string | undefined;
    for (let i = 0; i < this.count; i++) {
      if (!equalsLower(bytes, this.nameStart(i), this.nameEnd(i), name)) continue;
      const value = latin1(bytes, this.valueStart(i), this.valueEnd(i));
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }

  /**
   * Goes on parsing with the bytes up to `end`. Earlier bytes must not have moved.
   *
   * @returns MORE, DONE, or the status that refuses the message (400, 414, 431, 501, 505)
   */
  parse(bytes: Uint8Array, end: number): number {
    // A line that drips in is looked at again when it has doubled or ended, not for every byte.
    if (this.#tried > 0 && end - this.#next < 2 * this.#tried && !this.#hasLineEnd(bytes, end)) {
      return this.#tooLarge(end) || MORE;
    }
    let result = MORE;
    while (result === MORE) {
      const before = this.#next;
      result = this.#first ? this.#firstLine(bytes, end) : this.#fieldLine(bytes, end);
      if (result === MORE && this.#next === before) {
        this.#scanned = end;
        this.#tried = end - before;
        return this.#tooLarge(end) || MORE;
      }
    }
    this.#tried = 0;
    if (result !== DONE) return result;
    return this.#tooLarge(this.end) || this.#check(bytes);
  }

  #hasLineEnd(bytes: Uint8Array, end: number): boolean {
    for (let i = this.#scanned; i < end; i++) if (bytes[i] === LF) return true;
    this.#scanned = end;
    return false;
  }

  #tooLarge(end: number): number {
    const { headBytesMax, targetBytesMax } = this.#limits;
    if (this.#first && this.#request && end - this.start > targetBytesMax + METHOD_BYTES_MAX + 16) {
      return this.#refuse(414, "request line too long");
    }
    if (end - this.start > headBytesMax) return this.#refuse(431, "head too large");
    return 0;
  }

  #refuse(status: number, problem: string): number {
    this.problem = problem;
    return status;
  }

  #firstLine(bytes: Uint8Array, end: number): number {
    if (!this.#request) return this.#statusLine(bytes, end);
    // One empty line before a request is tolerated (RFC 9112 §2.2).
    if (this.start + 2 <= end && bytes[this.start] === CR && bytes[this.start + 1] === LF) {
      if (this.#skippedEmpty) return this.#refuse(400, "empty line");
      this.#skippedEmpty = true;
      this.start = this.#next = this.start + 2;
    }
    return this.#requestLine(bytes, end);
  }

  #requestLine(bytes: Uint8Array, end: number): number {
    const start = this.start;
    let i = start;
    while (i < end && (CLASS[bytes[i]!]! & TOKEN) !== 0) i++;
    if (i - start > METHOD_BYTES_MAX) return this.#refuse(501, "method too long");
    if (i >= end) return MORE;
    if (bytes[i] === CR && i === start) {
      return i + 1 < end || this.#skippedEmpty ? this.#refuse(400, "malformed method") : MORE;
    }
    if (i === start || bytes[i] !== SP) return this.#refuse(400, "malformed method");
    this.methodEnd = i;
    const targetStart = ++i;
    while (i < end && (CLASS[bytes[i]!]! & TARGET) !== 0) i++;
    if (i - targetStart > this.#limits.targetBytesMax) return this.#refuse(414, "target too long");
    if (i >= end) return MORE;
    if (i === targetStart || bytes[i] !== SP) return this.#refuse(400, "malformed target");
    this.targetStart = targetStart;
    this.targetEnd = i++;
    const line = i;
    if (end < line + 10) {
      return badVersionSoFar(bytes, line, end) ? this.#badVersion(bytes, line, end) : MORE;
    }
    if (!isVersion(bytes, line) || bytes[line + 8] !== CR || bytes[line + 9] !== LF) {
      return this.#badVersion(bytes, line, end);
    }
    this.minor = bytes[line + 7]! - 48;
    if (bytes[line + 5] !== 49 || this.minor > 1) return this.#refuse(505, "unsupported version");
    return this.#startFields(line + 10);
  }

  #badVersion(bytes: Uint8Array, at: number, end: number): number {
    const looksRight = end - at >= 8 && isVersion(bytes, at) && bytes[at + 5] !== 49;
    return looksRight
      ? this.#refuse(505, "unsupported version")
      : this.#refuse(400, "malformed version");
  }

  #statusLine(bytes: Uint8Array, end: number): number {
    const start = this.start;
    if (end - start < 14) {
      return badVersionSoFar(bytes, start, end) ? this.#refuse(400, "malformed version") : MORE;
    }
    if (!isVersion(bytes, start) || bytes[start + 5] !== 49 || bytes[start + 7]! > 49) {
      return this.#refuse(400, "malformed version");
    }
    this.minor = bytes[start + 7]! - 48;
    this.status = decimal(bytes, start + 9, start + 12);
    if (bytes[start + 8] !== SP || this.status < 100 || this.status > 599) {
      return this.#refuse(400, "malformed status");
    }
    let i = start + 12;
    // The space behind the status is required, but many leave it out with an empty reason.
    if (bytes[i] === SP) i++;
    else if (bytes[i] !== CR) return this.#refuse(400, "malformed status");
    this.reasonStart = i;
    while (i < end && (CLASS[bytes[i]!]! & VALUE) !== 0) i++;
    this.reasonEnd = i;
    if (i + 1 >= end) {
      return i < end && bytes[i] !== CR ? this.#refuse(400, "malformed reason") : MORE;
    }
    if (bytes[i] !== CR || bytes[i + 1] !== LF) return this.#refuse(400, "malformed reason");
    return this.#startFields(i + 2);
  }

  #startFields(next: number): number {
    this.#first = false;
    this.#next = next;
    return MORE;
  }

  #fieldLine(bytes: Uint8Array, end: number): number {
    const start = this.#next;
    let i = start;
    while (i < end && (CLASS[bytes[i]!]! & TOKEN) !== 0) i++;
    if (i >= end) return MORE;
    if (i === start) return this.#lastLine(bytes, start, end);
    const nameEnd = i;
    // In a response white space before the colon is taken out; in a request it is an attack.
    if (!this.#request) { while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++; }
    if (i >= end) return MORE;
    if (bytes[i] !== COLON) return this.#refuse(400, "malformed field name");
    i++;
    while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
    const valueStart = i;
    while (i < end && (CLASS[bytes[i]!]! & VALUE) !== 0) i++;
    if (i >= end) return MORE;
    if (bytes[i] !== CR) return this.#refuse(400, "malformed field value");
    if (i + 1 >= end) return MORE;
    if (bytes[i + 1] !== LF) return this.#refuse(400, "bare CR");
    let valueEnd = i;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) {
      valueEnd--;
    }
    return this.#keep(bytes, start, nameEnd, valueStart, valueEnd, i + 2);
  }

  #lastLine(bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] !== CR) return this.#refuse(400, "malformed field line");
    if (start + 1 >= end) return MORE;
    if (bytes[start + 1] !== LF) return this.#refuse(400, "bare CR");
    this.end = start + 2;
    return DONE;
  }

  #keep(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    lineEnd: number,
  ): number {
    const index = this.count++;
    if (index >= this.#limits.fieldsMax) return this.#refuse(431, "too many fields");
    if ((index + 1) * STRIDE > this.#fields.length) {
      const larger = new Int32Array(this.#fields.length * 2);
      larger.set(this.#fields);
      this.#fields = larger;
    }
    const fields = this.#fields;
    const at = index * STRIDE;
    const kind = kindOf(bytes, nameStart, nameEnd);
    fields[at] = nameStart;
    fields[at + 1] = nameEnd;
    fields[at + 2] = valueStart;
    fields[at + 3] = valueEnd;
    fields[at + 4] = lineEnd;
    fields[at + 5] = kind;
    this.#next = lineEnd;
    return kind === Kind.PLAIN ? MORE : this.#note(kind, index, bytes, valueStart, valueEnd);
  }

  #note(kind: number, index: number, bytes: Uint8Array, start: number, end: number): number {
    switch (kind) {
      case Kind.HOST:
        if (this.hostIndex >= 0 && this.#request) return this.#refuse(400, "repeated Host");
        this.hostIndex = index;
        return MORE;
      case Kind.LENGTH:
        if (this.contentLength >= 0) return this.#refuse(400, "repeated Content-Length");
        this.contentLength = decimal(bytes, start, end);
        return this.contentLength < 0 ? this.#refuse(400, "malformed Content-Length") : MORE;
      case Kind.TRANSFER:
        return this.#noteTransfer(bytes, start, end);
      case Kind.CONNECTION:
        return this.#noteConnection(bytes, start, end);
      case Kind.UPGRADE:
        if (this.upgradeIndex < 0) this.upgradeIndex = index;
        return MORE;
      case Kind.EXPECT:
        this.expect = this.expect !== "unknown" && equalsLower(bytes, start, end, "100-continue")
          ? "continue"
          : "unknown";
        return MORE;
      default:
        return MORE;
    }
  }

  #noteTransfer(bytes: Uint8Array, start: number, end: number): number {
    if (this.chunked) return this.#refuse(400, "repeated Transfer-Encoding");
    this.chunked = equalsLower(bytes, start, end, "chunked");
    if (this.chunked) return MORE;
    // With "chunked" somewhere in it, it is an attempt to be misread; without, a coding unknown here.
    return latin1(bytes, start, end).toLowerCase().includes("chunked")
      ? this.#refuse(400, "malformed Transfer-Encoding")
      : this.#refuse(501, "unknown transfer coding");
  }

  #noteConnection(bytes: Uint8Array, start: number, end: number): number {
    for (let i = start; i < end; i++) {
      const from = i;
      while (i < end && bytes[i] !== 44) i++;
      const [s, e] = trim(bytes, from, i);
      if (s === e) continue;
      if (!allAre(TOKEN, bytes, s, e)) return this.#refuse(400, "malformed Connection");
      if (equalsLower(bytes, s, e, "close")) this.close = true;
      else if (equalsLower(bytes, s, e, "keep-alive")) this.keepAlive = true;
      else if (equalsLower(bytes, s, e, "upgrade")) this.wantsUpgrade = true;
      else this.#namesHops = true;
    }
    return MORE;
  }

  #check(bytes: Uint8Array): number {
    if (this.chunked) {
      if (this.contentLength >= 0) {
        return this.#refuse(400, "Content-Length with Transfer-Encoding");
      }
      if (this.minor === 0) return this.#refuse(400, "Transfer-Encoding in HTTP/1.0");
    }
    if (this.#namesHops) this.#markNamed(bytes);
    return DONE;
  }

  /** Marks the fields that Connection names. Those that frame or route the message stay. */
  #markNamed(bytes: Uint8Array): void {
    for (let i = 0; i < this.count; i++) {
      if (this.kind(i) !== Kind.CONNECTION) continue;
      const names = latin1(bytes, this.valueStart(i), this.valueEnd(i)).toLowerCase().split(",");
      for (const name of names.map((item) => item.trim())) {
        for (let k = 0; k < this.count; k++) {
          if (this.kind(k) !== Kind.PLAIN) continue;
          if (!equalsLower(bytes, this.nameStart(k), this.nameEnd(k), name)) continue;
          this.#fields[k * STRIDE + 5] = Kind.HOP;
        }
      }
    }
  }
}

function kindOf(bytes: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 2:
      return equalsLower(bytes, start, end, "te") ? Kind.HOP : Kind.PLAIN;
    case 4:
      return equalsLower(bytes, start, end, "host") ? Kind.HOST : Kind.PLAIN;
    case 6:
      return equalsLower(bytes, start, end, "expect") ? Kind.EXPECT : Kind.PLAIN;
    case 7:
      if (equalsLower(bytes, start, end, "upgrade")) return Kind.UPGRADE;
      return equalsLower(bytes, start, end, "trailer") ? Kind.HOP : Kind.PLAIN;
    case 10:
      if (equalsLower(bytes, start, end, "connection")) return Kind.CONNECTION;
      return equalsLower(bytes, start, end, "keep-alive") ? Kind.HOP : Kind.PLAIN;
    case 14:
      return equalsLower(bytes, start, end, "content-length") ? Kind.LENGTH : Kind.PLAIN;
    case 16:
      return equalsLower(bytes, start, end, "proxy-connection") ? Kind.HOP : Kind.PLAIN;
    case 17:
      return equalsLower(bytes, start, end, "transfer-encoding") ? Kind.TRANSFER : Kind.PLAIN;
    default:
      return Kind.PLAIN;
  }
}

function trim(bytes: Uint8Array, start: number, end: number): [number, number] {
  while (start < end && (bytes[start] === SP || bytes[start] === HTAB)) start++;
  while (end > start && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
  return [start, end];
}

function isVersion(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 &&
    bytes[at + 3] === 80 && bytes[at + 4] === 47 && isDigit(bytes[at + 5]!) &&
    bytes[at + 6] === 46 && isDigit(bytes[at + 7]!);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** True when the bytes there are can no longer become `HTTP/…`. */
function badVersionSoFar(bytes: Uint8Array, start: number, end: number): boolean {
  const want = "HTTP/";
  for (let i = start; i < end && i < start + want.length; i++) {
    if (bytes[i] !== want.charCodeAt(i - start)) return true;
  }
  for (let i = start; i < end; i++) if (bytes[i] === LF) return true;
  return false;
}
