/** What `maelstrom version` does. @module */
import settings from "../../deno.json" with { type: "json" };
import type { Call } from "../command.ts";

/**
 * `version`: prints the versions of the executable and of Deno inside it, or the licences of what it
 * is made with.
 */
export async function printVersion({ flags, output }: Call): Promise<void> {
  if (flags.has("licenses")) {
    const { default: text } = await import("../third_party_licenses.txt", {
      with: { type: "text" },
    });
    return await output.text(text);
  }
  const versions = { version: settings.version, deno: Deno.version.deno };
  if (flags.has("json")) await output.json(versions);
  else await output.line(`maelstrom ${versions.version} (Deno ${versions.deno})`);
}
