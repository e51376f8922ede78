/** Runs the command line tool: in this process, or as one of its own. @module */
import { type CliSurroundings, runCliIn } from "../../../cli/cli.ts";

/** What a run left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What differs from a run by a user without settings, off a terminal. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array | string | ReadableStream<Uint8Array>;
  readonly isTerminal?: boolean;
  /** Size of the terminal; unknown when absent. */
  readonly terminalSize?: { readonly columns: number; readonly rows: number };
  readonly callLimitMs?: number;
  readonly signal?: AbortSignal;
}

/** Now, in every test: 2024-05-01 12:00 UTC. */
export const NOW_MS = Date.UTC(2024, 4, 1, 12);

/** Runs `args` in this process. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = new Collector(options.isTerminal ?? false);
  const stderr = new Collector(options.isTerminal ?? false);
  const surroundings: CliSurroundings = {
    env: { HOME: "/nonexistent", ...options.env },
    uid: 1000,
    stdin: () => toStream(options.stdin ?? ""),
    stdout,
    stderr,
    nowMs: NOW_MS,
    signal: options.signal ?? new AbortController().signal,
    ...(options.terminalSize === undefined ? {} : { terminalSize: () => options.terminalSize! }),
    ...(options.callLimitMs === undefined ? {} : { callLimitMs: options.callLimitMs }),
  };
  const code = await runCliIn(args, surroundings);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The command that runs the tool as a process of its own. */
export function command(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", MAIN, ...args],
    env: { HOME: "/nonexistent", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Path of the program. */
export const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

/** Runs `args` as a process of its own. */
export async function spawn(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { code, stdout, stderr } = await command(args, env).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

class Collector {
  text = "";
  readonly #isTerminal: boolean;

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  isTerminal(): boolean {
    return this.#isTerminal;
  }

  write(bytes: Uint8Array): Promise<number> {
    // Few at a time, as a pipe may take them.
    const part = bytes.subarray(0, 1000);
    this.text += new TextDecoder().decode(part);
    return Promise.resolve(part.length);
  }
}

function toStream(input: Uint8Array | string | ReadableStream<Uint8Array>) {
  if (input instanceof ReadableStream) return input;
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  return new Blob([bytes.slice()]).stream();
}
