/**
 * Images of one test, under a repository nobody else has: for tests that remove images.
 * @module
 */
import { type Labelled, labelled, removeLabelled } from "./labelled.ts";

const LIMIT_MS = 60_000;

/** Images of one test under a repository nobody else has, gone when it ends. */
export class OwnImages implements AsyncDisposable {
  readonly repository = `maelstrom-prune-${crypto.randomUUID().slice(0, 8)}`;
  readonly test: Labelled = labelled();

  /** An image that holds one file; gives its name. */
  async make(tag: string): Promise<string> {
    const ref = `${this.repository}:${tag}`;
    await this.test.docker.importImage(tarOf(tag), { ref, signal: this.#limit() });
    return ref;
  }

  /** Names of the images that are there. */
  async left(): Promise<string[]> {
    const listed = await this.test.docker.listImages(this.#limit());
    return listed.flatMap(({ tags }) => tags).filter((tag) => tag.startsWith(this.repository))
      .toSorted();
  }

  /** Removes them, and the test's containers first: they hold their images. */
  async [Symbol.asyncDispose](): Promise<void> {
    await using stack = new AsyncDisposableStack();
    stack.use(this.test);
    await removeLabelled(this.test.docker, this.test.label);
    for (const ref of await this.left()) await this.test.docker.removeImage(ref, {}, this.#limit());
  }

  #limit(): AbortSignal {
    return AbortSignal.timeout(LIMIT_MS);
  }
}

/** Source: POSIX.1-1990, ustar: one empty file. */
function tarOf(name: string): ReadableStream<Uint8Array> {
  const archive = new Uint8Array(512 * 3);
  const put = (at: number, text: string) => archive.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, "0000644");
  put(124, "00000000000");
  put(136, "00000000000");
  put(148, " ".repeat(8));
  put(257, "ustar");
  put(263, "00");
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0`);
  return ReadableStream.from([archive]);
}
