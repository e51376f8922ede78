/**
 * The key that seals secrets: from a setting, or in a file of mode 0600 that is made when the first
 * secret is put. Every node of a cluster needs the same one.
 * @module
 */
import { dirname } from "node:path";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import { keyIdOf, SEAL_KEY_BYTES, Sealer } from "../../lib/secrets/sealer.ts";

/** Name of the file in the data directory. */
export const SECRET_KEY_FILE = "secret.key";

/** Bits of a file's mode that let others than its owner in. */
const OTHERS = 0o077;

/** The node's key, if it has one yet. */
export class SecretKey {
  /** Where the key is kept, or would be. */
  readonly path: string;
  #sealer: Sealer | undefined;

  private constructor(path: string, sealer: Sealer | undefined) {
    this.path = path;
    this.#sealer = sealer;
  }

  /**
   * Takes the key from `text` if that is not empty, else from the file at `path` if there is one.
   *
   * @throws {MaelstromError} invalid: no key, or a file that cannot be used or lets others read it
   */
  static async load(text: string, path: string): Promise<SecretKey> {
    if (text !== "") return new SecretKey(path, sealerOf(text, "MAEL_SECRET_KEY"));
    return new SecretKey(path, await readSealer(path));
  }

  /** What seals and opens; undefined while there is no key. */
  get sealer(): Sealer | undefined {
    return this.#sealer;
  }

  /**
   * Makes the key if there is none, and nothing of `sealed` was sealed with another.
   *
   * @throws {MaelstromError} invalid: `sealed` needs a key this node does not have, or the file
   * cannot be made or used
   */
  async prepare(sealed: readonly string[]): Promise<void> {
    if (this.#sealer) return;
    if (sealed[0] === undefined) return await this.create();
    throw new MaelstromError(
      "invalid",
      `Cannot seal: ${
        this.otherKey(sealed[0])
      }, or make a new one there and put every secret again`,
    );
  }

  /** Why this node cannot open `sealed`, and what to do. */
  otherKey(sealed: string): string {
    const ours = this.#sealer ? `this node has ${this.#sealer.keyId}` : "this node has none";
    return `it is sealed with key ${keyIdOf(sealed) ?? "unknown"}, ${ours}; ` +
      `copy that key to ${this.path} and restart the daemon`;
  }

  /**
   * Makes the key and its file, unless there is one by now.
   *
   * @throws {MaelstromError} invalid: the file cannot be made or used
   */
  async create(): Promise<void> {
    if (this.#sealer) return;
    const key = crypto.getRandomValues(new Uint8Array(SEAL_KEY_BYTES));
    try {
      await writeNew(this.path, `${key.toBase64()}\n`);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw unusable(this.path, error);
    }
    this.#sealer = await readSealer(this.path);
  }
}

/**
 * Makes the file at `path` whole, or not at all: what the key seals is useless without it, also
 * after a loss of power.
 *
 * @throws {Deno.errors.AlreadyExists} there is one
 */
async function writeNew(path: string, text: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    using file = await Deno.open(draft, { createNew: true, write: true, mode: 0o600 });
    await file.write(new TextEncoder().encode(text));
    await file.sync();
    await Deno.link(draft, path);
  } finally {
    await Deno.remove(draft).catch(() => {});
  }
  using folder = await Deno.open(dirname(path));
  await folder.sync();
}

async function readSealer(path: string): Promise<Sealer | undefined> {
  try {
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & OTHERS) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, "0");
      const message = `Cannot use secret key "${path}": others may read it, mode is ${found}; ` +
        `run chmod 600 ${path}`;
      throw new MaelstromError("invalid", message);
    }
    return sealerOf((await Deno.readTextFile(path)).trim(), `"${path}"`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error instanceof MaelstromError ? error : unusable(path, error);
  }
}

function sealerOf(text: string, from: string): Sealer {
  const key = bytesOf(text);
  if (key?.length === SEAL_KEY_BYTES) return new Sealer(key);
  const found = key ? `${key.length} bytes` : "neither";
  const message = `Cannot use secret key from ${from}: must be ${SEAL_KEY_BYTES} bytes in Base64 ` +
    `or hex, found ${found} (openssl rand -base64 ${SEAL_KEY_BYTES} makes one)`;
  throw new MaelstromError("invalid", message);
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return /^[0-9a-f]{64}$/i.test(text) ? Uint8Array.fromHex(text) : Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}

function unusable(path: string, error: unknown): MaelstromError {
  return new MaelstromError("invalid", `Cannot use secret key "${path}": ${messageOf(error)}`);
}
