/**
 * Text in YAML or JSON as values that remember where they were written. Knows nothing of what the
 * values mean. Loads the YAML library only when the text is not JSON.
 * @module
 */
import type { Document as YamlDocument, Node, ParsedNode } from "yaml";
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

function toDocument(
  yaml: Yaml,
  document: YamlDocument.Parsed<ParsedNode>,
  at: (offset: number) => string,
): Document {
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) {
    const found = messageOf(fault);
    throw new MaelstromError("invalid", `Cannot read ${at(fault.pos[0])}: ${found}`);
  }
  return {
    value: document.toJS({ maxAliasCount: 100 }),
    position: (path) => at(offsetOf(yaml, document, path)),
    textAt: (path) => {
      const node = document.getIn(path, true);
      return yaml.isScalar(node) ? node.source : undefined;
    },
  };
}

function lineAndColumn({ text, originalOffset }: OriginalText, offset: number): string {
  const before = text.slice(0, originalOffset(offset));
  const line = before.split("\n").length;
  return `${line}:${before.length - before.lastIndexOf("\n")}`;
}

/** Offset of the last key on `path` that was written in the document itself. */
function offsetOf(yaml: Yaml, document: YamlDocument.Parsed<ParsedNode>, path: FieldPath): number {
  let node: unknown = document.contents;
  let offset = startOf(document.contents) ?? 0;
  for (const key of path) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isSeq(node)) {
      node = node.items[Number(key)];
    } else if (yaml.isMap(node)) {
      const pair = node.items.find((pair) =>
        yaml.isScalar(pair.key) && `${pair.key.value}` === key
      );
      if (!pair) break;
      offset = startOf(pair.key as Node) ?? offset;
      node = pair.value;
      continue;
    } else break;
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
