/**
 * Names the fields of a value as a schema does, whatever case they were written in, and finds those
 * it does not know. Pure; remembers for each field how it was written, so that a fault can point.
 * @module
 */
import { nearest } from "./nearest.ts";

/** Where something is in a value: `["docker", "ports", 0]`. */
export type FieldPath = readonly (string | number)[];

/** A field that cannot be kept. */
export interface FieldFault {
  /** As written. */
  readonly at: FieldPath;
  /** `component.docker.httpPrt is not a known field (did you mean "httpPort"?)`. */
  readonly message: string;
}

/** A value with the schema's names. */
export interface KnownFields {
  readonly value: unknown;
  readonly faults: readonly FieldFault[];
  /** How each path (`component.docker.ports[0]`) was written. */
  readonly written: ReadonlyMap<string, FieldPath>;
}

/** The parts of a zod schema's definition that lead to fields. */
interface SchemaDefinition {
  readonly type?: string;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  /** Of a record: its values, under names of the user's choice. */
  readonly valueType?: unknown;
  readonly innerType?: unknown;
  readonly in?: unknown;
}

/** How the text of a number or a word like `true` was written; undefined when nobody knows. */
export type TextAt = (at: FieldPath) => string | undefined;

/**
 * `value` with its fields named as in `schema`; paths in messages begin with `root`. An optional
 * field without a value is left out, and where text is wanted a number is the text `textAt` gives.
 */
export function knownFields(
  value: unknown,
  schema: unknown,
  root: string,
  textAt: TextAt = () => undefined,
): KnownFields {
  const faults: FieldFault[] = [];
  const written = new Map<string, FieldPath>();
  const walk = (value: unknown, schema: unknown, at: FieldPath, name: string): unknown => {
    written.set(name, at);
    const { type, shape, element, valueType } = definitionOf(schema);
    if (Array.isArray(value)) {
      if (element === undefined) return value;
      return value.map((entry, i) => walk(entry, element, [...at, i], `${name}[${i}]`));
    }
    if (typeof value !== "object" || value === null) {
      const isWord = typeof value === "number" || typeof value === "boolean";
      return type === "string" && isWord ? textAt(at) ?? value : value;
    }
    if (valueType !== undefined) {
      const entries = Object.entries(value)
        .map(([key, child]) => [key, walk(child, valueType, [...at, key], `${name}.${key}`)]);
      return Object.fromEntries(entries);
    }
    return shape ? walkFields(value, shape, at, name) : value;
  };
  const walkFields = (
    value: object,
    shape: Readonly<Record<string, unknown>>,
    at: FieldPath,
    name: string,
  ) => {
    const kept = new Map<string, unknown>();
    for (const [key, child] of Object.entries(value)) {
      const field = fieldNamed(key, Object.keys(shape));
      if (field === undefined || kept.has(field)) {
        const fault = field === undefined
          ? unknownField(key, Object.keys(shape))
          : "is given twice";
        faults.push({ at: [...at, key], message: `${name}.${key} ${fault}` });
        continue;
      }
      const path = [...at, key];
      kept.set(
        field,
        child === null && mayBeAbsent(shape[field])
          ? undefined
          : walk(child, shape[field], path, `${name}.${field}`),
      );
    }
    return Object.fromEntries([...kept].filter(([, child]) => child !== undefined));
  };
  return { value: walk(value, schema, [], root), faults, written };
}

function mayBeAbsent(schema: unknown): boolean {
  const { type } = (schema as { def?: SchemaDefinition } | undefined)?.def ?? {};
  return type === "optional" || type === "default";
}

function fieldNamed(key: string, fields: readonly string[]): string | undefined {
  if (fields.includes(key)) return key;
  return fields.find((field) => field.toLowerCase() === key.toLowerCase());
}

function unknownField(key: string, fields: readonly string[]): string {
  const guess = nearest(key, fields);
  return `is not a known field${guess ? ` (did you mean "${guess}"?)` : ""}`;
}

/** Steps through optional, default and transformed schemas to the one that has fields. */
function definitionOf(schema: unknown): SchemaDefinition {
  const definition = (schema as { def?: SchemaDefinition } | undefined)?.def ?? {};
  const inner = definition.innerType ?? definition.in;
  return inner === undefined ? definition : definitionOf(inner);
}
