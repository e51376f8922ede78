/**
 * Daemons of other releases than the one under test: of one that speaks other versions of the
 * messages between nodes, made of this one's bundle, and of the commit before nodes told which
 * versions they speak, made of the repository's history.
 * @module
 */
import { join } from "node:path";
import type { ProtocolRange } from "../../lib/contract/protocol.ts";
import { BUNDLE_DIR, ENTRY } from "../../packaging/bundle.ts";
import { RUN_FLAGS } from "../../packaging/pack.ts";
import { PROJECT_DIR } from "../../packaging/project.ts";
import type { Program } from "./node.ts";

/** How {@linkcode PROTOCOLS} looks in a bundle. */
const RANGE = /\boldest:\d+,newest:\d+\b/g;
/** The file whose first commit is the one that gave nodes a range of versions. */
const ADDED = "lib/contract/protocol.ts";

/** A release that can be run. */
export interface OtherRelease extends AsyncDisposable {
  readonly program: Program;
}

/** This release with other versions of the messages between nodes: nothing else of it differs. */
export async function releaseSpeaking({ oldest, newest }: ProtocolRange): Promise<OtherRelease> {
  const directory = await Deno.makeTempDir({ prefix: "maelstrom-release-" });
  const release = released(directory, directory);
  try {
    let found = 0;
    for await (const { name } of Deno.readDir(BUNDLE_DIR)) {
      const text = await Deno.readTextFile(join(BUNDLE_DIR, name));
      const other = text.replaceAll(RANGE, () => {
        found += 1;
        return `oldest:${oldest},newest:${newest}`;
      });
      await Deno.writeTextFile(join(directory, name), other);
    }
    if (found !== 1) throw new Error(`the bundle names its versions ${found} times, not once`);
  } catch (error) {
    await release[Symbol.asyncDispose]();
    throw error;
  }
  return release;
}

/** The commit before nodes told which versions they speak, or why it cannot be had. */
export async function releaseBefore(): Promise<OtherRelease | string> {
  const added = await output("git", ["log", "-1", "--diff-filter=A", "--format=%H", "--", ADDED]);
  if (!added) return "no history of the repository";
  const commit = await output("git", ["rev-parse", "--verify", "--quiet", `${added}^`]);
  if (!commit) return "the history does not go back far enough";
  const directory = await Deno.makeTempDir({ prefix: "maelstrom-release-" });
  const release = released(directory, join(directory, "dist/bundle"));
  const sources = join(directory, "sources.tar");
  const isBuilt = await output("git", ["archive", "-o", sources, commit]) !== undefined &&
    await output("tar", ["-xf", sources, "-C", directory]) !== undefined &&
    await output(Deno.execPath(), ["run", "-A", "packaging/bundle.ts"], directory) !== undefined;
  if (isBuilt) return release;
  await release[Symbol.asyncDispose]();
  return `commit ${commit} cannot be built`;
}

function released(directory: string, bundle: string): OtherRelease {
  return {
    program: [Deno.execPath(), "run", ...RUN_FLAGS, join(bundle, ENTRY)],
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** What a command printed; undefined when it failed or is not there. */
async function output(
  command: string,
  args: readonly string[],
  cwd = PROJECT_DIR,
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args: [...args],
      cwd,
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}
