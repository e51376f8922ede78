/**
 * The command line tool: finds the command, runs it, turns its failure into one line and an exit
 * code. Knows no command; they are in the table of `commands.ts`.
 * @module
 */
import { asMaelstromError, type ErrorCode, isAbort, MaelstromError } from "../lib/errors.ts";
import type { Env } from "../lib/rpc/locate.ts";
import type { RpcClient } from "../lib/rpc/client.ts";
import { type Call, FailedWith, UsageError } from "./command.ts";
import { findCommand } from "./find_command.ts";
import { parseFlags } from "./flags.ts";
import { mayColour, Output, ReaderGone, type Screen, type Writer } from "./output.ts";

/** Whoever pressed a key does not wait longer for it. */
const COMPLETE_LIMIT_MS = 1000;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  not_found: 3,
  not_allowed: 4,
  already_exists: 5,
  stale_version: 5,
  in_use: 5,
  timeout: 6,
  start_timeout: 6,
};

/** The world as a command sees it. */
export interface CliSurroundings {
  readonly env: Env;
  /** The user's id; 0 is root. */
  readonly uid: number | null;
  readonly stdin: () => ReadableStream<Uint8Array>;
  readonly stdout: Writer & { isTerminal(): boolean };
  readonly stderr: Writer & { isTerminal(): boolean };
  /** Size of the terminal, when one of the two is a terminal. */
  readonly terminalSize?: () => Screen;
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  /** Longest time for one call of a node, in milliseconds. @default {30_000} */
  readonly callLimitMs?: number;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
}

/** Runs the command that `args` state and resolves with the exit code. Prints every failure. */
export async function runCli(args: string[]): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    interrupt.abort();
    // A second one is left to the system, which ends the program at once.
    Deno.removeSignalListener("SIGINT", onInterrupt);
  };
  Deno.addSignalListener("SIGINT", onInterrupt);
  try {
    return await runCliIn(args, {
      env: Deno.env.toObject(),
      uid: Deno.uid(),
      stdin: () => Deno.stdin.readable,
      stdout: Deno.stdout,
      stderr: Deno.stderr,
      terminalSize: () => Deno.consoleSize(),
      nowMs: Date.now(),
      signal: interrupt.signal,
    });
  } finally {
    if (!interrupt.signal.aborted) Deno.removeSignalListener("SIGINT", onInterrupt);
  }
}

/** {@linkcode runCli} in surroundings of the caller's choice. */
export async function runCliIn(
  args: readonly string[],
  surroundings: CliSurroundings,
): Promise<number> {
  const { stdout, stderr, env, terminalSize } = surroundings;
  const screenOf = (stream: { isTerminal(): boolean }) => () => {
    if (!stream.isTerminal() || env.TERM === "dumb") return undefined;
    const size = terminalSize?.();
    // Some terminals do not know their size.
    return size && size.columns > 0 && size.rows > 0 ? size : undefined;
  };
  const output = new Output({
    stdout,
    stderr,
    isColoured: mayColour(stdout.isTerminal(), env),
    isErrorColoured: mayColour(stderr.isTerminal(), env),
    isTerminal: stdout.isTerminal(),
    screen: screenOf(stdout),
    errorScreen: screenOf(stderr),
  });
  try {
    return await dispatch(args, output, surroundings) ?? 0;
  } catch (error) {
    // The reader of the output has seen enough; the command itself went well.
    if (error instanceof ReaderGone) return 0;
    return await fail(error, output);
  }
}

async function dispatch(
  args: readonly string[],
  output: Output,
  surroundings: CliSurroundings,
): Promise<number | void> {
  const words = spelledOut(args);
  if (words[0] === "__complete") return await complete(words.slice(1), output, surroundings);
  const wantsHelp = helpWords(words);
  if (wantsHelp) return await (await import("./help.ts")).printHelp(wantsHelp, output);
  const { command, rest } = findCommand(words);
  const { flags, operands } = parseFlags(command, rest);
  if (flags.has("help")) {
    return await output.text((await import("./help.ts")).commandHelp(command));
  }
  const call: Call = {
    operands,
    flags,
    output,
    client: lazyClient(surroundings),
    env: surroundings.env,
    stdin: surroundings.stdin,
    nowMs: surroundings.nowMs,
    signal: surroundings.signal,
  };
  return await command.run(call);
}

/** Answers a shell that completes a line; quickly, or with nothing. */
async function complete(
  words: readonly string[],
  output: Output,
  surroundings: CliSurroundings,
): Promise<void> {
  const { printCompletions } = await import("./complete.ts");
  const client = lazyClient({ ...surroundings, callLimitMs: COMPLETE_LIMIT_MS });
  return await printCompletions(words, { output, client, signal: surroundings.signal });
}

/** `--version` as the command it stands for. */
function spelledOut(args: readonly string[]): readonly string[] {
  return args[0] === "--version" || args[0] === "-V" ? ["version", ...args.slice(1)] : args;
}

/** What `maelstrom`, `maelstrom --help` and `maelstrom comp --help` want help for. */
function helpWords(args: readonly string[]): readonly string[] | undefined {
  const [first, second] = args;
  const isHelp = (word: string | undefined) => word === "--help" || word === "-h";
  if (first === undefined || isHelp(first)) return [];
  // A noun alone is no command, so its help cannot be left to the command's flags.
  return args.length === 2 && isHelp(second) ? [first] : undefined;
}

function lazyClient({ env, uid, callLimitMs }: CliSurroundings): () => Promise<RpcClient> {
  let client: Promise<RpcClient> | undefined;
  const connect = async () => {
    const [{ RpcClient }, { locateNode }, { exists, readFile }] = await Promise.all([
      import("../lib/rpc/client.ts"),
      import("../lib/rpc/locate.ts"),
      import("./files.ts"),
    ]);
    const target = await locateNode({ env, uid, exists, readFile });
    return new RpcClient(target, callLimitMs === undefined ? {} : { limitMs: callLimitMs });
  };
  return () => client ??= connect();
}

async function fail(error: unknown, output: Output): Promise<number> {
  if (error instanceof FailedWith) {
    const usual = await fail(error.failure, output);
    return usual === EXIT_INTERRUPTED ? usual : error.exitCode;
  }
  if (isAbort(error)) return EXIT_INTERRUPTED;
  try {
    if (error instanceof UsageError) {
      await output.error(error.message);
      await output.hint(`Try '${["maelstrom", "help", ...error.words].join(" ")}'.`);
      return EXIT_USAGE;
    }
    const failure = asMaelstromError(error);
    const isBug = !(error instanceof MaelstromError);
    await output.error(isBug ? `Cannot go on: ${failure.message}` : failure.message);
    return EXIT_CODES[failure.code] ?? 1;
  } catch (unprinted) {
    // Nobody reads the errors either; the exit code still tells.
    if (unprinted instanceof ReaderGone) return 1;
    throw unprinted;
  }
}
