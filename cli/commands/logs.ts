/** What `maelstrom logs` does: prints what instances write, as it comes. @module */
import { pause } from "../../lib/async/pause.ts";
import { splitGlobs } from "../../lib/contract/glob.ts";
import { type LogEntry, STREAM_SILENCE_MS } from "../../lib/contract/logs.ts";
import { parseSince, SINCE_RANGE } from "../../lib/contract/since.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { RpcClient } from "../../lib/rpc/client.ts";
import { type Call, UsageError } from "../command.ts";
import { localTime } from "../local_time.ts";
import type { Output, Style } from "../output.ts";

const SINCE_DEFAULT = "10m";
const SILENCE_MS = 3 * STREAM_SILENCE_MS;
const RETRY_MS = 500;
/** A node that restarts is back by then. */
const AWAY_MS_MAX = 60_000;
const STYLES: readonly Style[] = ["cyan", "magenta", "green", "yellow", "blue"];

/** `logs`: prints the lines of the chosen components' instances. */
export async function printLogs(call: Call): Promise<void> {
  const { operands, flags, output, signal } = call;
  const components = splitGlobs([...operands, flags.text("components") ?? ""].join(","));
  const follow = flags.has("follow");
  const query = { components: components.join(","), follow, since: sinceOf(call) };
  const print = flags.has("json")
    ? (line: string) => output.text(`${line}\n`)
    : new EntryPrinter(output, flags.has("timestamps")).print;
  const client = await call.client();
  let seenAtMs = await printStream(client, query, print, signal);
  while (follow) {
    await output.hint("The node has ended the stream; waiting for it to come back");
    seenAtMs = await resume(client, query, seenAtMs, print, signal);
  }
}

interface Query {
  readonly components: string;
  readonly follow: boolean;
  readonly since: string;
}

type Print = (line: string) => Promise<void>;

/** A date is resolved here, where its zone is known; a length of time by the node's own clock. */
function sinceOf({ flags, nowMs }: Call): string {
  const text = flags.text("since") ?? SINCE_DEFAULT;
  const ms = parseSince(text, nowMs);
  if (ms === undefined) {
    const found = JSON.stringify(text);
    throw new UsageError(`Cannot read --since: must be ${SINCE_RANGE}, found ${found}`, ["logs"]);
  }
  return text.includes("-") ? new Date(ms).toISOString() : text;
}

/** Prints a stream to its end; gives the moment of that, by `performance.now()`. */
async function printStream(
  client: RpcClient,
  query: Query,
  print: Print,
  signal: AbortSignal,
): Promise<number> {
  const text = new URLSearchParams({ ...query, follow: String(query.follow) });
  const path = `/_mael/logs?${text}`;
  const lines = client.stream({ method: "GET", path, silenceMs: SILENCE_MS }, signal);
  let begun = false;
  try {
    for await (const line of lines) {
      begun = true;
      await print(line);
    }
  } catch (error) {
    // Broken off rather than ended; whoever follows goes on all the same.
    if (!begun || !query.follow || !isUnreachable(error)) throw error;
  }
  return performance.now();
}

/**
 * Prints on from where a stream ended, once the node is back.
 *
 * @throws {MaelstromError} unreachable: it does not come back within a minute
 */
async function resume(
  client: RpcClient,
  query: Query,
  endedAtMs: number,
  print: Print,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    await pause(RETRY_MS, signal);
    signal.throwIfAborted();
    const awayMs = Math.ceil(performance.now() - endedAtMs);
    try {
      return await printStream(client, { ...query, since: `${awayMs}ms` }, print, signal);
    } catch (error) {
      const isAway = isUnreachable(error) ||
        (error instanceof MaelstromError && error.code === "stopping");
      if (!isAway || awayMs > AWAY_MS_MAX) throw error;
    }
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof MaelstromError && error.code === "unreachable";
}

/** Prints entries for people: whose line it is, in a colour of the instance's own, and the line. */
class EntryPrinter {
  readonly #output: Output;
  readonly #isTimed: boolean;
  readonly #styles = new Map<string, Style>();

  constructor(output: Output, isTimed: boolean) {
    this.#output = output;
    this.#isTimed = isTimed;
  }

  readonly print = async (text: string): Promise<void> => {
    const entry = entryOf(text);
    const label = `[${entry.component}/${shortName(entry)}]`;
    const style = this.#styleOf(entry.instance);
    if ("line" in entry) {
      const time = this.#isTimed && entry.at !== undefined ? { time: localTime(entry.at) } : {};
      const line = { label, style, ...time, text: entry.line.trimEnd() };
      return await this.#output.labelled(entry.stream, line);
    }
    const said = "notice" in entry ? entry.notice : `${entry.dropped} lines dropped`;
    await this.#output.labelled("stderr", { label, style, text: `maelstrom: ${said}` });
  };

  #styleOf(instance: string): Style {
    const style = this.#styles.get(instance) ?? STYLES[this.#styles.size % STYLES.length]!;
    this.#styles.set(instance, style);
    return style;
  }
}

function entryOf(text: string): LogEntry {
  try {
    // The node is ours: its entries are trusted to have the shape the contract gives them.
    return JSON.parse(text) as LogEntry;
  } catch (cause) {
    const found = JSON.stringify(text.slice(0, 80));
    throw new MaelstromError("unreachable", `Cannot read logs: the node sent ${found}`, undefined, {
      cause,
    });
  }
}

/** What tells an instance from the others of its component: `1a2b3c4d`. */
function shortName({ component, instance }: LogEntry): string {
  const prefix = `maelstrom-${component}-`;
  return instance.startsWith(prefix) ? instance.slice(prefix.length) : instance;
}
