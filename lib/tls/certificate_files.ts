/**
 * Keeps a set of certificates like the files it came from: looks again when a directory changes and
 * on a timer besides. What cannot be used is told in the log and changes nothing.
 * @module
 */
import { dirname } from "node:path";
import { Recurring } from "../async/recurring.ts";
import { Tasks } from "../async/tasks.ts";
import { MaelstromError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type CertificatePair, CertificateSet, readCertificate } from "./certificates.ts";

/** Where one certificate chain and its key lie, both PEM. */
export interface CertificateFile {
  readonly certFile: string;
  readonly keyFile: string;
}

/** How {@linkcode CertificateFiles} looks. */
export interface CertificateFilesOptions {
  readonly log: Log;
  /** Longest time until a change is seen when no event tells it, in milliseconds. @default {30000} */
  readonly everyMs?: number;
}

/** Certificates from files, as they were when all of them were last good. */
export class CertificateFiles implements AsyncDisposable {
  readonly #files: readonly CertificateFile[];
  readonly #log: Log;
  readonly #tasks: Tasks;
  readonly #look: Recurring;
  readonly #listeners = new Set<(set: CertificateSet) => void>();
  #current: CertificateSet;
  /** What was last seen, good or not, so that one bad state is told once. */
  #seen: string;

  private constructor(
    files: readonly CertificateFile[],
    first: readonly CertificatePair[],
    { log, everyMs = 30_000 }: CertificateFilesOptions,
  ) {
    this.#files = files;
    this.#log = log;
    this.#current = setOf(files, first);
    this.#seen = JSON.stringify(first);
    this.#warnExpired();
    this.#tasks = new Tasks(log);
    this.#look = new Recurring(() => this.#reload(), { name: "certificates", everyMs, log });
    this.#look.poke();
    for (const directory of directoriesOf(files)) {
      this.#tasks.run("certificate watch", (signal) => this.#watch(directory, signal));
    }
  }

  /**
   * Reads `files` and follows them until disposed. The first is the default.
   *
   * @throws {MaelstromError} invalid: a file cannot be read, or a pair cannot be used
   */
  static async open(
    files: readonly CertificateFile[],
    options: CertificateFilesOptions,
  ): Promise<CertificateFiles> {
    return new CertificateFiles(files, await readAll(files), options);
  }

  /** The newest good set. */
  get current(): CertificateSet {
    return this.#current;
  }

  /** Calls `listener` with each new set; returns how to stop that. */
  subscribe(listener: (set: CertificateSet) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops looking. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#look[Symbol.asyncDispose]();
    await this.#tasks[Symbol.asyncDispose]();
  }

  async #reload(): Promise<void> {
    let set: CertificateSet;
    try {
      const pairs = await readAll(this.#files);
      const seen = JSON.stringify(pairs);
      if (seen === this.#seen) return;
      this.#seen = seen;
      set = setOf(this.#files, pairs);
    } catch (error) {
      const seen = messageOf(error);
      if (error instanceof MaelstromError && error.detail?.unreadable && seen === this.#seen) {
        return;
      }
      if (error instanceof MaelstromError && error.detail?.unreadable) this.#seen = seen;
      this.#log.error("kept the old certificates", { error });
      return;
    }
    this.#current = set;
    this.#log.info("certificates loaded", {
      names: set.certificates.map(({ names }) => names.join(" ")),
    });
    this.#warnExpired();
    for (const listener of this.#listeners) listener(set);
  }

  #warnExpired(): void {
    for (const { names, expires } of this.#current.certificates) {
      if (expires.getTime() > Date.now()) continue;
      this.#log.warn("certificate has expired", { names: names.join(" "), expires });
    }
  }

  /** Tells of changes in `directory`; files are often replaced by renaming, links by new ones. */
  async #watch(directory: string, signal: AbortSignal): Promise<void> {
    try {
      using watcher = Deno.watchFs(directory, { recursive: false });
      const stop = () => watcher.close();
      signal.addEventListener("abort", stop);
      if (signal.aborted) return;
      for await (const event of watcher) if (event.kind !== "access") this.#look.poke();
    } catch (error) {
      if (signal.aborted) return;
      this.#log.warn("cannot watch certificates, looking on a timer only", { directory, error });
    }
  }
}

function directoriesOf(files: readonly CertificateFile[]): string[] {
  return [...new Set(files.flatMap((file) => [dirname(file.certFile), dirname(file.keyFile)]))];
}

function setOf(
  files: readonly CertificateFile[],
  pairs: readonly CertificatePair[],
): CertificateSet {
  return new CertificateSet(pairs.map((pair, i) => readCertificate(pair, files[i]!.certFile)));
}

async function readAll(files: readonly CertificateFile[]): Promise<CertificatePair[]> {
  return await Promise.all(files.map(async ({ certFile, keyFile }) => ({
    cert: await read(certFile, "certificate"),
    key: await read(keyFile, "key"),
  })));
}

async function read(path: string, what: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new MaelstromError(
      "invalid",
      `Cannot read ${what} file "${path}": ${messageOf(cause)}`,
      { unreadable: path },
      { cause },
    );
  }
}
