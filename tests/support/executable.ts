/** Which executable the walks drive. @module */
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "../..");

/** What `deno task pack` makes. */
export const PACKED = join(ROOT, "dist/maelstrom");

/** `MAELSTROM_BIN` when it is set, else the packed file that `deno task setup` made. */
export const EXECUTABLE: string = Deno.env.get("MAELSTROM_BIN") || PACKED;
