/**
 * Which fields not to pass on, compiled once and asked for every field of every message. Pure.
 * @module
 */
import { LOWER, textIs, TOKEN } from "./bytes.ts";

const UNDERSCORE = 95;
const DASH = 45;

/** A compiled set of field names. Made by {@linkcode dropFields}. */
export class FieldFilter {
  readonly #byLength: (string[] | undefined)[] = [];
  readonly #prefixes: string[] = [];

  constructor(names: readonly string[]) {
    for (const name of names) {
      if (name.endsWith("-")) this.#prefixes.push(name);
      else (this.#byLength[name.length] ??= []).push(name);
    }
  }

  /** True when the field named by `bytes[start, end)` is in the set. */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    const names = this.#byLength[end - start];
    if (names) {
      for (const name of names) if (begins(bytes, start, name)) return true;
    }
    for (const prefix of this.#prefixes) {
      if (prefix.length < end - start && begins(bytes, start, prefix)) return true;
    }
    return false;
  }
}

/**
 * The set of `names` (lower-case); a name that ends in "-" stands for every name that starts so.
 * An underscore in a message counts as "-", because many applications see no difference.
 *
 * @throws {Error} a name is not a lower-case token: a bug of the caller
 */
export function dropFields(names: readonly string[]): FieldFilter {
  for (const name of names) {
    if (!name || !textIs(TOKEN, name) || name !== name.toLowerCase() || name.includes("_")) {
      throw new Error(`Cannot drop "${name}": not a lower-case field name`);
    }
  }
  return new FieldFilter(names);
}

function begins(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i]!;
    if ((byte === UNDERSCORE ? DASH : LOWER[byte]) !== text.charCodeAt(i)) return false;
  }
  return true;
}
