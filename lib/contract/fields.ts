/** What several wire types are made of: bounds, and the kinds of their fields. @module */
import { z } from "zod";
import { canonicalName, nameFault, PROJECT_NAME_BYTES_MAX } from "./names.ts";

// Bounds that keep mistakes out; none of them is a promise.

/** Most entries of a list. */
export const LIST_MAX = 1000;
/** Longest time, in seconds. */
export const SECONDS_MAX = 31 * 24 * 3600;
const TEXT_BYTES_MAX = 64 * 1024;
const COUNT_MAX = 1_000_000;

/** Text, which may be empty. */
export const text = z.string().max(TEXT_BYTES_MAX).refine((value) => !value.includes("\0"), {
  error: "must not contain a NUL character",
});
/** Text that may not be empty. */
export const required = text.min(1, { error: "is required" });
/** How many of something. */
export const count = z.int().min(0).max(COUNT_MAX);
/** A time in seconds. */
export const seconds = z.int().min(0).max(SECONDS_MAX);

/** A name in its canonical form. */
export function name(
  bytesMax: number,
): z.ZodPipe<z.ZodDefault<z.ZodString>, z.ZodTransform<string, string>> {
  return z.string().default("").superRefine((value, context) => {
    const fault = nameFault(value, bytesMax);
    if (fault) context.addIssue({ code: "custom", message: fault });
  }).transform(canonicalName);
}

/** The name of a project; empty means none. */
export const projectName = z.string().transform(canonicalName).refine(
  (value) => value === "" || nameFault(value, PROJECT_NAME_BYTES_MAX) === undefined,
  { error: `must be empty or a name of at most ${PROJECT_NAME_BYTES_MAX} bytes` },
);
