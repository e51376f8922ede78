/**
 * The directory a daemon owns: one daemon at a time, the node's id, the cluster key. Made with mode
 * 0700, because the sockets and the database inside answer to whoever can reach them.
 * @module
 */
import { MaelstromError, messageOf } from "../lib/errors.ts";

const KEY_BYTES = 32;
const KEY_LENGTH_MIN = 16;

/** A data directory that this process holds until disposed or ended. */
export class DataDir implements Disposable {
  readonly #lock: Deno.FsFile;

  private constructor(readonly path: string, lock: Deno.FsFile) {
    this.#lock = lock;
  }

  /**
   * Makes the directory if needed and takes its lock.
   *
   * @throws {MaelstromError} invalid: the directory cannot be used, or another daemon holds it
   */
  static async open(path: string): Promise<DataDir> {
    try {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
      const lock = await Deno.open(`${path}/daemon.lock`, { create: true, write: true });
      if (await lock.tryLock(true)) return new DataDir(path, lock);
      lock.close();
    } catch (error) {
      throw new MaelstromError(
        "invalid",
        `Cannot use data directory "${path}": ${messageOf(error)} (choose another with --data-dir)`,
      );
    }
    throw new MaelstromError(
      "invalid",
      `Cannot use data directory "${path}": another daemon is using it`,
    );
  }

  /** The absolute path of `name` inside the directory. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** This node's id, made up at the first start. */
  async nodeId(): Promise<string> {
    const path = this.file("node.id");
    return await readOrCreate(path, () => `node-${crypto.randomUUID().slice(0, 13)}`);
  }

  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

/**
 * The cluster key kept in the file at `path`, made up when there is none.
 *
 * @throws {MaelstromError} invalid: the file cannot be used, or holds no key
 */
export async function clusterKey(path: string): Promise<string> {
  const random = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
      .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return checkKey(await readOrCreate(path, random), path);
}

/**
 * `key`, if it can serve as one.
 *
 * @throws {MaelstromError} invalid: too short, or not printable ASCII; the message names `from`
 */
export function checkKey(key: string, from: string): string {
  if (key.length >= KEY_LENGTH_MIN && /^[\x21-\x7e]+$/.test(key)) return key;
  const message =
    `Cannot use cluster key from ${from}: must be at least ${KEY_LENGTH_MIN} printable characters`;
  throw new MaelstromError("invalid", message);
}

async function readOrCreate(path: string, make: () => string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unusable(path, error);
  }
  const text = make();
  try {
    await Deno.writeTextFile(path, `${text}\n`, { createNew: true, mode: 0o600 });
  } catch (error) {
    throw unusable(path, error);
  }
  return text;
}

function unusable(path: string, error: unknown): MaelstromError {
  return new MaelstromError("invalid", `Cannot use "${path}": ${messageOf(error)}`);
}
