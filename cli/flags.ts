/** Reads the flags of one command from its arguments, as its row of the table allows. @module */
import { parseArgs } from "node:util";
import { nearest } from "../lib/contract/nearest.ts";
import { messageOf } from "../lib/errors.ts";
import { type Command, type Flag, UsageError } from "./command.ts";

/** Every command has this one. */
export const HELP_FLAG: Flag = { name: "help", short: "h", text: "Print this help." };

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** What the user gave, by flag name. */
export class Flags {
  readonly #values: Values;
  readonly #words: readonly string[];

  constructor(values: Values, words: readonly string[]) {
    this.#values = values;
    this.#words = words;
  }

  /** True when the flag was given. */
  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** The flag's value; undefined when it was not given. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** The values of a flag that may be given several times, in order. */
  texts(name: string): string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /**
   * The flag's value as a whole number of at least 0; undefined when it was not given.
   *
   * @throws {UsageError} anything else was given
   */
  count(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (/^\d{1,15}$/.test(value)) return Number(value);
    throw new UsageError(
      `Cannot read --${name}: must be a whole number, found ${JSON.stringify(value)}`,
      this.#words,
    );
  }

  /** Names of the flags given, as in the table. */
  names(): string[] {
    return Object.keys(this.#values);
  }
}

/** Arguments of a command, read. */
export interface ParsedArguments {
  readonly flags: Flags;
  readonly operands: readonly string[];
}

/**
 * Reads `args`, which follow the command's words.
 *
 * @throws {UsageError} an unknown flag, a flag without its value, or too many operands
 */
export function parseFlags(command: Command, args: readonly string[]): ParsedArguments {
  const flags = [...command.flags, HELP_FLAG];
  refuseUnknown(command, flags, args);
  const { values, positionals } = parseStrictly(command, flags, args);
  const surplus = positionals[command.operandsMax];
  if (surplus !== undefined && !values.help) {
    throw new UsageError(
      `Cannot run "${command.words.join(" ")}": unexpected argument ${JSON.stringify(surplus)}`,
      command.words,
    );
  }
  return { flags: new Flags(values, command.words), operands: positionals };
}

function optionsOf(flags: readonly Flag[]) {
  return Object.fromEntries(flags.map(({ name, short, value, repeat }) => [name, {
    type: value === undefined ? "boolean" as const : "string" as const,
    multiple: repeat ?? false,
    ...(short === undefined ? {} : { short }),
  }]));
}

function parseStrictly(command: Command, flags: readonly Flag[], args: readonly string[]) {
  try {
    const options = optionsOf(flags);
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    const name = command.words.join(" ");
    throw new UsageError(`Cannot run "${name}": ${plainFault(messageOf(error))}`, command.words);
  }
}

function plainFault(message: string): string {
  const flag = /'((?:-\w, )?--[\w-]+)/.exec(message)?.[1];
  if (flag === undefined) return message;
  if (message.includes("missing")) return `${flag} needs a value`;
  if (message.includes("does not take")) return `${flag} takes no value`;
  if (message.includes("ambiguous")) {
    return `${flag} needs a value (one that starts with "-" is written ${flag}=VALUE)`;
  }
  return message;
}

/** Before the strict reading, whose error for an unknown flag cannot suggest one. */
function refuseUnknown(command: Command, flags: readonly Flag[], args: readonly string[]): void {
  const options = optionsOf(flags);
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option" || Object.hasOwn(options, token.name)) continue;
    const guess = nearest(token.name, flags.map((flag) => flag.name));
    const suggestion = guess && token.name.length > 1 ? `, did you mean --${guess}?` : "";
    throw new UsageError(
      `Cannot run "${command.words.join(" ")}": unknown flag ${token.rawName}${suggestion}`,
      command.words,
    );
  }
}
