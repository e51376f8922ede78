/** Putting over what is there: which version is replaced, and trying again when that changed. @module */
import { MaelstromError } from "../lib/errors.ts";

const RETRIES_MAX = 3;

/** The calls {@linkcode putLatest} makes. */
export interface PutLatest<R> {
  /** The current version; 0 when there is nothing yet. */
  readonly currentVersion: () => Promise<number>;
  readonly put: (version: number) => Promise<R>;
}

/**
 * Puts over the current version, whichever it is. When somebody else puts at the same time, looks
 * and tries again, three times at most.
 *
 * @throws {MaelstromError} stale_version or already_exists: others were faster every time
 */
export async function putLatest<R>({ currentVersion, put }: PutLatest<R>): Promise<R> {
  for (let retries = 0;; retries++) {
    try {
      return await put(await currentVersion());
    } catch (error) {
      if (!isConflict(error) || retries === RETRIES_MAX) throw error;
    }
  }
}

/** `found`, or 0 when what was asked for does not exist. */
export async function versionOrZero(found: Promise<number>): Promise<number> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof MaelstromError && error.code === "not_found") return 0;
    throw error;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof MaelstromError &&
    (error.code === "stale_version" || error.code === "already_exists");
}
