/**
 * What a project file may say: the check of `maelstrom.yml`, and its JSON Schema for editors, both
 * made from the wire's schemas. Pure; where something was written is the reader's business.
 * @module
 */
import { z } from "zod";
import { componentSchema, eventSourceSchema } from "../contract/v1.ts";
import { nameFault, PROJECT_NAME_BYTES_MAX } from "../contract/names.ts";
import { parseCrontab } from "./crontab.ts";
import { FILE_KEYS, fileKeyOf } from "./file_keys.ts";
import { FIELD_TEXTS, KEY_TEXTS } from "./file_texts.ts";
import { crontabSources, listedSources, wireComponent } from "./from_file.ts";
import { prefixedName } from "./names.ts";

const LIST_MAX = 1000;

/** A component as a file has it; keys beside these are those of `FILE_KEYS`. */
export interface FileComponent {
  readonly environment?: readonly string[] | undefined;
  readonly logdriveroptions?: Readonly<Record<string, string>> | undefined;
  readonly eventsources?: Readonly<Record<string, FileEventSource>> | undefined;
  readonly crontab?: string | undefined;
  readonly [key: string]: unknown;
}

/** An event source as a file has it: `{ "http": { "pathprefix": "/" } }`. */
export type FileEventSource = Readonly<Record<string, unknown>>;

/** A project file: `{ "name": "demo", "components": { "web": { "image": "shop:7", … } } }`. */
export interface ProjectFile {
  readonly name: string;
  readonly environment?: readonly string[] | undefined;
  readonly envfile?: string | undefined;
  readonly components: Readonly<Record<string, FileComponent>>;
}

/** `schema` with the names of its fields, at every depth, in lower case and described. */
function lowered(schema: z.ZodType, path: string): z.ZodType {
  if (schema instanceof z.ZodOptional) {
    return lowered(schema.unwrap() as z.ZodType, path).optional();
  }
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject) {
    return z.array(lowered(schema.element, path)).max(LIST_MAX);
  }
  if (!(schema instanceof z.ZodObject)) return schema;
  const fields = Object.entries(schema.shape).map(([field, inner]) => {
    const key = field.toLowerCase();
    const at = `${path}.${key}`;
    return [key, described(lowered(inner as z.ZodType, at), FIELD_TEXTS[at])];
  });
  return z.strictObject(Object.fromEntries(fields));
}

function described<S extends z.ZodType>(schema: S, description: string | undefined): S {
  return description === undefined ? schema : schema.meta({ description });
}

const environment = z.array(
  z.string().refine((line) => !line.includes("\0"), { error: "holds a NUL character" }),
).max(LIST_MAX);

const SOURCE_FIELDS = ["http", "cron", "sqs", "awsstepfunc", "queue"] as const;

const eventSource = z.strictObject(Object.fromEntries(
  SOURCE_FIELDS.map((kind) => [
    kind,
    described(lowered(eventSourceSchema.shape[kind], kind), FIELD_TEXTS[kind]),
  ]),
));

const component = z.strictObject({
  ...Object.fromEntries(
    FILE_KEYS.map(({ key, schema }) => [key, described(lowered(schema, key), KEY_TEXTS[key])]),
  ),
  environment: described(environment.optional(), KEY_TEXTS.environment),
  logdriveroptions: described(
    z.record(z.string().min(1), z.string()).optional(),
    KEY_TEXTS.logdriveroptions,
  ),
  eventsources: described(z.record(z.string(), eventSource).optional(), KEY_TEXTS.eventsources),
  crontab: described(z.string().optional(), KEY_TEXTS.crontab),
}).superRefine((value, context) => {
  // What concerns several fields is the wire's to say; it is told under the file's keys.
  if (context.issues.length > 0) return;
  for (const { path, message } of componentFaults(value as FileComponent)) {
    context.addIssue({ code: "custom", path: [...path], message });
  }
});

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function componentFaults(file: FileComponent): Fault[] {
  const faults: Fault[] = [];
  const known = componentSchema.safeParse(wireComponent("c", file, []).component);
  for (const { path, message } of known.error?.issues ?? []) {
    faults.push({ path: filePath(path), message });
  }
  for (const [name, source] of Object.entries(listedSources("c", file.eventsources ?? {}))) {
    for (const { path, message } of eventSourceFaults({ ...source, name: "e" })) {
      const lower = path.map((key) => typeof key === "string" ? key.toLowerCase() : key);
      faults.push({ path: ["eventsources", name, ...lower], message });
    }
  }
  const crontab = parseCrontab(file.crontab ?? "");
  for (const [i, source] of crontabSources("c", crontab).entries()) {
    for (const { message } of eventSourceFaults(source)) {
      const line = crontab.entries[i]?.line;
      faults.push({ path: ["crontab"], message: `line ${line}: ${message}` });
    }
  }
  return faults;
}

function eventSourceFaults(source: unknown): readonly Fault[] {
  return eventSourceSchema.safeParse(source).error?.issues ?? [];
}

function filePath(path: readonly PropertyKey[]): readonly PropertyKey[] {
  const depth = path[0] === "docker" ? 2 : 1;
  const rest = path.slice(depth).map((key) => typeof key === "string" ? key.toLowerCase() : key);
  return [fileKeyOf(path.slice(0, depth).join(".")), ...rest];
}

/**
 * A project file. Names are checked as they will be in the cluster, with the project's before them.
 */
export const projectFileSchema: z.ZodType<ProjectFile> = z.strictObject({
  name: described(z.string(), KEY_TEXTS.name),
  environment: described(environment.optional(), KEY_TEXTS.projectenvironment),
  envfile: described(z.string().optional(), KEY_TEXTS.envfile),
  components: described(z.record(z.string(), component), KEY_TEXTS.components),
}).superRefine((file, context) => {
  if (context.issues.length > 0) return;
  const say = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  const fault = nameFault(file.name, PROJECT_NAME_BYTES_MAX);
  if (fault) return say(["name"], fault);
  const components = Object.entries(file.components as ProjectFile["components"]);
  if (components.length === 0) say(["components"], "holds no component");
  const taken = new Set<string>();
  const sources = new Set<string>();
  for (const [name, { eventsources = {} }] of components) {
    const path = ["components", name];
    for (
      const [given, names, at] of [
        [name, taken, path] as const,
        ...Object.keys(eventsources).map((source) =>
          [source, sources, [...path, "eventsources", source]] as const
        ),
      ]
    ) {
      const full = prefixedName(file.name, given);
      const fault = nameFault(given) ?? nameFault(full);
      if (fault) say([...at], `${fault}, found "${full}"`);
      else if (names.has(full)) say([...at], `is given twice: "${full}"`);
      names.add(full);
    }
  }
}) as unknown as z.ZodType<ProjectFile>;

/**
 * The JSON Schema of a project file. Where a number or word is wanted it lets `${NAME}` stand, which
 * is replaced before the file is checked.
 */
export function projectJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(projectFileSchema, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => allowTokens(jsonSchema),
  });
  return { $schema, title: "maelstrom.yml", description: KEY_TEXTS.file, ...schema };
}

function allowTokens(schema: z.core.JSONSchema.BaseSchema): void {
  const { type, enum: words, description, ...bounds } = schema;
  const isPlainText = type === "string" && words === undefined;
  if (isPlainText || type === undefined || type === "object" || type === "array") return;
  for (const key of Object.keys(schema)) delete schema[key];
  schema.anyOf = [
    { type, ...(words === undefined ? {} : { enum: words }), ...bounds },
    { type: "string", pattern: "\\$\\{" },
  ];
  if (description !== undefined) schema.description = description;
}
