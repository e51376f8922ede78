/** A program for pull commands: pulls the image that is its argument. @module */
import { DockerClient } from "../../../lib/docker/client.ts";
import { testDockerHost } from "./labelled.ts";

/** The words of the command. */
export const PULL: readonly string[] = [
  Deno.execPath(),
  "run",
  "-A",
  "--no-check",
  "--quiet",
  import.meta.filename!,
  "<image>",
];

if (import.meta.main) {
  using docker = new DockerClient({ host: testDockerHost });
  console.log(`pulls ${Deno.args[0]} for ${Deno.env.get("MAELSTROM_PULL_USERNAME")}`);
  console.error(`with ${Deno.env.get("MAELSTROM_PULL_PASSWORD")}`);
  await docker.pullImage(Deno.args[0] ?? "", { signal: AbortSignal.timeout(60_000) });
}
