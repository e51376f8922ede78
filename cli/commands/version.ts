/** What `maelstrom version` does. @module */
import settings from "../../deno.json" with { type: "json" };
import type { Call } from "../command.ts";

/** `version`: prints the versions of the executable and of Deno inside it. */
export async function printVersion({ flags, output }: Call): Promise<void> {
  const versions = { version: settings.version, deno: Deno.version.deno };
  if (flags.has("json")) await output.json(versions);
  else await output.line(`maelstrom ${versions.version} (Deno ${versions.deno})`);
}
