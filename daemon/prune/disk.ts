/** How full a disk is. @module */
import { statfs } from "node:fs/promises";

/**
 * Share of the disk at `path` that is in use, in percent of what users may have, as `df` shows it;
 * undefined when this machine has no such path.
 */
export async function diskPct(path: string): Promise<number | undefined> {
  try {
    const { blocks, bfree, bavail } = await statfs(path);
    const used = blocks - bfree;
    return used + bavail > 0 ? 100 * used / (used + bavail) : undefined;
  } catch {
    return undefined;
  }
}
