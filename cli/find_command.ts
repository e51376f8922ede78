/** Which command a line of words means. Pure. @module */
import { nearest } from "../lib/contract/nearest.ts";
import { type Command, UsageError } from "./command.ts";
import { COMMANDS, DAEMON } from "./commands.ts";

/** A command and the arguments that follow its words. */
export interface FoundCommand {
  readonly command: Command;
  readonly rest: readonly string[];
}

/**
 * The command whose words `args` begin with, by its own words or its alias.
 *
 * @throws {UsageError} there is none; suggests the nearest
 */
export function findCommand(args: readonly string[]): FoundCommand {
  for (const command of COMMANDS) {
    for (const words of [command.words, command.alias]) {
      if (words && words.every((word, i) => word === args[i])) {
        return { command, rest: args.slice(words.length) };
      }
    }
  }
  throw unknownCommand(args);
}

/** The commands below `noun`: `comp` gives `comp put`, `comp ls` and so on. */
export function commandsOf(noun: string): Command[] {
  return COMMANDS.filter(({ words, alias }) =>
    (words.length > 1 && words[0] === noun) || alias?.[0] === noun
  );
}

function unknownCommand(args: readonly string[]): UsageError {
  const [first = "", second] = args;
  if (first.startsWith("-")) {
    return new UsageError(`Cannot run ${JSON.stringify(first)}: flags come after the command`);
  }
  const below = commandsOf(first);
  if (below.length > 0 && (second === undefined || second.startsWith("-"))) {
    const verbs = below.map(({ words, alias }) => words[0] === first ? words[1] : alias?.[1]);
    return new UsageError(
      `Cannot run ${JSON.stringify(first)}: say what to do with it: ${verbs.join(", ")}`,
      [first],
    );
  }
  const given = below.length > 0 ? `${first} ${second}` : first;
  const known = below.length > 0
    ? below.flatMap(({ words, alias = [] }) => [words.join(" "), alias.join(" ")])
    : [DAEMON, ...COMMANDS].flatMap(({ words }) => words[0] ?? []);
  const guess = nearest(
    given,
    [...new Set(known)].filter((name) => name.startsWith(first[0] ?? "")),
  );
  const suggestion = guess ? `, did you mean "${guess}"?` : "";
  return new UsageError(
    `Cannot run ${JSON.stringify(given)}: no such command${suggestion}`,
    below.length > 0 ? [first] : [],
  );
}
