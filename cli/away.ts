/** Failures that pass when a node has started again. Pure. @module */
import { MaelstromError } from "../lib/errors.ts";

/** Whether `error` says that the node is away for now, so that whoever follows it asks again. */
export function isAway(error: unknown): error is MaelstromError {
  return error instanceof MaelstromError &&
    ["unreachable", "stopping", "timeout"].includes(error.code);
}
