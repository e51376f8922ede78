/**
 * What may follow on a command line, for the completion of shells. `maelstrom __complete -- WORDS`
 * prints it: a candidate, a tab and what it is, on each line, or `:files` where a file is meant. The
 * last word is the one to be completed. Whatever goes wrong, it says nothing.
 * @module
 */
import type { RpcClient } from "../lib/rpc/client.ts";
import type { Call, Command, Completion, Flag, NameKind } from "./command.ts";
import { COMMANDS, DAEMON } from "./commands.ts";
import { HELP_FLAG } from "./flags.ts";
import { flagText } from "./help.ts";
import { ReaderGone } from "./output.ts";

/** Printed where the shell should complete files. */
const FILES = ":files";

/** What a word may become, and what that is. */
export interface Candidate {
  readonly word: string;
  readonly text: string;
}

/** What may stand in place of a word. */
export interface Wanted {
  readonly from: NameKind | "file" | readonly Candidate[];
  /** What of the word is there already and stays: `--component=`. */
  readonly before: string;
  /** What the candidates begin with. */
  readonly typed: string;
}

/** Prints what the last of `words` may become. */
export async function printCompletions(
  words: readonly string[],
  { output, client, signal }: Pick<Call, "output" | "client" | "signal">,
): Promise<void> {
  try {
    const { from, before, typed } = wantedAt(words[0] === "--" ? words.slice(1) : words);
    if (from === "file") return await output.line(FILES);
    const candidates = typeof from === "string" ? await LISTS[from](await client(), signal) : from;
    for (const { word, text } of candidates.filter(({ word }) => word.startsWith(typed))) {
      await output.line(`${before}${word}\t${text}`);
    }
  } catch (error) {
    // A shell would print it into the line that is being typed.
    if (error instanceof ReaderGone) throw error;
  }
}

/** What the last of `words`, which follow the program's name, may become. */
export function wantedAt(words: readonly string[]): Wanted {
  const typed = words.at(-1) ?? "";
  const args = words.slice(0, -1);
  if (args[0] === "help") return { from: wordsAfter(args.slice(1)), before: "", typed };
  const command = COMMANDS.find(({ words, alias }) =>
    isPrefix(words, args) || (alias && isPrefix(alias, args))
  );
  if (!command) return { from: wordsAfter(args), before: "", typed };
  return argumentAt(command, args.slice(command.words.length), typed);
}

/** The words that may follow `args` in the name of a command. */
function wordsAfter(args: readonly string[]): Candidate[] {
  const found = new Map<string, string[]>();
  const all: readonly Pick<Command, "words" | "alias" | "summary">[] = [DAEMON, ...COMMANDS];
  for (const { words, alias, summary } of all) {
    // The ancestor's spellings are known, but not offered to those who have not begun one.
    for (const name of args.length > 0 && alias ? [words, alias] : [words]) {
      const word = name[args.length];
      if (word === undefined || !isPrefix(args, name)) continue;
      const text = name[args.length + 1] ?? summary;
      found.set(word, [...found.get(word) ?? [], text]);
    }
  }
  return Array.from(found, ([word, texts]) => ({ word, text: texts.join(", ") }));
}

function argumentAt(command: Command, args: readonly string[], typed: string): Wanted {
  const { flags, operands, end } = read(command, args);
  const last = args.at(-1) ?? "";
  const pending = end || last.includes("=") ? undefined : flagOf(command, last);
  if (pending?.value !== undefined) return wanted(pending.completes, "", typed);
  const [, name, value] = end ? [] : /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
  if (name !== undefined) {
    return wanted(flagOf(command, name)?.completes, `${name}=`, value ?? "");
  }
  const isFlag = typed.startsWith("-") && !end;
  const kinds = command.operands ?? [];
  const kind = operands < command.operandsMax ? kinds[operands] ?? kinds.at(-1) : undefined;
  const nothingElse = kind === undefined || kind.length === 0;
  if (!isFlag && !(nothingElse && typed === "")) return wanted(kind, "", typed);
  const left = [...command.flags, HELP_FLAG].filter((flag) => flag.repeat || !flags.includes(flag));
  const from = left.map((flag) => ({ word: `--${flag.name}`, text: flagText(flag) }));
  return { from: end ? [] : from, before: "", typed };
}

function wanted(completion: Completion = [], before: string, typed: string): Wanted {
  const from = typeof completion === "string"
    ? completion
    : completion.map((word) => ({ word, text: "" }));
  return { from, before, typed };
}

/** Flags given, operands counted, and whether `--` has ended the flags. */
function read(command: Command, args: readonly string[]) {
  const flags: Flag[] = [];
  let operands = 0;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") return { flags, operands: operands + args.length - at - 1, end: true };
    if (!arg.startsWith("-")) operands += 1;
    const flag = arg.startsWith("-") ? flagOf(command, arg) : undefined;
    if (!flag) continue;
    flags.push(flag);
    if (flag.value !== undefined && !arg.includes("=")) at += 1;
  }
  return { flags, operands, end: false };
}

/** The flag that `arg` begins with: `-f`, `--file` or `--file=x`. */
function flagOf(command: Command, arg: string): Flag | undefined {
  const [name] = arg.split("=");
  return command.flags.find((flag) =>
    `--${flag.name}` === name || (flag.short !== undefined && `-${flag.short}` === name)
  );
}

function isPrefix(prefix: readonly string[], words: readonly string[]): boolean {
  return prefix.every((word, at) => word === words[at]);
}

type List = (client: RpcClient, signal: AbortSignal) => Promise<Candidate[]>;

const LISTS: Readonly<Record<NameKind, List>> = {
  component: async (client, signal) => {
    const { components } = await client.call("MaelstromService.ListComponents", {}, signal);
    return components.map(({ name, docker }) => ({ word: name, text: docker.image }));
  },
  project: async (client, signal) => {
    const { projects } = await client.call("MaelstromService.ListProjects", {}, signal);
    return projects.map(({ projectName, componentCount }) => ({
      word: projectName,
      text: componentCount === 1 ? "1 component" : `${componentCount} components`,
    }));
  },
  source: async (client, signal) => {
    const { eventSources } = await client.call("MaelstromService.ListEventSources", {}, signal);
    return eventSources.map(({ eventSource: { name, componentName } }) => ({
      word: name,
      text: componentName,
    }));
  },
  node: async (client, signal) => {
    const { nodes } = await client.call("NodeService.ListNodeStatus", {}, signal);
    return nodes.map(({ nodeId, peerUrl }) => ({ word: nodeId, text: peerUrl }));
  },
  cfg: async (client, signal) => {
    const { values } = await client.call("MaelstromService.ListCfg", {}, signal);
    return values.map(({ name, secret }) => ({ word: name, text: secret ? "secret" : "" }));
  },
  queue: async (client, signal) => {
    const { queues } = await client.call("MaelstromService.ListQueues", {}, signal);
    return queues.map(({ name, ready }) => ({ word: name, text: `${ready} ready` }));
  },
  token: async (client, signal) => {
    const { tokens } = await client.call("MaelstromService.ListTokens", {}, signal);
    return tokens.map(({ name, scope }) => ({ word: name, text: scope }));
  },
};
