/**
 * Names the fields of a value as a schema does, whatever case they were written in, and finds those
 * it does not know. Pure; remembers for each field how it was written, so that a fault can point.
 * @module
 */
import { nearest } from "../lib/contract/nearest.ts";

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
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly innerType?: unknown;
  readonly in?: unknown;
}

/** `value` with its fields named as in `schema`; paths in messages begin with `root`. */
export function knownFields(value: unknown, schema: unknown, root: string): KnownFields {
  const faults: FieldFault[] = [];
  const written = new Map<string, FieldPath>();
  const walk = (value: unknown, schema: unknown, at: FieldPath, name: string): unknown => {
    written.set(name, at);
    const { shape, element } = definitionOf(schema);
    if (Array.isArray(value) && element !== undefined) {
      return value.map((entry, i) => walk(entry, element, [...at, i], `${name}[${i}]`));
    }
    if (typeof value !== "object" || value === null || Array.isArray(value) || !shape) return value;
    const kept = new Map<string, unknown>();
    for (const [key, child] of Object.entries(value)) {
      const field = fieldNamed(key, Object.keys(shape));
      const fault = field === undefined
        ? unknownField(key, Object.keys(shape))
        : kept.has(field)
        ? "is given twice"
        : undefined;
      if (fault !== undefined) {
        faults.push({ at: [...at, key], message: `${name}.${key} ${fault}` });
      } else kept.set(field!, walk(child, shape[field!], [...at, key], `${name}.${field}`));
    }
    return Object.fromEntries(kept);
  };
  return { value: walk(value, schema, [], root), faults, written };
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
