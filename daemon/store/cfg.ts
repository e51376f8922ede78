/**
 * The named values that environments refer to. Owns the table `cfg` and who uses what in it; secret
 * values arrive sealed and stay so. Walk: store, changes → **cfg** → driver.
 * @module
 */
import { cfgNames } from "../../lib/contract/cfg.ts";
import type { Component } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { integerOf, type Row, textOf, type Transaction } from "./driver.ts";
import { type CfgValue, cfgValueOf, parsed } from "./rows.ts";

/** A named value and what is kept about it. */
export interface StoredCfg extends CfgValue {
  /** Counts the changes from 1. */
  readonly version: number;
  /** In milliseconds since 1970. */
  readonly modifiedAt: number;
}

type Reader = Pick<Transaction, "all">;

const SELECT = "select name, version, modified_at, secret, value from cfg";

/** The value called `name`. */
export async function getCfg(reader: Reader, name: string): Promise<StoredCfg | undefined> {
  const [row] = await reader.all(`${SELECT} where name = $1`, [name]);
  return row && storedCfgOf(row);
}

/** Every value, by name. */
export async function listCfg(reader: Reader): Promise<StoredCfg[]> {
  return (await reader.all(`${SELECT} order by name`, [])).map(storedCfgOf);
}

/** Creates or replaces a value at `nowMs`; the result is its version. */
export async function putCfg(
  transaction: Transaction,
  { name, secret, value }: CfgValue,
  nowMs: number,
): Promise<number> {
  const [row] = await transaction.all(
    `insert into cfg (name, version, modified_at, secret, value) values ($1, 1, $2, $3, $4)
     on conflict (name) do update set version = cfg.version + 1,
       modified_at = excluded.modified_at, secret = excluded.secret, value = excluded.value
     returning version`,
    [name, nowMs, secret ? 1 : 0, value],
  );
  if (!row) throw new Error(`cfg ${name} was written but gave no version`);
  return integerOf(row, "version");
}

/** Names of the values there are among `names`. */
export async function knownCfg(reader: Reader, names: readonly string[]): Promise<Set<string>> {
  if (names.length === 0) return new Set();
  const places = names.map((_, index) => `$${index + 1}`).join(", ");
  const rows = await reader.all(`select name from cfg where name in (${places})`, names);
  return new Set(rows.map((row) => textOf(row, "name")));
}

/** Components that refer to one of `names`, by name. */
export async function componentsUsing(
  reader: Reader,
  names: readonly string[],
): Promise<Component[]> {
  const rows = await reader.all(
    "select name, json from component where json like $1 order by name",
    [
      "%${cfg:%",
    ],
  );
  const wanted = new Set(names);
  return rows.map((row) => parsed<Component>(row))
    .filter((component) => cfgNames(component).some((name) => wanted.has(name)));
}

/**
 * Refuses a component that refers to a value there is not.
 *
 * @throws {MaelstromError} invalid: names what is missing
 */
export function refuseMissingCfg(component: Component, known: ReadonlySet<string>): void {
  const missing = cfgNames(component).filter((name) => !known.has(name));
  if (missing.length === 0) return;
  const references = missing.map((name) => `\${cfg:${name}}`).join(", ");
  throw new MaelstromError(
    "invalid",
    `Cannot put "${component.name}": its environment refers to ${references}, and there is no ` +
      "such value; set it with 'maelstrom cfg put'",
    { path: "input.component.environment", missing },
  );
}

function storedCfgOf(row: Row): StoredCfg {
  return {
    ...cfgValueOf(row),
    version: integerOf(row, "version"),
    modifiedAt: integerOf(row, "modified_at"),
  };
}
