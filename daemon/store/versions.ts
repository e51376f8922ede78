/**
 * The versions of a component that one may go back to: the last ten contents that differ. Owns the
 * table `component_version`; when it is written is the business of changes. Walk: store, changes →
 * **versions** → driver.
 * @module
 */
import type { Component } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { integerOf, type Transaction } from "./driver.ts";
import { parsed } from "./rows.ts";

/** Contents kept of each component, the current one included. */
export const VERSIONS_KEPT = 10;

type Reader = Pick<Transaction, "all">;

/** Keeps `component` as the newest of its versions; a content that was kept already moves up. */
export async function keepVersion(transaction: Transaction, component: Component): Promise<void> {
  const { name, version, modifiedAt = 0 } = component;
  const content = contentOf(component);
  await transaction.run("delete from component_version where name = $1 and json = $2", [
    name,
    content,
  ]);
  await transaction.run(
    "insert into component_version (name, version, modified_at, json) values ($1, $2, $3, $4)",
    [name, version, modifiedAt, content],
  );
  await transaction.run(
    `delete from component_version where name = $1 and version not in
       (select version from component_version where name = $1 order by version desc limit $2)`,
    [name, VERSIONS_KEPT],
  );
}

/** The kept versions of the component called `name`, newest first; none when there is no such. */
export async function keptVersions(reader: Reader, name: string): Promise<Component[]> {
  const rows = await reader.all(
    `select name, version, modified_at, json from component_version
     where name = $1 order by version desc`,
    [name],
  );
  return rows.map((row) => ({
    ...parsed<Component>(row),
    version: integerOf(row, "version"),
    modifiedAt: integerOf(row, "modified_at"),
  }));
}

/**
 * Stores kept contents that have a `pullPassword` as `rewrite` gives them; names those that it gave
 * as another object.
 */
export async function rewriteVersions(
  transaction: Transaction,
  rewrite: (component: Component) => Component,
): Promise<string[]> {
  const rows = await transaction.all(
    `select name, version, json from component_version where json like '%"pullPassword":%'`,
    [],
  );
  const names = [];
  for (const row of rows) {
    const before = parsed<Component>(row);
    const after = rewrite(before);
    if (after === before) continue;
    names.push(after.name);
    await transaction.run(
      "update component_version set json = $1 where name = $2 and version = $3",
      [contentOf(after), after.name, integerOf(row, "version")],
    );
  }
  return names;
}

/** The images that kept versions name, each once. */
export async function keptImages(reader: Reader): Promise<string[]> {
  const rows = await reader.all("select name, json from component_version", []);
  return [...new Set(rows.map((row) => parsed<Component>(row).docker.image))];
}

/**
 * The version of `kept` to go back to: `version`, or else the newest whose content differs from
 * that of `current`. Pure.
 *
 * @throws {MaelstromError} invalid: `version` is the current one
 * @throws {MaelstromError} not_found: it is not kept, or no other is
 */
export function versionToRestore(
  current: Component,
  kept: readonly Component[],
  version: number | undefined,
): Component {
  const content = contentOf(current);
  const others = kept.filter((one) => contentOf(one) !== content);
  const wanted = version === undefined ? others[0] : others.find((one) => one.version === version);
  if (wanted) return wanted;
  const act = `Cannot roll back "${current.name}"`;
  const found = others.length === 0
    ? "no other version is kept"
    : `kept are ${others.map((one) => one.version).join(", ")}`;
  if (version === current.version) {
    throw new MaelstromError("invalid", `${act}: version ${version} is the current one; ${found}`);
  }
  const asked = version === undefined ? "" : `version ${version} is not kept; `;
  throw new MaelstromError("not_found", `${act}: ${asked}${found}`, { name: current.name });
}

/** What is put, as text: the same for the same content, in whichever order it was written. */
function contentOf({ version: _version, modifiedAt: _modifiedAt, ...content }: Component): string {
  return JSON.stringify(content, (_key, value) => {
    const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isRecord) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  });
}
