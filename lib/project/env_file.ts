/**
 * Environment in files and lists of lines. Pure. Two readers, because the ancestor has two: the
 * settings of a process are trimmed, what a container gets is taken literally.
 * @module
 */
import type { NameValue } from "../contract/v1.ts";

/**
 * The variables of a settings file: lines are trimmed, lines that begin with `#` or have no name
 * before a `=` are skipped; of several values for a name the last holds.
 *
 * Source: the ancestor's environment file.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const entries = text.split("\n").map((line) => line.trim())
    .filter((line) => !line.startsWith("#"))
    .flatMap((line) => {
      const at = line.indexOf("=");
      return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
    });
  return Object.fromEntries(entries);
}

/** `LOG_LEVEL=debug` as a name and a value; undefined without a name before a `=`. */
export function parseEnvLine(line: string): NameValue | undefined {
  const at = line.indexOf("=");
  return at < 1 ? undefined : { name: line.slice(0, at), value: line.slice(at + 1) };
}

/**
 * The entries of an `envfile`: everything before the first `=` of a line and everything after it,
 * untouched; other lines are skipped.
 *
 * Source: the ancestor's `envfile`.
 */
export function parseEnvLines(text: string): NameValue[] {
  return text.split("\n").flatMap((line) => parseEnvLine(line) ?? []);
}

/** `lists` as one, sorted by name; of several values for a name the last holds. */
export function mergeEnvironment(...lists: readonly (readonly NameValue[])[]): NameValue[] {
  const byName = new Map(lists.flat().map((entry) => [entry.name, entry]));
  return [...byName.values()].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
