/** Checks a value against a schema and says, by path, what is wrong and what was found. @module */
import { z } from "zod";
import { MaelstromError } from "../errors.ts";
import { nearest } from "./nearest.ts";

const FAULTS_SHOWN_MAX = 5;
const FOUND_LENGTH_MAX = 40;
/** Fields, in lower case, whose values must not appear in an error. */
const SECRET = new Set(["pullpassword", "value", "data", "environment", "logdriveroptions"]);

/**
 * `value` as `schema` reads it.
 *
 * @throws {MaelstromError} invalid: every fault (five at most) as `<path> <what is wrong>, found …`;
 * `detail.path` is the first one's
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, path: string): z.infer<S> {
  const checked = checkAll(schema, value, path);
  if ("value" in checked) return checked.value;
  const { faults } = checked;
  const shown = faults.slice(0, FAULTS_SHOWN_MAX).map((fault) => fault.message);
  if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`);
  throw new MaelstromError("invalid", shown.join("; "), { path: faults[0]?.path ?? path });
}

/** What is wrong with a field: `{ path: "component.docker.httpPort", message: "… is required" }`. */
export interface Fault {
  readonly path: string;
  /** Begins with the path. */
  readonly message: string;
}

/** `value` as `schema` reads it, or everything that is wrong with it. */
export function checkAll<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: string,
): { readonly value: z.infer<S> } | { readonly faults: readonly Fault[] } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  return { faults: result.error.issues.flatMap((issue) => describe(issue, schema, value, path)) };
}

function describe(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  root: unknown,
  base: string,
): Fault[] {
  const path = joinPath(base, issue.path);
  const found = valueAt(root, issue.path);
  const secret = issue.path.some((key) => SECRET.has(String(key).toLowerCase()));
  const say = (text: string, show = true): Fault[] => [
    { path, message: `${path} ${text}${show ? `, found ${shown(found, secret)}` : ""}` },
  ];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, issue.path);
      return issue.keys.map((key) => unknownField(joinPath(path, [key]), key, known));
    }
    case "invalid_type":
      if (found === undefined) return say("is required", false);
      return say(`must be ${article(issue.expected)}`);
    case "invalid_value":
      return say(`must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`);
    case "too_small":
      if (issue.message.startsWith("is ") || issue.message.startsWith("must ")) {
        return say(issue.message, false);
      }
      return say(`must be at least ${issue.minimum}`);
    case "too_big":
      if (issue.origin === "string") {
        return say(`is longer than ${issue.maximum} characters`, false);
      }
      if (issue.origin === "array") return say(`has more than ${issue.maximum} entries`, false);
      return say(`must be at most ${issue.maximum}`);
    default:
      return say(issue.message, issue.message.startsWith("must ") && found !== undefined);
  }
}

function unknownField(path: string, key: string, known: readonly string[]): Fault {
  const guess = nearest(key, known);
  return {
    path,
    message: `${path} is not a known field${guess ? ` (did you mean "${guess}"?)` : ""}`,
  };
}

/** What an object at `keys` below `schema` may hold. Steps through optional, default and lists. */
function knownKeys(schema: unknown, keys: readonly PropertyKey[]): string[] {
  let def = defOf(schema);
  for (const key of keys) {
    def = defOf(typeof key === "number" ? def.element : def.valueType ?? def.shape?.[key]);
  }
  return Object.keys(def.shape ?? {});
}

interface SchemaDef {
  readonly shape?: Record<PropertyKey, unknown>;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly innerType?: unknown;
  readonly in?: unknown;
}

function defOf(schema: unknown): SchemaDef {
  const def = (schema as { def?: SchemaDef } | undefined)?.def ?? {};
  const inner = def.innerType ?? def.in;
  return inner === undefined ? def : defOf(inner);
}

function joinPath(base: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(
    (path, key) => typeof key === "number" ? `${path}[${key}]` : `${path}.${String(key)}`,
    base,
  );
}

function valueAt(root: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    root,
  );
}

function shown(value: unknown, secret: boolean): string {
  if (Array.isArray(value)) return "a list";
  if (value === null || typeof value === "number" || typeof value === "boolean") return `${value}`;
  if (typeof value === "object") return "an object";
  if (secret) return "a string";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= FOUND_LENGTH_MAX ? text : `${text.slice(0, FOUND_LENGTH_MAX - 2)}…"`;
}

function article(expected: string): string {
  switch (expected) {
    case "int":
      return "a whole number";
    case "array":
      return "a list";
    case "object":
      return "an object";
    case "boolean":
      return "true or false";
    default:
      return `a ${expected}`;
  }
}
