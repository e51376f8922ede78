/** Runs wrk and reads what it prints. @module */
import { outputOf } from "./process.ts";

/** One run of wrk. */
export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** A Lua script, for requests that are no plain GET. */
  readonly script?: string;
  readonly signal: AbortSignal;
}

/** What wrk saw. */
export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Answers, heads included. */
  readonly bytesRead: number;
  /** Broken connections, time-outs, and answers that are not 2xx or 3xx. */
  readonly errors: number;
}

/**
 * Runs wrk with one thread.
 *
 * @throws {Error} wrk failed, or printed something else
 */
export async function runWrk(options: WrkOptions): Promise<WrkResult> {
  const { url, connections, seconds, script, signal } = options;
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "20s"];
  if (script) args.push("-s", script);
  return parseWrk(await outputOf("wrk", [...args, url], signal));
}

/**
 * Reads the summary that wrk prints.
 *
 * @throws {Error} the text is none
 */
export function parseWrk(text: string): WrkResult {
  const total = /(\d+) requests in ([\d.]+)(ms|s|m), ([\d.]+)([KMGT]?)B read/.exec(text);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text);
  if (!total || !rate) throw new Error(`Cannot read wrk's output: ${text}`);
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const status = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const errors = (sockets?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), status);
  return {
    requests: Number(total[1]),
    seconds: Number(total[2]) * ({ ms: 0.001, s: 1, m: 60 }[total[3]!] ?? 1),
    requestsPerSecond: Number(rate[1]),
    bytesRead: Number(total[4]) * 1024 ** " KMGT".indexOf(total[5] || " "),
    errors,
  };
}
