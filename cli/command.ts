/**
 * What a command is: the words that call it, what help says of it, and what it runs. Shapes only,
 * so that help, usage errors and the reference page can be made without loading any command.
 * @module
 */
import type { RpcClient } from "../lib/rpc/client.ts";
import type { Env } from "../lib/rpc/locate.ts";
import type { Flags } from "./flags.ts";
import type { Output } from "./output.ts";

/** What completes a word in a shell: names that the node knows, files, or these words. */
export type Completion = NameKind | "file" | readonly string[];

/** Names that a node can list. */
export type NameKind = "component" | "project" | "source" | "node" | "cfg" | "token" | "queue";

/** One flag: `{ name: "file", short: "f", value: "FILE", text: "Component as YAML or JSON." }`. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in help; absent when the flag takes none. */
  readonly value?: string;
  /** What completes the value. */
  readonly completes?: Completion;
  /** True when the flag may be given several times. */
  readonly repeat?: true;
  /** A sentence. */
  readonly text: string;
}

/** A command line worth copying, and what it does. */
export interface Example {
  readonly text: string;
  readonly line: string;
}

/** What a command may use while it runs. */
export interface Call {
  /** Words after the command that are not flags. */
  readonly operands: readonly string[];
  readonly flags: Flags;
  readonly output: Output;
  /** A client of the node, located at the first use. */
  readonly client: () => Promise<RpcClient>;
  /** Environment of the tool. */
  readonly env: Env;
  /** Bytes of standard input. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
}

/** One row of the table of commands. */
export interface Command {
  /** `["comp", "put"]`, or `["ps"]`. */
  readonly words: readonly string[];
  /** The ancestor's spelling, accepted too. */
  readonly alias?: readonly string[];
  /** A sentence. */
  readonly summary: string;
  readonly examples: readonly Example[];
  /** What follows the words, a line for each form: `-f FILE`. */
  readonly usage: readonly string[];
  /** Most operands it takes. */
  readonly operandsMax: number;
  /** What completes each operand; the last is for all that follow. */
  readonly operands?: readonly Completion[];
  readonly flags: readonly Flag[];
  /** Paragraphs below the flags. */
  readonly notes?: readonly string[];
  /** Loads the command and does its work; may say the exit code, which is 0 otherwise. */
  readonly run: (call: Call) => Promise<number | void>;
}

/** A command line that does not say what to do. Never crosses the wire: the user has to retype. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  /** @param words the command whose help would tell, such as `["comp", "put"]` */
  constructor(message: string, readonly words: readonly string[] = []) {
    super(message);
  }
}

/** A failure with an exit code of the command's own. */
export class FailedWith extends Error {
  override readonly name = "FailedWith";

  /** @param failure what is told to the user */
  constructor(readonly exitCode: number, readonly failure: unknown) {
    super("failed with an exit code of its own");
  }
}
