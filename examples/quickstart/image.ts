/**
 * The sample component's image, made on this machine without a registry: the running Deno, the
 * libraries it needs, and `app.ts`, packed as a tar archive that Docker imports.
 * @module
 */
import type { DockerClient } from "../../lib/docker/client.ts";
import { withLockFile } from "./engine.ts";

/** How {@linkcode ensureSampleImage} reports and ends. */
export interface SampleImageOptions {
  /** Told once when the image has to be made. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A file or a folder inside the image. */
interface Entry {
  /** Absolute. */
  readonly path: string;
  /** Permissions: `0o755`. */
  readonly mode: number;
  /** What to put there: a text, or a file of this machine; absent for a folder. */
  readonly from?: { readonly text: string } | { readonly file: string };
}

const REPOSITORY = "maelstrom-sample";
/** Images of earlier runtimes and sources are kept this long, in milliseconds. */
const KEEP_MS = 24 * 3600_000;
const OPTIONS = ["--no-config", "--unstable-no-legacy-abort", "--cached-only", "--no-check"];
const COMMAND = ["/bin/deno", "run", "-A", ...OPTIONS, "/app.ts"];
const CHANGES = [
  `CMD ${JSON.stringify(COMMAND)}`,
  "ENV PATH=/bin DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1",
  "EXPOSE 8080",
];

/**
 * Makes sure the engine has the sample image and gives its name, which changes with the image's
 * content: `maelstrom-sample:5f0c9d1e2b3a`.
 *
 * @throws {MaelstromError} engine_unavailable: the engine does not answer
 */
export async function ensureSampleImage(
  docker: DockerClient,
  { say, signal }: SampleImageOptions,
): Promise<string> {
  const entries = await sampleEntries();
  const ref = `${REPOSITORY}:${await contentHash(entries)}`;
  if (await docker.imageExists(ref, signal)) return ref;
  // Two makers at once would leave one image without a name.
  await withLockFile(lockPath(), signal, async () => {
    if (await docker.imageExists(ref, signal)) return;
    say(`Making the sample image ${ref}`);
    await docker.importImage(tarOf(entries), { ref, changes: CHANGES, signal });
    await removeOld(docker, ref, signal);
  });
  return ref;
}

async function sampleEntries(): Promise<Entry[]> {
  const deno = Deno.execPath();
  const app = await Deno.readTextFile(new URL("./app.ts", import.meta.url));
  const libraries = await librariesOf(deno);
  return [
    ...["/bin", "/etc", ...parentsOf(libraries)].map((path) => ({ path, mode: 0o755 })),
    { path: "/tmp", mode: 0o1777 },
    { path: "/etc/passwd", mode: 0o644, from: { text: "root:x:0:0:root:/:/bin/deno\n" } },
    { path: "/etc/group", mode: 0o644, from: { text: "root:x:0:\n" } },
    ...libraries.map((path) => ({ path, mode: 0o755, from: { file: path } })),
    { path: "/bin/deno", mode: 0o755, from: { file: deno } },
    { path: "/app.ts", mode: 0o644, from: { text: app } },
  ];
}

/** The shared libraries and the loader, as absolute paths. */
async function librariesOf(executable: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ldd", { args: [executable], stderr: "null" }).output();
  const listed = new TextDecoder().decode(stdout).matchAll(/(\/\S+) \(0x/g);
  return [...new Set(Array.from(listed, ([, path = ""]) => path))].sort();
}

function parentsOf(paths: readonly string[]): string[] {
  const parents = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
      parents.add(path.slice(0, at));
    }
  }
  return [...parents].sort();
}

/**
 * Changes with the application, the runtime and the libraries. A file of this machine stands for
 * itself by its size, and the runtime by its version besides: reading 100 MB would take longer than
 * all the rest.
 */
async function contentHash(entries: readonly Entry[]): Promise<string> {
  const facts: unknown[] = [Deno.version.deno, Deno.build.target, CHANGES];
  for (const { path, mode, from } of entries) {
    const content = !from ? 0 : "text" in from ? from.text : (await Deno.stat(from.file)).size;
    facts.push([path === Deno.execPath() ? "" : path, mode, content]);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(facts));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return digest.toHex().slice(0, 12);
}

async function removeOld(docker: DockerClient, ref: string, signal: AbortSignal): Promise<void> {
  for (const { tags, createdAtMs } of await docker.listImages(signal)) {
    if (createdAtMs > Date.now() - KEEP_MS) continue;
    for (const tag of tags) {
      if (tag.startsWith(`${REPOSITORY}:`) && tag !== ref) {
        await docker.removeImage(tag, {}, signal);
      }
    }
  }
}

function lockPath(): string {
  const folder = Deno.env.get("XDG_RUNTIME_DIR") || "/tmp";
  return `${folder}/maelstrom-sample-image-${Deno.uid() ?? 0}.lock`;
}

const BLOCK_BYTES = 512;

/** A tar archive of `entries`, read from their files as it is consumed. */
function tarOf(entries: readonly Entry[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(tarPieces(entries));
}

async function* tarPieces(entries: readonly Entry[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { path, mode, from } of entries) {
    if (!from) {
      yield tarHeader(`${path}/`, mode, 0, "5");
      continue;
    }
    using file = "file" in from ? await Deno.open(from.file) : undefined;
    const text = "text" in from ? new TextEncoder().encode(from.text) : new Uint8Array();
    const size = file ? (await file.stat()).size : text.length;
    yield tarHeader(path, mode, size, "0");
    if (file) yield* fileBlocks(file);
    else yield text;
    yield new Uint8Array((BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES);
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

async function* fileBlocks(file: Deno.FsFile): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const block = new Uint8Array(1024 * 1024);
    const length = await file.read(block);
    if (length === null) return;
    yield block.subarray(0, length);
  }
}

/** Source: POSIX.1-1990, ustar. */
function tarHeader(path: string, mode: number, size: number, type: "0" | "5"): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, path.slice(1));
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(0, 11));
  // The checksum is taken with spaces in its own place.
  put(148, " ".repeat(8));
  put(156, type);
  put(257, "ustar");
  put(263, "00");
  put(148, octal(header.reduce((sum, byte) => sum + byte, 0), 6) + "\0");
  return header;
}
