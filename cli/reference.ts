/** The reference page of the command line tool, made from the table of commands. @module */
import type { Command } from "./command.ts";
import { COMMANDS, DAEMON } from "./commands.ts";
import { HELP_FLAG } from "./flags.ts";
import { ENVIRONMENT, EXIT_CODES, flagName, flagText, wrap } from "./help.ts";

/** The page `docs/reference/cli.md`, in Markdown. */
export function cliReference(): string {
  return [
    "<!-- Generated from the table of commands in cli/commands.ts: edit that instead. -->",
    "# Command line",
    paragraph(
      "`maelstrom daemon` makes a machine a node; every other first word is a command for a node, " +
        "which is found as the environment below says: `MAELSTROM_PRIVATE_URL` if set, else " +
        "`control.sock` in the data directory, else `http://127.0.0.1:8374`. A call that is not " +
        "answered within 30 seconds fails.",
    ),
    table(
      ["Command", "What it does"],
      [DAEMON, ...COMMANDS].map(({ words, summary }) => [code(words.join(" ")), summary]),
    ),
    ...COMMANDS.map(commandSection),
    "## Environment",
    table(["Variable", "Meaning"], ENVIRONMENT.map(([name, text]) => [code(name), text])),
    "## Exit codes",
    table(["Code", "Meaning"], EXIT_CODES),
  ].join("\n\n") + "\n";
}

function commandSection(command: Command): string {
  const { words, alias, summary, examples, usage, flags, notes = [] } = command;
  const called = `maelstrom ${words.join(" ")}`;
  return [
    `## ${words.join(" ")}`,
    summary + (alias ? ` Also spelled ${code(alias.join(" "))}.` : ""),
    block(examples.flatMap(({ text, line }) => [`# ${text}`, line])),
    "Usage:",
    block(usage.map((form) => `${called} ${form}`)),
    table(
      ["Flag", "Meaning"],
      [...flags, HELP_FLAG].map((flag) => [code(flagName(flag)), flagText(flag)]),
    ),
    ...notes.map(paragraph),
  ].join("\n\n");
}

/** `text` broken as the formatter would, so that the page needs no second pass. */
export function paragraph(text: string): string {
  return wrap(text, 100).join("\n");
}

/** `lines` as a block of shell commands, or of another language. */
export function block(lines: readonly string[], language = "sh"): string {
  return [`\`\`\`${language}`, ...lines, "```"].join("\n");
}

/** `text` as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** A Markdown table padded as the formatter would. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = header.map((_, at) => Math.max(3, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, at) => (row[at] ?? "").padEnd(width)).join(" | ")} |`;
  const dashes = widths.map((width) => "-".repeat(width));
  return [line(cells[0] ?? []), line(dashes), ...cells.slice(1).map(line)].join("\n");
}
