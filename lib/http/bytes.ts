/**
 * Bytes of HTTP messages: which are allowed where, and their way to and from strings. Strings here
 * are latin1 (one character per byte), so that what arrives leaves unchanged.
 * @module
 */

export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const COLON = 58;

/** Flag of bytes that may stand in a token (method, field name). */
export const TOKEN = 1;
/** Flag of bytes that may stand in a field value: HTAB, SP, visible and obs-text. */
export const VALUE = 2;
/** Flag of bytes that may stand in a request target: visible but "#", and 0x80 up. */
export const TARGET = 4;
/** Flag of bytes that may stand in a registered host name; narrower than RFC 3986 by the comma. */
export const HOST = 8;

/** Flags of each byte. Source: RFC 9110 §5.6.2, §5.5; RFC 3986 §3.2.2. */
export const CLASS: Uint8Array = classTable();

/** Lower case of each ASCII letter; any other byte is itself. */
export const LOWER: Uint8Array = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte >= 65 && byte <= 90 ? byte + 32 : byte,
);

/** `bytes[start, end)` as a latin1 string. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 48) {
    let text = "";
    for (let at = start; at < end; at += 8192) {
      text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 8192)));
    }
    return text;
  }
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** Writes the latin1 `text` into `bytes` at `at` and gives the offset behind it. */
export function putLatin1(bytes: Uint8Array, at: number, text: string): number {
  const length = text.length;
  for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + length;
}

/** Copies `from[start, end)` to `to` at `at` and gives the offset behind it. */
export function putBytes(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  // A view costs more than a short loop.
  if (length > 200) to.set(from.subarray(start, end), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
  return at + length;
}

/** True when `bytes[start, end)` equals the lower-case `text`, ASCII case aside. */
export function equalsLower(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (LOWER[bytes[start + i]!] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** True when every byte of `bytes[start, end)` has `flag`. */
export function allAre(flag: number, bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((CLASS[bytes[i]!]! & flag) === 0) return false;
  return true;
}

/** True when every character of `text` is a byte with `flag`. */
export function textIs(flag: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || (CLASS[code]! & flag) === 0) return false;
  }
  return true;
}

/** True for `host`, `host:port`, `[v6]` and `[v6]:port`, without user info. */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  if (bytes[i] === 91) {
    for (i++; i < end && isV6Byte(bytes[i]!); i++);
    if (i - start < 3 || i >= end || bytes[i] !== 93) return false;
    i++;
  } else {
    while (i < end && (CLASS[bytes[i]!]! & HOST) !== 0) i++;
    if (i === start) return false;
  }
  if (i === end) return true;
  if (bytes[i] !== COLON || end - i > 6) return false;
  for (i++; i < end; i++) if (bytes[i]! < 48 || bytes[i]! > 57) return false;
  return true;
}

/** The host of an authority, lower-case and without its port; `[v6]` keeps its brackets. */
export function hostOf(authority: string): string {
  const bracket = authority.lastIndexOf("]");
  const colon = authority.indexOf(":", bracket < 0 ? 0 : bracket);
  return (colon < 0 ? authority : authority.slice(0, colon)).toLowerCase();
}

/**
 * The number `bytes[start, end)` spells in decimal digits, or -1 when it is anything else or beyond
 * 15 digits.
 */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isV6Byte(byte: number): boolean {
  return byte === COLON || byte === 46 || (byte >= 48 && byte <= 57) ||
    (LOWER[byte]! >= 97 && LOWER[byte]! <= 102);
}

function classTable(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (flag: number, characters: string) => {
    for (const character of characters) table[character.charCodeAt(0)]! |= flag;
  };
  for (let byte = 0x21; byte < 256; byte++) {
    if (byte !== 0x7f) table[byte] = VALUE | TARGET;
  }
  table[SP] = table[HTAB] = VALUE;
  table[0x23] = VALUE;
  const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  mark(TOKEN | HOST, alphanumeric);
  mark(TOKEN, "!#$%&'*+-.^_`|~");
  mark(HOST, "-._~%!$&'()*+;=");
  return table;
}
