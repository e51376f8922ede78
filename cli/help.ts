/** Help as text for a terminal of 80 columns, made from the table of commands. @module */
import type { Command, Flag } from "./command.ts";
import { COMMANDS, DAEMON } from "./commands.ts";
import { commandsOf, findCommand } from "./find_command.ts";
import { HELP_FLAG } from "./flags.ts";
import type { Output } from "./output.ts";

const WIDTH = 80;
const INDENT = "  ";

/** Environment variables the tool reads, and what for. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["MAELSTROM_PRIVATE_URL", "URL of the node (default: this machine's)."],
  ["MAELSTROM_TOKEN", "Token to use at that URL, instead of the cluster key."],
  ["MAEL_CLUSTER_KEY", "Cluster key for a node that is reached by URL."],
  [
    "MAEL_CLUSTER_KEY_FILE",
    "File with the cluster key (default: cluster.key in the data directory).",
  ],
  ["MAEL_DATA_DIR", "Data directory of this machine's node."],
  ["NO_COLOR", "Not empty: no colour."],
];

/** Exit codes, and when they are given. */
export const EXIT_CODES: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "failed"],
  ["2", "wrong usage"],
  ["3", "not found"],
  ["4", "not allowed"],
  ["5", "conflict: somebody else changed it"],
  ["6", "timed out"],
  ["130", "interrupted"],
];

/**
 * Prints help for the command that `words` name, or for all.
 *
 * @throws {UsageError} no such command
 */
export async function printHelp(words: readonly string[], output: Output): Promise<void> {
  await output.text(await helpFor(words));
}

async function helpFor(words: readonly string[]): Promise<string> {
  const [first] = words;
  if (first === undefined) return overview();
  if (first === DAEMON.words[0]) return (await import("../daemon/command.ts")).daemonHelp();
  const below = commandsOf(first);
  if (words.length === 1 && below.length > 0) return nounHelp(first, below);
  return commandHelp(findCommand(words).command);
}

/** Help for the whole tool. */
export function overview(): string {
  const rows = [DAEMON, ...COMMANDS].map(({ words, summary }) =>
    [words.join(" "), summary] as const
  );
  return sections([
    "Runs containers behind an HTTP proxy, when requests need them.",
    section("Examples", [
      `${INDENT}maelstrom daemon`,
      `${INDENT}maelstrom comp put shop --image shop:7 --port 8080`,
      `${INDENT}maelstrom es put shop_http --component shop --host shop.example.com`,
      `${INDENT}maelstrom ps`,
    ]),
    section("Usage", [`${INDENT}maelstrom COMMAND [FLAGS]`]),
    section("Commands", twoColumns(rows)),
    section("Environment", twoColumns(ENVIRONMENT)),
    section("Exit codes", twoColumns(EXIT_CODES)),
    "'maelstrom help COMMAND' tells more about one.",
  ]);
}

function nounHelp(noun: string, commands: readonly Command[]): string {
  const rows = commands.map(({ words, summary }) => [words.join(" "), summary] as const);
  return sections([
    section("Commands", twoColumns(rows)),
    `'maelstrom help ${(commands[0]?.words ?? [noun]).join(" ")}' tells more about one.`,
  ]);
}

/** Help for `command`. */
export function commandHelp(command: Command): string {
  const { words, alias, summary, examples, usage, flags, notes = [] } = command;
  const called = `maelstrom ${words.join(" ")}`;
  const lines = examples.flatMap(({ text, line }) => [`${INDENT}# ${text}`, `${INDENT}${line}`]);
  return sections([
    wrap(summary, WIDTH).join("\n"),
    section("Examples", lines),
    section("Usage", usage.map((form) => `${INDENT}${called} ${form}`)),
    section(
      "Flags",
      twoColumns([...flags, HELP_FLAG].map((flag) => [flagName(flag), flagText(flag)])),
    ),
    ...notes.map((note) => wrap(note, WIDTH).join("\n")),
    ...(alias ? [`Also spelled: maelstrom ${alias.join(" ")}`] : []),
  ]);
}

/** How a flag is written: `-f, --file FILE`. */
export function flagName({ name, short, value }: Flag): string {
  const dashes = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === undefined ? dashes : `${dashes} ${value}`;
}

/** What a flag does, and whether it may be repeated. */
export function flagText({ text, repeat }: Flag): string {
  return repeat ? `${text} May be repeated.` : text;
}

function section(title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines].join("\n");
}

function sections(parts: readonly string[]): string {
  return `${parts.join("\n\n")}\n`;
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  const gutter = INDENT.length + width + 2;
  return rows.flatMap(([left, right]) =>
    wrap(right, WIDTH - gutter).map((line, i) =>
      i === 0 ? `${INDENT}${left.padEnd(width)}  ${line}` : " ".repeat(gutter) + line
    )
  );
}

/** `text` in lines of at most `width` characters, broken at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
