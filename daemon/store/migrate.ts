/**
 * Brings a database to the schema this executable knows. Owns the table `schema_migration`; knows
 * nothing of the other tables. Walk: sqlite, postgres → **migrate** → driver.
 * @module
 */
import { MaelstromError } from "../../lib/errors.ts";
import { type Driver, integerOf, textOf, type Transaction } from "./driver.ts";
import type { Migration } from "./schema/migrations.ts";

const TABLE = `create table if not exists schema_migration (
  version bigint primary key,
  name text not null,
  checksum text not null,
  applied_at bigint not null
)`;

/**
 * Applies what is missing of `steps`, each step in one transaction, and resolves to the names of
 * the steps applied. `place` names the database in errors.
 *
 * @throws {MaelstromError} store_unavailable: the database is of a newer executable, or was made by
 * scripts other than ours
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
    await transaction.run(TABLE, []);
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

async function appliedSteps(transaction: Transaction): Promise<Map<number, string>> {
  const rows = await transaction.all(
    "select version, checksum from schema_migration order by version",
    [],
  );
  return new Map(rows.map((row) => [integerOf(row, "version"), textOf(row, "checksum")]));
}

function checkApplied(
  applied: ReadonlyMap<number, string>,
  known: readonly KnownStep[],
  place: string,
): void {
  const last = known.at(-1)?.version ?? 0;
  for (const [version, checksum] of applied) {
    if (version > last) {
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
  for (const statement of step.script.split(/;\s*?(?:\n|$)/)) {
    if (statement.trim()) await transaction.run(statement, []);
  }
  return true;
}

async function checksumOf(script: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
  return new Uint8Array(hash).toHex();
}
