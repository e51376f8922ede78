/**
 * A component's own way to get its image: a command on this machine, without a shell. Owns its
 * process, its time limit and its output; knows nothing of when it runs.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { withDeadline } from "../../lib/async/deadline.ts";
import type { DockerComponent } from "../../lib/contract/v1.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { Redactor } from "../../lib/secrets/redactor.ts";

const LIMIT_MS = 15 * 60_000;
/** Between SIGTERM and SIGKILL, in milliseconds. */
const GRACE_MS = 2000;
/** What the command started may keep its output open; that is not waited for longer, in milliseconds. */
const OUTPUT_GRACE_MS = 1000;
const LINE_CHARS_MAX = 4096;
const LINES_LOGGED_MAX = 1000;

/** How {@linkcode runPullCommand} runs. */
export interface PullCommandOptions {
  readonly docker: Pick<DockerComponent, "image" | "pullUsername" | "pullPassword">;
  /** Told of each line that the command writes. */
  readonly log: Log;
  /** Longest run, in milliseconds. @default {900_000} */
  readonly limitMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Runs `command` with each `<image>` in it replaced, and with the registry's user in its environment
 * as `MAELSTROM_PULL_USERNAME` and `MAELSTROM_PULL_PASSWORD`. The settings of the daemon, which may
 * be secret, are not in there.
 *
 * @throws {MaelstromError} start_failed: it cannot be run, or did not end with 0
 * @throws {MaelstromError} timeout: no end within the limit
 */
export async function runPullCommand(
  command: readonly string[],
  { docker, log, limitMs = LIMIT_MS, signal }: PullCommandOptions,
): Promise<void> {
  const { image, pullUsername, pullPassword } = docker;
  const [program = "", ...args] = command.map((word) => word.replaceAll("<image>", image));
  const act = `pull image "${image}" with pullCommand "${program}"`;
  signal.throwIfAborted();
  const process = spawn(program, args, act, {
    ...(pullUsername ? { MAELSTROM_PULL_USERNAME: pullUsername } : {}),
    ...(pullPassword ? { MAELSTROM_PULL_PASSWORD: pullPassword } : {}),
  });
  const redactor = new Redactor(pullPassword ? [pullPassword] : []);
  const output = new CommandOutput((line) =>
    log.info("pull command says", { image, line: redactor.redact(line) })
  );
  const reading = Promise.all([output.read(process.stdout), output.read(process.stderr)]);
  const { code } = await withDeadline(
    limitMs,
    signal,
    (ended) => endOf(process, ended),
    () => new MaelstromError("timeout", `Cannot ${act}: no end within ${limitMs / 1000} s`),
  ).finally(async () => {
    const read = new AbortController();
    await Promise.race([reading, pause(OUTPUT_GRACE_MS, read.signal)]);
    read.abort();
    output.close();
    await reading;
  });
  if (code === 0) return;
  const said = output.last === "" ? "" : `, last line: ${redactor.redact(output.last)}`;
  throw new MaelstromError("start_failed", `Cannot ${act}: exit code ${code}${said}`, { code });
}

function spawn(
  program: string,
  args: string[],
  act: string,
  credentials: Readonly<Record<string, string>>,
): Deno.ChildProcess {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("MAEL_"));
  try {
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...Object.fromEntries(inherited), ...credentials },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    const message = `Cannot ${act}: ${messageOf(cause)}`;
    throw new MaelstromError("start_failed", message, undefined, { cause });
  }
}

/** Ends the process, gently at first, when `signal` aborts. Rejects only after it has ended. */
async function endOf(process: Deno.ChildProcess, signal: AbortSignal): Promise<Deno.CommandStatus> {
  let kill: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    send(process, "SIGTERM");
    kill = setTimeout(() => send(process, "SIGKILL"), GRACE_MS);
  };
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    const status = await process.status;
    signal.throwIfAborted();
    return status;
  } finally {
    clearTimeout(kill);
    signal.removeEventListener("abort", end);
  }
}

function send(process: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    process.kill(name);
  } catch {
    // It has ended already.
  }
}

/** The lines of a command, as they come, at most so many and so long. */
class CommandOutput {
  readonly #say: (line: string) => void;
  readonly #readers: ReadableStreamDefaultReader<string>[] = [];
  #said = 0;
  /** The last line that was not empty. */
  last = "";

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  async read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    this.#readers.push(reader);
    let rest = "";
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      // A carriage return draws a progress bar over itself: each state is a line.
      const lines = (rest + next.value).split(/[\r\n]+/);
      rest = lines.pop()?.slice(0, LINE_CHARS_MAX) ?? "";
      for (const line of lines) this.#take(line);
    }
    this.#take(rest);
  }

  /** Ends what is still being read. */
  close(): void {
    for (const reader of this.#readers) reader.cancel().catch(() => {});
  }

  #take(text: string): void {
    const line = text.slice(0, LINE_CHARS_MAX).trimEnd();
    if (line === "") return;
    this.last = line;
    this.#said += 1;
    if (this.#said <= LINES_LOGGED_MAX) this.#say(line);
    if (this.#said === LINES_LOGGED_MAX) this.#say("(more is not logged)");
  }
}
