/** The reference page of project files, made from their JSON Schema. @module */
import { projectJsonSchema } from "../lib/project/file_schema.ts";
import { block, code, paragraph, table } from "./reference.ts";

/** The parts of a JSON Schema that the page tells. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly description?: string;
}

const EXAMPLE = [
  "name: demo",
  "environment:",
  "  - LOG_LEVEL=${LOG_LEVEL:-info}",
  "components:",
  "  web:",
  "    image: shop:${TAG:-latest}",
  "    httpport: 8080",
  "    maxconcurrency: 10",
  "    eventsources:",
  "      web_http:",
  "        http: { hostname: shop.example.com }",
  "    crontab: |",
  "      # minute hour day month weekday path",
  "      0 3 * * * /nightly",
];

const TOKENS = [
  ["`${NAME}`", "the value, or nothing"],
  ["`${NAME:text}`", "the value if set, even to nothing; else `text`"],
  ["`${NAME:-text}`", "the value if set to something; else `text`"],
  ["`$${NAME}`", "`${NAME}` as it stands"],
];

/** The page `docs/reference/project.md`, in Markdown. */
export function projectReference(): string {
  const file = projectJsonSchema() as Schema;
  const component = file.properties?.components?.additionalProperties ?? {};
  const source = component.properties?.eventsources?.additionalProperties ?? {};
  return [
    "<!-- Generated from lib/project/file_schema.ts and file_texts.ts: edit those instead. -->",
    "# Project files",
    paragraph(
      "`maelstrom project put` makes the cluster's project what `maelstrom.yml` says: all of it, or " +
        "nothing when something is wrong. `maelstrom project diff` tells what a put would change.",
    ),
    block(EXAMPLE, "yaml"),
    paragraph(
      "Keys are lower case; other spellings of case are accepted, unknown keys are errors. A key " +
        "without a value counts as absent. Editors complete the file with the schema that `maelstrom " +
        "project schema` prints, which is also in `project.schema.json` beside this page.",
    ),
    "## Names",
    paragraph(
      "Components and event sources get the project's name before theirs, unless it is there " +
        "already: `web` above is `demo_web` in the cluster, and `demo_web` has at most 60 bytes.",
    ),
    "## Variables",
    paragraph(
      "Before the file is read, these are replaced everywhere in it, comments included, by the " +
        "environment of the command and the file that `--env` names, which goes before it. Values " +
        "are inserted as they are; `${}` and a token without an end stay.",
    ),
    table(["Written", "Read as"], TOKENS),
    "## Environment of components",
    paragraph(
      "Of several values for a name, the component's `environment` goes before the project's, and " +
        "that before the lines of `envfile`. Lines without a name before a `=` are ignored, and the " +
        "command says so.",
    ),
    "## File",
    fields(file),
    "## Component",
    fields(component),
    "### volumes",
    fields(component.properties?.volumes?.items ?? {}),
    "## Event sources",
    "An event source is one of these.",
    ...Object.entries(source.properties ?? {}).flatMap(([kind, schema]) => [
      `### ${kind}`,
      schema.description ?? "",
      fields(schema),
    ]),
    "### crontab",
    paragraph(
      "Each line is a schedule and a path that begins with `/`; lines that begin with `#` are " +
        "comments. The n-th line, from 0, becomes the event source `<component>-cron-<n>` that makes " +
        "a GET request.",
    ),
  ].join("\n\n") + "\n";
}

function fields(schema: Schema): string {
  return table(["Key", "Value", "Meaning"], rowsOf(schema, ""));
}

function rowsOf({ properties = {}, required = [] }: Schema, path: string): string[][] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const needed = required.includes(key) ? ", required" : "";
    const meaning = (schema.description ?? "").replaceAll(/<\w+>/g, code);
    const row = [code(path + key), kindOf(schema) + needed, meaning];
    const inner = schema.properties ? rowsOf(schema, `${path}${key}.`) : [];
    return [row, ...inner];
  });
}

function kindOf({ type, enum: words, items, anyOf, additionalProperties }: Schema): string {
  if (anyOf?.[0]) return kindOf(anyOf[0]);
  if (words) return words.map(code).join(", ");
  if (type === "array") return items?.properties ? "list of objects" : "list of texts";
  if (typeof additionalProperties === "object") return "object by name";
  const names: Readonly<Record<string, string>> = {
    string: "text",
    integer: "whole number",
    boolean: "true or false",
  };
  return names[type ?? ""] ?? type ?? "text";
}
