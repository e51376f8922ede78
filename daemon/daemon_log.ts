/** The log of a daemon and of its threads: lines on standard error. @module */
import { createLog, type Log } from "../lib/log.ts";
import type { Settings } from "./config.ts";

/** Writes each line at once and whole, so that those of two threads never mix. */
export function daemonLog({ logLevel, logFormat }: Pick<Settings, "logLevel" | "logFormat">): Log {
  const encoder = new TextEncoder();
  return createLog({
    level: logLevel,
    format: logFormat,
    write: (line) => Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
  });
}
