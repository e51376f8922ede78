/** Reads a list to its end, page by page. @module */
import { MaelstromError } from "../lib/errors.ts";

const PAGES_MAX = 1000;

/** One page: its entries, and the token of the next page unless it was the last. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly nextToken: string | undefined;
}

/**
 * Every entry of a list called `what`, following `nextToken` until there is none.
 *
 * @throws {MaelstromError} too_large: more than 1000 pages
 */
export async function listAll<T>(
  what: string,
  getPage: (nextToken: string | undefined) => Promise<Page<T>>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const { entries, nextToken } = await getPage(token);
    all.push(...entries);
    if (!nextToken) return all;
    token = nextToken;
  }
  throw new MaelstromError("too_large", `Cannot list ${what}: more than ${PAGES_MAX} pages`);
}
