/** Names of components, event sources and projects: one rule, one canonical form. @module */
import { MaelstromError } from "../errors.ts";

const NAME = /^[a-z0-9_-]+$/;

/** Longest component or event source name, in bytes. */
export const NAME_BYTES_MAX = 60;
/** Longest project name, in bytes. */
export const PROJECT_NAME_BYTES_MAX = 20;

/** Trims and lower-cases: the form in which names are stored and compared. */
export function canonicalName(name: string): string {
  return name.trim().toLowerCase();
}

/**
 * What is wrong with `name`, or undefined when its canonical form is a name.
 *
 * Source: the ancestor's messages, so that its clients recognise them.
 */
export function nameFault(name: string, bytesMax: number = NAME_BYTES_MAX): string | undefined {
  const canonical = canonicalName(name);
  if (canonical === "") return "is required";
  if (new TextEncoder().encode(canonical).length > bytesMax) {
    return `exceeds max length of ${bytesMax} bytes`;
  }
  if (!NAME.test(canonical)) return "is invalid (only alpha-numeric chars, _ - are valid)";
  return undefined;
}

/**
 * The canonical form of `name`.
 *
 * @throws {MaelstromError} invalid: not a name; the message opens with `path`
 */
export function checkName(name: unknown, path: string): string {
  if (name !== undefined && typeof name !== "string") {
    throw new MaelstromError("invalid", `${path} must be a string`, { path });
  }
  const fault = nameFault(name ?? "");
  if (fault) throw new MaelstromError("invalid", `${path} ${fault}`, { path });
  return canonicalName(name ?? "");
}
