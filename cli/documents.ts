/**
 * Text in YAML or JSON as values that remember where they were written. Knows nothing of what the
 * values mean. Loads the YAML library only when the text is not JSON.
 * @module
 */
import type { Alias, Document as YamlDocument, Node, Pair, ParsedNode, YAMLMap } from "yaml";
import type { FieldPath, TextAt } from "../lib/contract/known_fields.ts";
import { MaelstromError, messageOf } from "../lib/errors.ts";

/** One document of a file. */
export interface Document {
  readonly value: unknown;
  /** Where the field at `path`, or its nearest parent, was written: `shop.yml:3:5`. */
  readonly position: (path: FieldPath) => string;
  /** How the number or word at `path` was written: `1.10`, which as a number is 1.1. */
  readonly textAt: TextAt;
}

/** The text a user wrote, when what is parsed was made from it. */
export interface OriginalText {
  readonly text: string;
  /** The offset in it of what stands at `offset` in the parsed text. */
  readonly originalOffset: (offset: number) => number;
}

type Yaml = typeof import("yaml");
type Parsed = YamlDocument.Parsed<ParsedNode>;

/**
 * The documents in `text` that are not empty, in order. `file` names the text in positions, which
 * are those of `original` if given.
 *
 * @throws {MaelstromError} invalid: neither YAML nor JSON; says where
 */
export async function parseDocuments(
  text: string,
  file: string,
  original: OriginalText = { text, originalOffset: (offset) => offset },
): Promise<Document[]> {
  const json = parseJson(text);
  if (json !== undefined) {
    return [{ value: json, position: () => file, textAt: () => undefined }];
  }
  const yaml = await import("yaml");
  const at = (offset: number) => `${file}:${lineAndColumn(original, offset)}`;
  try {
    const options = { prettyErrors: false, merge: true };
    const parsed = yaml.parseAllDocuments(text, options);
    const documents = Array.isArray(parsed) ? parsed : [];
    return documents.map((document) => toDocument(yaml, document, at))
      .filter(({ value }) => value !== null && value !== undefined);
  } catch (error) {
    if (error instanceof MaelstromError) throw error;
    const found = error instanceof RangeError ? "nested too deeply" : messageOf(error);
    throw new MaelstromError("invalid", `Cannot read ${file}: ${found}`, undefined, {
      cause: error,
    });
  }
}

/** JSON read as JSON; undefined sends the text to the YAML reader, which can point at a fault. */
function parseJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toDocument(yaml: Yaml, document: Parsed, at: (offset: number) => string): Document {
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) {
    const found = messageOf(fault);
    throw new MaelstromError("invalid", `Cannot read ${at(fault.pos[0])}: ${found}`);
  }
  return {
    value: valueOf(yaml, document, at),
    position: (path) => at(lookUp(yaml, document, path).offset),
    textAt: (path) => {
      const { node } = lookUp(yaml, document, path);
      return yaml.isScalar(node) ? node.source : undefined;
    },
  };
}

function valueOf(yaml: Yaml, document: Parsed, at: (offset: number) => string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const lost = aliasOfNothing(yaml, document);
    if (!lost) throw error;
    const place = at(startOf(lost) ?? 0);
    const found =
      `the alias *${lost.source} stands for nothing: there is no &${lost.source} before it`;
    throw new MaelstromError("invalid", `Cannot read ${place}: ${found}`);
  }
}

function aliasOfNothing(yaml: Yaml, document: Parsed): Alias | undefined {
  let lost: Alias | undefined;
  yaml.visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return undefined;
      lost = alias;
      return yaml.visit.BREAK;
    },
  });
  return lost;
}

function lineAndColumn({ text, originalOffset }: OriginalText, offset: number): string {
  const before = text.slice(0, originalOffset(offset));
  const line = before.split("\n").length;
  return `${line}:${before.length - before.lastIndexOf("\n")}`;
}

/** What is at `path`, and the offset of the last key or entry on the way that was written. */
function lookUp(
  yaml: Yaml,
  document: Parsed,
  path: FieldPath,
): { readonly node: unknown; readonly offset: number } {
  const resolved = (node: unknown) => yaml.isAlias(node) ? node.resolve(document) : node;
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    const parent = resolved(node);
    const pair = yaml.isMap(parent) ? pairOf(yaml, parent, `${key}`, resolved) : undefined;
    node = yaml.isSeq(parent) ? parent.items[Number(key)] : pair?.value;
    const written = pair ? pair.key : node;
    if (written === undefined) return { node: undefined, offset };
    offset = startOf(written) ?? offset;
  }
  return { node: resolved(node), offset };
}

/** What `map` has under `key`: of its own, else from the first mapping merged into it. */
function pairOf(
  yaml: Yaml,
  map: YAMLMap,
  key: string,
  resolved: (node: unknown) => unknown,
): Pair | undefined {
  // The merge key's own value is no text, but a symbol.
  const isKey = (pair: Pair, text: string) =>
    yaml.isScalar(pair.key) && String(pair.key.source ?? pair.key.value) === text;
  const own = map.items.find((pair) => isKey(pair, key));
  if (own) return own;
  const merged = map.items.filter((pair) => isKey(pair, "<<")).flatMap(({ value }) => {
    const source = resolved(value);
    return yaml.isSeq(source) ? source.items.map(resolved) : [source];
  });
  for (const source of merged) {
    const found = yaml.isMap(source) ? pairOf(yaml, source, key, resolved) : undefined;
    if (found) return found;
  }
  return undefined;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
