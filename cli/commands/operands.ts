/** The operands commands share: one name, or a name and flags against a file. @module */
import { type Call, UsageError } from "../command.ts";

/**
 * The one NAME of a command.
 *
 * @throws {UsageError} it is missing
 */
export function oneName({ operands }: Call, words: readonly string[]): string {
  const [name] = operands;
  if (name) return name;
  throw new UsageError(`Cannot run "${words.join(" ")}": NAME is missing`, words);
}

/** Flags that say how to put, not what. */
const BESIDE_FILE = ["file", "dry-run", "wait", "no-wait", "timeout"];

/** How something is put: from a file, or by name with flags. */
export type PutForm =
  | { readonly file: string }
  | { readonly file?: undefined; readonly name: string };

/**
 * Which of its two forms a put has.
 *
 * @throws {UsageError} neither, or both
 */
export function putForm({ operands, flags }: Call, words: readonly string[]): PutForm {
  const file = flags.text("file");
  const [name] = operands;
  const command = words.join(" ");
  if (file === undefined) {
    if (name) return { name };
    throw new UsageError(`Cannot run "${command}": NAME or --file is missing`, words);
  }
  if (file === "") throw new UsageError(`Cannot run "${command}": --file names no file`, words);
  const other = flags.names().find((flag) => !BESIDE_FILE.includes(flag));
  const beside = name ?? (other && `--${other}`);
  if (beside === undefined) return { file };
  throw new UsageError(
    `Cannot run "${command}": --file states everything, found ${JSON.stringify(beside)} beside it`,
    words,
  );
}
