/**
 * Brings a database to the schema this executable knows. Owns the tables `schema_migration` and
 * `schema_compatible`; knows nothing of the others. Walk: sqlite, postgres → **migrate** → driver.
 * @module
 */
import { MaelstromError } from "../../lib/errors.ts";
import { type Driver, integerOf, textOf, type Transaction } from "./driver.ts";
import type { Migration } from "./schema/migrations.ts";

const TABLES = [
  `create table if not exists schema_migration (
    version bigint primary key,
    name text not null,
    checksum text not null,
    applied_at bigint not null
  )`,
  // A table of its own: databases that were made before it was thought of just gain it.
  `create table if not exists schema_compatible (version bigint primary key)`,
];

/**
 * Applies what is missing of `steps`, each step in one transaction, and resolves to the names of
 * the steps applied. `place` names the database in errors.
 *
 * @throws {MaelstromError} store_unavailable: the database is of a newer executable and not
 * compatible with this one, or was made by scripts other than ours
 */
export async function migrate(
  driver: Pick<Driver, "transaction">,
  steps: readonly Migration[],
  place: string,
): Promise<string[]> {
  const known = await Promise.all(
    steps.map(async (step) => ({ ...step, checksum: await checksumOf(step.script) })),
  );
  const applied = await driver.transaction(async (transaction) => {
    for (const table of TABLES) await transaction.run(table, []);
    return await appliedSteps(transaction);
  });
  checkApplied(applied, known, place);
  const names: string[] = [];
  for (const step of known.filter(({ version }) => !applied.has(version))) {
    if (await driver.transaction((transaction) => apply(transaction, step))) names.push(step.name);
  }
  return names;
}

interface KnownStep extends Migration {
  readonly checksum: string;
}

interface AppliedStep {
  readonly checksum: string;
  readonly isCompatible: boolean;
}

async function appliedSteps(transaction: Transaction): Promise<Map<number, AppliedStep>> {
  const rows = await transaction.all(
    `select version, checksum, case when version in (select version from schema_compatible)
       then 1 else 0 end as compatible
     from schema_migration order by version`,
    [],
  );
  return new Map(rows.map((row) => {
    const isCompatible = integerOf(row, "compatible") === 1;
    return [integerOf(row, "version"), { checksum: textOf(row, "checksum"), isCompatible }];
  }));
}

function checkApplied(
  applied: ReadonlyMap<number, AppliedStep>,
  known: readonly KnownStep[],
  place: string,
): void {
  const last = known.at(-1)?.version ?? 0;
  for (const [version, { checksum, isCompatible }] of applied) {
    if (version > last) {
      if (isCompatible) continue;
      throw new MaelstromError(
        "store_unavailable",
        `Cannot open ${place}: its schema is version ${version}, this executable knows ${last}; ` +
          "install the newer executable or restore a backup made before the upgrade",
      );
    }
    if (known.find((step) => step.version === version)?.checksum !== checksum) {
      throw new MaelstromError(
        "store_unavailable",
        `Cannot open ${place}: step ${version} of its schema was made by another script; ` +
          "use the executable that made it or restore a backup",
      );
    }
  }
}

/** False when somebody else applied it since we looked. */
async function apply(transaction: Transaction, step: KnownStep): Promise<boolean> {
  const fresh = await transaction.run(
    "insert into schema_migration (version, name, checksum, applied_at) " +
      "values ($1, $2, $3, $4) on conflict (version) do nothing",
    [step.version, step.name, step.checksum, Date.now()],
  );
  if (fresh === 0) return false;
  if (step.isCompatible) {
    await transaction.run("insert into schema_compatible (version) values ($1)", [step.version]);
  }
  for (const statement of step.script.split(/;\s*?(?:\n|$)/)) {
    if (statement.trim()) await transaction.run(statement, []);
  }
  return true;
}

async function checksumOf(script: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
  return new Uint8Array(hash).toHex();
}
