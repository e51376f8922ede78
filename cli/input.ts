/**
 * Reads what `-f FILE|-` names and checks it against the contract before anything is sent: all
 * documents are good, or none is used.
 * @module
 */
import type { z } from "zod";
import { readText } from "../lib/async/body.ts";
import { type KnownFields, knownFields } from "../lib/contract/known_fields.ts";
import { MaelstromError, messageOf } from "../lib/errors.ts";
import type { Call } from "./command.ts";
import { type Document, parseDocuments } from "./documents.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const FAULTS_SHOWN_MAX = 5;

/** What a document must be: `{ noun: "component", schema: componentSchema }`. */
export interface Shape<S extends z.ZodType> {
  /** Begins the paths in messages. */
  readonly noun: string;
  readonly schema: S;
  /** Key that a document may have and that is passed over: what `get` adds. */
  readonly passOver?: string;
}

/** A document that passed, and whether it named the version it replaces. */
export interface Checked<T> {
  readonly value: T;
  readonly hasVersion: boolean;
}

/**
 * The documents in the file that `-f` names (`-`: standard input), checked against `shape`.
 *
 * @throws {MaelstromError} invalid: missing, not text, not YAML or JSON, or not what `shape` asks for
 * @throws {MaelstromError} too_large: larger than 1 MiB
 */
export async function readChecked<S extends z.ZodType>(
  file: string,
  shape: Shape<S>,
  call: Pick<Call, "stdin" | "signal">,
): Promise<Checked<z.infer<S>>[]> {
  const name = file === "-" ? "standard input" : file;
  const documents = await parseDocuments(await readInput(file, name, call), name);
  if (documents.length === 0) {
    throw new MaelstromError("invalid", `Cannot put ${shape.noun}: ${name} holds none`);
  }
  const checked = [];
  for (const document of documents) checked.push(await checkDocument(document, shape));
  return checked;
}

/**
 * The text of `file` (`-`: standard input), which messages call `name`.
 *
 * @throws {MaelstromError} invalid: missing, or not text
 * @throws {MaelstromError} too_large: larger than 1 MiB
 */
export async function readInput(
  file: string,
  name: string,
  { stdin, signal }: Pick<Call, "stdin" | "signal">,
): Promise<string> {
  try {
    const bytes = file === "-" ? stdin() : (await Deno.open(file)).readable;
    // The pipe is what an interrupt ends: a reader cannot be told to stop waiting.
    const pipe = new TransformStream<Uint8Array, Uint8Array>();
    return await readText(bytes.pipeThrough(pipe, { signal }), FILE_BYTES_MAX);
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof MaelstromError ? error.code : "invalid";
    throw new MaelstromError(code, `Cannot read ${name}: ${foundBy(error)}`, undefined, {
      cause: error,
    });
  }
}

function foundBy(error: unknown): string {
  if (error instanceof MaelstromError) {
    return error.code === "too_large" ? "larger than 1 MiB" : "not valid UTF-8";
  }
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "not readable by this user";
  return messageOf(error).replace(/ \(os error \d+\).*$/, "").toLowerCase();
}

/**
 * `document`, checked against `shape`; each fault is told with its place.
 *
 * @throws {MaelstromError} invalid: it is not what `shape` asks for
 */
export async function checkDocument<S extends z.ZodType>(
  document: Document,
  { noun, schema, passOver }: Shape<S>,
): Promise<Checked<z.infer<S>>> {
  const known = knownFields(withoutKey(document.value, passOver), schema, noun, document.textAt);
  refuse(noun, known.faults.map(({ at, message }) => `${document.position(at)}: ${message}`));
  const { checkAll } = await import("../lib/contract/check.ts");
  const checked = checkAll(schema, known.value, noun);
  if ("faults" in checked) {
    throw refusal(
      noun,
      checked.faults.map(({ path, message }) =>
        `${document.position(writtenAt(path, known))}: ${message}`
      ),
    );
  }
  return { value: checked.value, hasVersion: Object.hasOwn(Object(known.value), "version") };
}

function withoutKey(value: unknown, key: string | undefined): unknown {
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  if (key === undefined || !isMap) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

function refuse(noun: string, faults: readonly string[]): void {
  if (faults.length > 0) throw refusal(noun, faults);
}

function refusal(noun: string, faults: readonly string[]): MaelstromError {
  const shown = faults.slice(0, FAULTS_SHOWN_MAX);
  if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`);
  return new MaelstromError("invalid", `Cannot put ${noun}: ${shown.join("; ")}`);
}

/** How the field at `path`, or its nearest parent that was written, was written. */
function writtenAt(path: string, { written }: KnownFields) {
  for (let rest = path; rest !== ""; rest = rest.replace(/(?:^|\.|\[)[^.[]*$/, "")) {
    const at = written.get(rest);
    if (at) return at;
  }
  return [];
}
