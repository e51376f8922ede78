/**
 * Turns the program into a folder of JavaScript: `main.js` and the chunks it loads when they are
 * wanted, so that the command line tool does not pay for the daemon. Two builds of the same sources
 * are the same bytes, whatever folder or machine they were made in. Knows nothing of executables.
 * @module
 */
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MaelstromError } from "../lib/errors.ts";
import {
  checkDenoVersion,
  DIST_DIR,
  PROJECT_DIR,
  runDeno,
  runScript,
  sha256,
  sizeText,
} from "./project.ts";

/** Where `deno task bundle` writes. */
export const BUNDLE_DIR: string = join(DIST_DIR, "bundle");

/** The file of a bundle that is run. */
export const ENTRY = "main.js";

/** One file of a bundle. */
export interface BundleFile {
  /** Such as `main.js` or `cli-0A1B2C3D.js`. */
  readonly name: string;
  readonly text: string;
  /** Length in bytes. */
  readonly size: number;
  /** Files that are loaded together with this one. */
  readonly imports: readonly string[];
  /** Files that are loaded when this one asks for them. */
  readonly lazyImports: readonly string[];
}

/** A chunk's name as the bundler writes it: the stem, and a hash that depends on the build folder. */
const CHUNK_NAME = /\b([A-Za-z0-9_.-]+)-[A-Z0-9]{8}\.js\b/g;

/**
 * Deno's bundler gives packages in CommonJS form a `require`, but misses to when it minifies: then
 * the first `require("node:process")` throws. This goes before the code that looks for one. Only
 * modules of Node can be asked for, as everything else is in the bundle.
 */
const REQUIRE = "const require=(name)=>{const found=process.getBuiltinModule(name);" +
  "if(found)return found;throw new Error(`no module ${name}`)};";
const LOOKS_FOR_REQUIRE = "Dynamic require of";

/**
 * A package in CommonJS form that is imported lazily becomes a chunk with a default export only, so
 * the names that the importer asks for are not there. It gets them as it does without a bundle.
 */
const UNWRAP = ".then(({default:all})=>({...all,default:all}))";
const WRAPPER_END = /\bexport default [\w$]+\(\);?\s*$/;
const LAZY_IMPORT = /\bimport\("\.\/([\w.-]+)"\)/g;

/** The time that every file of a bundle bears, for it goes into the executable: 1980-01-01. */
const FILE_TIME = new Date(Date.UTC(1980, 0, 1));

/** Enough for a reference to be told from another by what lies this many files behind it. */
const RENAME_ROUNDS = 16;

/**
 * Bundles `main.ts` into `directory`, which is emptied first, and returns its files by name.
 *
 * @throws {MaelstromError} invalid: another Deno than `.dvmrc` names is running
 * @throws {MaelstromError} internal: the bundler failed, or its output is not fit to be given away
 */
export async function bundle(directory: string): Promise<BundleFile[]> {
  await checkDenoVersion();
  await removeIfThere(directory);
  const raw = await Deno.makeTempDir({ prefix: "maelstrom-bundle-" });
  try {
    await runBundler(raw);
    const files = await renameByContent(repaired(await readTexts(raw)));
    checkPrivate(files);
    await Deno.mkdir(directory, { recursive: true });
    for (const [name, text] of files) await writeFile(join(directory, name), text);
  } finally {
    await Deno.remove(raw, { recursive: true });
  }
  return await readBundle(directory);
}

/**
 * The files of the bundle in `directory`, by name, each with what it imports.
 *
 * @throws {MaelstromError} internal: it imports something that is neither in it nor part of Deno,
 *   or has a file that nothing imports
 */
export async function readBundle(directory: string): Promise<BundleFile[]> {
  const texts = await readTexts(directory);
  const graph = await moduleGraph(directory);
  const files = [...texts].map(([name, text]): BundleFile => {
    const found = graph.get(name);
    if (!found) throw new MaelstromError("internal", `Cannot bundle: nothing imports "${name}"`);
    return { name, text, size: new TextEncoder().encode(text).length, ...found };
  });
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Names of the files that are loaded as soon as `name` is: itself and all it imports. */
export function loadedWith(name: string, files: readonly BundleFile[]): Set<string> {
  const seen = new Set([name]);
  for (const one of seen) {
    for (const next of files.find((file) => file.name === one)?.imports ?? []) seen.add(next);
  }
  return seen;
}

async function runBundler(directory: string): Promise<void> {
  // Without --keep-names a class is renamed, and so would be the names of errors.
  const flags = ["--platform=deno", "--minify", "--keep-names", "--code-splitting"];
  const { code, stderr } = await runDeno(
    ["bundle", "--quiet", "--frozen", ...flags, "--outdir", directory, "main.ts"],
  );
  if (code !== 0) throw new MaelstromError("internal", `Cannot bundle: ${stderr.trim()}`);
}

/** The bundler's output with what it gets wrong put right. */
function repaired(texts: Map<string, string>): Map<string, string> {
  const wrappers = new Set([...texts].filter(([, text]) => WRAPPER_END.test(text)).map(([n]) => n));
  const repair = (text: string) => {
    const unwrapped = text.replaceAll(
      LAZY_IMPORT,
      (words, name) => wrappers.has(name) ? `${words}${UNWRAP}` : words,
    );
    return text.includes(LOOKS_FOR_REQUIRE) ? `${REQUIRE}${unwrapped}` : unwrapped;
  };
  return new Map([...texts].map(([name, text]) => [name, repair(text)]));
}

async function writeFile(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.utime(path, FILE_TIME, FILE_TIME);
}

async function readTexts(directory: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { name } of Deno.readDir(directory)) {
    texts.set(name, await Deno.readTextFile(join(directory, name)));
  }
  return texts;
}

/**
 * Gives each chunk a name made of its own content. The bundler's hash covers the path of the
 * sources, so it differs from one clone to the next.
 */
async function renameByContent(texts: Map<string, string>): Promise<Map<string, string>> {
  const refersTo = (text: string) => [...text.matchAll(CHUNK_NAME)].map(([name]) => name);
  let hashes = new Map<string, string>();
  for (const [name, text] of texts) {
    const masked = text.replaceAll(CHUNK_NAME, (word, stem) => texts.has(word) ? stem : word);
    hashes.set(name, await hashText(masked));
  }
  for (let round = 0; round < RENAME_ROUNDS; round++) {
    const next = new Map<string, string>();
    for (const [name, text] of texts) {
      const behind = refersTo(text).map((other) => hashes.get(other) ?? other);
      next.set(name, await hashText([hashes.get(name), ...behind].join(" ")));
    }
    hashes = next;
  }
  const newName = (name: string, stem: string) =>
    texts.has(name) ? `${stem}-${hashes.get(name)!.slice(0, 8).toUpperCase()}.js` : name;
  const renamed = new Map<string, string>();
  for (const [name, text] of texts) {
    renamed.set(name.replace(CHUNK_NAME, newName), text.replaceAll(CHUNK_NAME, newName));
  }
  if (renamed.size === texts.size) return renamed;
  throw new MaelstromError("internal", "Cannot bundle: two chunks have the same content");
}

function hashText(text: string): Promise<string> {
  return sha256(new TextEncoder().encode(text));
}

/** What the output must not tell: where, by whom and from which cache it was made. */
function checkPrivate(files: Map<string, string>): void {
  const { username, homedir } = userInfo();
  const paths = [PROJECT_DIR, homedir, `/home/${username}`, "file:///", "node_modules/"];
  const denoDir = Deno.env.get("DENO_DIR");
  if (denoDir) paths.push(denoDir);
  // A machine called "vm" or "node" cannot be told from a word of the program.
  const host = hostname();
  const words = host.length >= 6 && host !== "localhost" ? [host] : [];
  for (const [name, text] of files) {
    const found = paths.find((path) => path.length > 1 && text.includes(path)) ??
      words.find((word) => text.includes(word));
    if (found) {
      throw new MaelstromError("internal", `Cannot bundle: "${name}" contains "${found}"`);
    }
  }
}

interface GraphDependency {
  readonly specifier: string;
  readonly isDynamic?: boolean;
  readonly code?: { readonly specifier?: string; readonly error?: string };
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly GraphDependency[];
  }[];
}

type Imports = Pick<BundleFile, "imports" | "lazyImports">;

async function moduleGraph(directory: string): Promise<Map<string, Imports>> {
  const { code, stdout, stderr } = await runDeno(
    ["info", "--json", "--no-config", "--no-lock", "--no-remote", "--no-npm", ENTRY],
    { cwd: directory },
  );
  if (code !== 0) throw new MaelstromError("internal", `Cannot use the bundle: ${stderr.trim()}`);
  const { modules } = JSON.parse(stdout) as ModuleGraph;
  const root = join(await Deno.realPath(directory), "/");
  const nameOf = (specifier: string) => {
    const path = specifier.startsWith("file:") ? fileURLToPath(specifier) : "";
    if (path.startsWith(root)) return path.slice(root.length);
    throw new MaelstromError("internal", `Cannot use the bundle: it imports "${specifier}"`);
  };
  const graph = new Map<string, Imports>();
  for (const { specifier, error, dependencies = [] } of modules) {
    if (specifier.startsWith("node:")) continue;
    if (error) throw new MaelstromError("internal", `Cannot use the bundle: ${error}`);
    const own = dependencies.filter(({ specifier }) => !specifier.startsWith("node:"));
    const names = (some: GraphDependency[]) =>
      some.map(({ code, specifier }) => nameOf(code?.specifier ?? specifier));
    graph.set(nameOf(specifier), {
      imports: names(own.filter(({ isDynamic }) => !isDynamic)),
      lazyImports: names(own.filter(({ isDynamic }) => isDynamic)),
    });
  }
  return graph;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) {
  await runScript(async () => {
    const files = await bundle(BUNDLE_DIR);
    const total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files) console.log(`${sizeText(size).padStart(10)}  ${name}`);
    console.log(`${sizeText(total).padStart(10)}  in ${files.length} files of dist/bundle`);
  });
}
