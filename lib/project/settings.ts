/**
 * What a component or event source says, as a flat list of settings: the form in which two of them
 * are compared. Absent, zero, empty and false are the same, and so is the order of names. Pure.
 * @module
 */
import type { Component, EventSource, FieldChange } from "../contract/v1.ts";

/** Setting by path: `docker.image` → `"shop:7"`, `environment.LOG_LEVEL` → `"debug"`. */
export type Settings = ReadonlyMap<string, unknown>;

/** Lists of names and values in which only the last value of a name counts. */
const BY_NAME = new Set(["environment", "docker.logDriverOptions"]);
/** Not settings: who it is, and what the node keeps about it. */
const KEPT_BY_NODE = new Set(["name", "projectName", "version", "modifiedAt"]);
/** Paths whose values must not be shown, with everything below them. */
const SECRET = [
  "environment.",
  "docker.logDriverOptions.",
  "docker.pullPassword",
  "cron.http.data",
  "cron.http.headers",
];

/** The settings of `item`. */
export function settingsOf(item: Component | EventSource): Settings {
  const settings = new Map<string, unknown>();
  const add = (path: string, value: unknown): void => {
    if (isUnset(value)) return;
    if (BY_NAME.has(path)) {
      for (const { name, value: text } of value as Component["environment"]) {
        settings.set(`${path}.${name}`, text);
      }
    } else if (typeof value === "object" && !Array.isArray(value)) {
      for (const [key, child] of Object.entries(value as object)) add(`${path}.${key}`, child);
    } else settings.set(path, plain(value));
  };
  for (const [key, value] of Object.entries(item)) {
    if (!KEPT_BY_NODE.has(key)) add(key, value);
  }
  return settings;
}

/** What differs between `old` and `now`, by path. Secret values are left out. */
export function fieldChanges(old: Settings, now: Settings): FieldChange[] {
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.flatMap((path): FieldChange[] => {
    if (old.has(path) && now.has(path) && isSame(old.get(path), now.get(path))) return [];
    const change = !old.has(path) ? "added" : now.has(path) ? "changed" : "removed";
    if (SECRET.some((secret) => path === secret || path.startsWith(secret))) {
      return [{ path, change, secret: true }];
    }
    return [{
      path,
      change,
      ...(old.has(path) ? { old: old.get(path) } : {}),
      ...(now.has(path) ? { new: now.get(path) } : {}),
    }];
  });
}

/** True for the values that mean the same as no value. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === "" || value === 0 ||
    value === false || (Array.isArray(value) && value.length === 0);
}

/** An entry of a list: its unset fields dropped, the rest in order of their names. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const set = Object.entries(value).filter(([, child]) => !isUnset(child));
  return Object.fromEntries(set.sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, plain(v)]));
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
