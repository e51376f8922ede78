/**
 * The licences of what goes into the executable beside our own sources: Deno, and the packages that
 * the bundle is made of. Read from the packages themselves, in Deno's cache.
 * @module
 */
import { join } from "node:path";
import { MaelstromError } from "../lib/errors.ts";
import denoLicense from "./deno_license.txt" with { type: "text" };
import { runDeno } from "./project.ts";

const LICENSE_FILE = /^(licen[cs]e|copying|notice|copyrightnotice)(\.\w+)?$/i;

/** A package and what it says of its licence. */
interface Licensed {
  /** Such as `yaml 2.9.1`. */
  readonly title: string;
  /** As SPDX names it. */
  readonly license: string;
  /** Empty when it brings none. */
  readonly text: string;
}

interface Graph {
  readonly modules: readonly { readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

/**
 * All of them as one text; packages with the same words share one copy.
 *
 * @throws {MaelstromError} internal: a package names no licence, or is not in the cache
 */
export async function thirdPartyLicenses(): Promise<string> {
  const { npmCache } = await info<{ npmCache: string }>([]);
  const graph = await info<Graph>(["main.ts"]);
  const packages = await Promise.all(
    packagesOf(graph).map((one) => licensed(one, join(npmCache, "registry.npmjs.org"))),
  );
  const byText = Map.groupBy(packages, ({ license, text }) => text || license);
  const parts = [...byText.values()].map((group) => {
    // One that brings no text has the words of those that say the same.
    const { text, license } = group[0]!;
    const shared = text || packages.find((one) => one.license === license && one.text)?.text;
    return { group, text: shared ?? `It brings no text; its licence is ${license}.` };
  });
  const merged = Map.groupBy(parts, ({ text }) => text);
  const sections = [...merged].map(([text, same]) => {
    const titles = same.flatMap(({ group }) => group)
      .map(({ title, license }) => `${title} (${license})`).sort();
    return section(titles, text);
  });
  const head =
    "Maelstrom is made with what is listed here. Deno in turn is made with V8 and other " +
    "software,\nwhose licences are told at https://github.com/denoland/deno.\n";
  return [head, section(["Deno (MIT)"], denoLicense.trim()), ...sections].join("\n");
}

function section(titles: readonly string[], text: string): string {
  return `${"=".repeat(80)}\n${titles.join("\n")}\n${"-".repeat(80)}\n${text}\n`;
}

async function info<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runDeno(["info", "--json", ...args]);
  if (code === 0) return JSON.parse(stdout);
  throw new MaelstromError("internal", `Cannot list packages: ${stderr.trim()}`);
}

/** Packages that `main.ts` imports, and those they need, by name. */
function packagesOf({ modules, npmPackages }: Graph): NpmPackage[] {
  const wanted = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []));
  for (const id of wanted) {
    for (const next of npmPackages[id]?.dependencies ?? []) wanted.add(next);
  }
  return [...wanted].sort().flatMap((id) => npmPackages[id] ?? []);
}

async function licensed({ name, version }: NpmPackage, cache: string): Promise<Licensed> {
  const folder = join(cache, name, version);
  const { license } = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
  if (typeof license !== "string") {
    throw new MaelstromError("internal", `Cannot tell licences: "${name}" names none`);
  }
  const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name)
    .filter((name) => LICENSE_FILE.test(name)).sort();
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(join(folder, name))));
  const text = texts.map((one) => one.replaceAll("\r\n", "\n").trim()).join("\n\n");
  return { title: `${name} ${version}`, license, text };
}
