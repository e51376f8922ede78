/**
 * Makes the one executable: Deno's runtime with the bundle inside. The same bundle and runtime give
 * the same bytes. Knows the runtime only as a file that `deno compile` finds or that DENORT_BIN
 * names.
 * @module
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MaelstromError } from "../lib/errors.ts";
import { bundle, BUNDLE_DIR, ENTRY } from "./bundle.ts";
import { DIST_DIR, runDeno, runScript, sizeText, UNSTABLE_FLAGS, VERSION } from "./project.ts";

/** Machines that an executable can be made for, as Deno calls them. */
export const TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] as const;

/** One of {@linkcode TARGETS}. */
export type Target = typeof TARGETS[number];

/** What {@linkcode compile} makes. */
export interface CompileOptions {
  /** Folder with the bundle; all of it goes into the executable. */
  readonly bundleDir: string;
  /** Path of the executable. */
  readonly output: string;
  /** @default {this machine} */
  readonly target?: Target;
  /** Path of the runtime. @default {DENORT_BIN, else what Deno fetches} */
  readonly base?: string;
}

/**
 * Makes an executable from a bundle.
 *
 * @throws {MaelstromError} not_found: there is no runtime for that target
 * @throws {MaelstromError} internal: the compiler failed
 */
export async function compile(options: CompileOptions): Promise<void> {
  const { bundleDir, output, target, base = Deno.env.get("DENORT_BIN") } = options;
  // The compiler does not replace a file that it has not made; and a rename leaves one that is
  // running as it is.
  const temporary = `${resolve(output)}.new-${Deno.pid}`;
  const { code, stderr } = await runDeno(
    [
      ...["compile", "--allow-all", "--no-prompt", "--no-check"],
      // Without the project's settings, which would put its import map into the executable.
      ...["--no-config", "--no-lock", "--no-remote", "--no-npm", ...UNSTABLE_FLAGS],
      // The cache would lie under a name in /tmp that everybody can guess and write first.
      "--no-code-cache",
      ...["--app-name", "maelstrom", ...(target ? ["--target", target] : [])],
      ...["--output", temporary, ENTRY],
    ],
    { cwd: bundleDir, env: base ? { DENORT_BIN: resolve(base) } : {} },
  );
  if (code === 0) return await Deno.rename(temporary, output);
  const reason = lastReason(stderr);
  if (!/base binary|denort/i.test(stderr)) {
    throw new MaelstromError("internal", `Cannot compile: ${reason}`);
  }
  const zip = `$DENO_DIR/dl/release/v${Deno.version.deno}/denort-${target ?? hostTarget()}.zip`;
  throw new MaelstromError(
    "not_found",
    `Cannot compile for ${target ?? hostTarget()}: Deno's runtime "denort" ${Deno.version.deno} ` +
      `is missing (${reason}); set DENORT_BIN to that file, or put its archive at ${zip}`,
  );
}

/**
 * Runs an executable to see that it is our program, for a base that is a whole `deno` takes no
 * notice of what it carries.
 *
 * @throws {MaelstromError} invalid: it does not say the version it should
 */
export async function checkExecutable(path: string): Promise<void> {
  const command = new Deno.Command(path, { args: ["version"], env: { NO_COLOR: "1" } });
  const { stdout } = await command.output();
  const said = new TextDecoder().decode(stdout).trim();
  const wanted = `maelstrom ${VERSION} (Deno ${Deno.version.deno})`;
  if (said === wanted) return;
  throw new MaelstromError(
    "invalid",
    `Cannot use "${path}": it says "${said}" instead of "${wanted}"; ` +
      `is DENORT_BIN the "denort" of Deno ${Deno.version.deno}?`,
  );
}

/** This machine as a target. */
function hostTarget(): string {
  return Deno.build.target;
}

/** The innermost cause in Deno's report. */
function lastReason(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.replace(/^\s*\d+:\s*/, "").trim());
  return lines.filter((line) => line !== "").at(-1) ?? "no reason given";
}

function readTarget(): Target | undefined {
  const { values: { target } } = parseArgs({
    args: Deno.args,
    options: { target: { type: "string" } },
  });
  const known = TARGETS.find((one) => one === target);
  if (target === undefined || known) return known;
  throw new MaelstromError(
    "invalid",
    `Cannot compile for "${target}": the targets are ${TARGETS.join(" and ")}`,
  );
}

if (import.meta.main) {
  await runScript(async () => {
    const target = readTarget();
    const output = join(DIST_DIR, target ? `maelstrom-${target}` : "maelstrom");
    // What is not our program must not take the place of one that was.
    const unchecked = `${output}.unchecked`;
    await bundle(BUNDLE_DIR);
    await compile({ bundleDir: BUNDLE_DIR, output: unchecked, ...(target ? { target } : {}) });
    try {
      if (!target || target === hostTarget()) await checkExecutable(unchecked);
      await Deno.rename(unchecked, output);
    } catch (error) {
      await Deno.remove(unchecked);
      throw error;
    }
    console.log(`${sizeText((await Deno.stat(output)).size)}  ${output}`);
  });
}
