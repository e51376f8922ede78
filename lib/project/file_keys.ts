/**
 * How a project file calls the settings of a component: one flat list of lower-case keys, derived
 * from the wire's schemas so that a new setting becomes a key by itself. Pure.
 * @module
 */
import type { z } from "zod";
import { componentSchema, dockerComponentSchema } from "../contract/v1.ts";

/** One key: `{ key: "httpport", path: ["docker", "httpPort"], schema: … }`. */
export interface FileKey {
  readonly key: string;
  /** Where the setting is in a component of the wire. */
  readonly path: readonly [string] | readonly ["docker", string];
  readonly schema: z.ZodType;
}

/** Keys that are not the setting's name in lower case. Source: the ancestor's files. */
const RENAMED: Readonly<Record<string, string>> = {
  reserveMemoryMiB: "reservememory",
  limitMemoryMiB: "limitmemory",
  init: "containerinit",
};
/** What a file says in another form, or not at all. */
const NOT_KEYS = new Set([
  "name",
  "projectName",
  "version",
  "modifiedAt",
  "docker",
  "environment",
  "logDriverOptions",
]);

function keysOf(
  shape: Readonly<Record<string, unknown>>,
  pathOf: (field: string) => FileKey["path"],
): FileKey[] {
  return Object.entries(shape).filter(([field]) => !NOT_KEYS.has(field)).map(([field, schema]) => ({
    key: RENAMED[field] ?? field.toLowerCase(),
    path: pathOf(field),
    schema: schema as z.ZodType,
  }));
}

/** Every key that stands for one setting, those of the container first. */
export const FILE_KEYS: readonly FileKey[] = [
  ...keysOf(dockerComponentSchema.shape, (field) => ["docker", field]),
  ...keysOf(componentSchema.shape, (field) => [field]),
];

const KEY_BY_FIELD = new Map(FILE_KEYS.map(({ key, path }) => [path.join("."), key]));

/** The setting at `path` of a wire component as a file calls it: `docker.httpPort` → `httpport`. */
export function fileKeyOf(path: string): string {
  const known = KEY_BY_FIELD.get(path);
  if (known !== undefined) return known;
  return path.replace(/^docker\.logDriverOptions/, "logdriveroptions");
}
