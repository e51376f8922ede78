/**
 * Writes the pages that are made from code. `deno task gen` writes them, `deno task gen:check` fails
 * when one is stale.
 * @module
 */
import { join } from "node:path";
import { projectReference } from "../cli/project_reference.ts";
import { cliReference } from "../cli/reference.ts";
import { settingsReference } from "../daemon/config.ts";
import { projectJsonSchema } from "../lib/project/file_schema.ts";
import { thirdPartyLicenses } from "../packaging/licenses.ts";

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  "../cli/third_party_licenses.txt": thirdPartyLicenses,
  "reference/cli.md": cliReference,
  "reference/project.md": projectReference,
  "reference/project.schema.json": () => `${JSON.stringify(projectJsonSchema(), undefined, 2)}\n`,
  "reference/settings.md": settingsReference,
};

const check = Deno.args.includes("--check");
const stale: string[] = [];
for (const [name, make] of Object.entries(pages)) {
  const path = join(import.meta.dirname!, name);
  const page = await make();
  const found = await Deno.readTextFile(path).catch(() => undefined);
  if (found === page) continue;
  if (check) stale.push(name);
  else await Deno.writeTextFile(path, page);
}
if (stale.length > 0) {
  console.error(`Stale: docs/${stale.join(", docs/")}. Run "deno task gen".`);
  Deno.exit(1);
}
