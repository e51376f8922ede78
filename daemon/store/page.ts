/** Filters and pages of lists, as SQL text and arguments. Pure. @module */
import { Buffer } from "node:buffer";
import { MaelstromError } from "../../lib/errors.ts";
import { canonicalName, nameFault } from "../../lib/contract/names.ts";
import type { SqlValue } from "./driver.ts";

/** Most rows on one page, and how many come when no sensible limit was given. */
export const PAGE_ROWS_MAX = 1000;

const TOKEN_OPENING = "after:";
/** Sorts after every character of a name. */
const AFTER_NAME_CHARACTERS = "~";

/** Which part of a list is wanted. */
export interface PageRequest {
  /** Rows wanted; below 1 or above 1000 means 1000. */
  readonly limit?: number;
  /** The previous page's token; absent or empty starts at the beginning. */
  readonly nextToken?: string;
}

/** The number of rows `limit` asks for. Source: the ancestor's rule. */
export function pageRows(limit: number = PAGE_ROWS_MAX): number {
  return limit >= 1 && limit <= PAGE_ROWS_MAX ? Math.floor(limit) : PAGE_ROWS_MAX;
}

/** The token of the page that follows the row called `lastName`. */
export function pageToken(lastName: string): string {
  return Buffer.from(TOKEN_OPENING + lastName).toString("base64url");
}

/**
 * The name after which the page of `token` begins; empty for the first page.
 *
 * @throws {MaelstromError} invalid: not a token of ours
 */
export function nameOfToken(token: string = ""): string {
  if (token === "") return "";
  const name = Buffer.from(token, "base64url").toString().slice(TOKEN_OPENING.length);
  const fault = nameFault(name) !== undefined || canonicalName(name) !== name;
  if (fault || pageToken(name) !== token) {
    throw new MaelstromError("invalid", "input.nextToken is not a token this node gave", {
      path: "input.nextToken",
    });
  }
  return name;
}

/** Collects conditions that all must hold, and their arguments in order. */
export class Filter {
  readonly #conditions: string[] = [];
  readonly #args: SqlValue[] = [];

  /** The arguments so far, for `$1`, `$2` and so on. */
  get args(): readonly SqlValue[] {
    return this.#args;
  }

  /** ` where …`, or nothing when there is no condition. */
  get where(): string {
    return this.#conditions.length === 0 ? "" : ` where ${this.#conditions.join(" and ")}`;
  }

  /** Adds an argument; the result is its place in the SQL text, such as `$3`. */
  bind(value: SqlValue): string {
    this.#args.push(value);
    return `$${this.#args.length}`;
  }

  /** Only rows whose `column` is `value`; absent and empty mean any. */
  equal(column: string, value: SqlValue | undefined): this {
    if (value !== undefined && value !== "") {
      this.#conditions.push(`${column} = ${this.bind(value)}`);
    }
    return this;
  }

  /** Only rows whose `column` is not `value`. */
  differs(column: string, value: SqlValue): this {
    this.#conditions.push(`${column} <> ${this.bind(value)}`);
    return this;
  }

  /** Only rows whose `column` sorts after `value`; empty means any. */
  after(column: string, value: string): this {
    if (value !== "") this.#conditions.push(`${column} > ${this.bind(value)}`);
    return this;
  }

  /**
   * Only rows whose `column`, a name, starts with `prefix`; absent and empty mean any. A range
   * instead of `like`: nothing in it is a wildcard, and the key's index serves it.
   */
  prefix(column: string, prefix: string = ""): this {
    if (prefix === "") return this;
    if (nameFault(prefix) !== undefined) {
      this.#conditions.push("1 = 0");
      return this;
    }
    const from = this.bind(prefix);
    const to = this.bind(prefix + AFTER_NAME_CHARACTERS);
    this.#conditions.push(`${column} >= ${from} and ${column} < ${to}`);
    return this;
  }
}
