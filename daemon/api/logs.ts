/**
 * `GET /_mael/logs`: what instances write, as one HTTP stream. Owns the two forms of its lines and
 * the signs of life between them. With `follow` in the query it speaks NDJSON; without, as the
 * ancestor did, for its clients: lines that end in CR LF, `PING` each second, without end.
 * @module
 */
import { isLiteral, splitGlobs } from "../../lib/contract/glob.ts";
import { type LogEntry, STREAM_SILENCE_MS } from "../../lib/contract/logs.ts";
import { nearest } from "../../lib/contract/nearest.ts";
import { parseSince, SINCE_RANGE } from "../../lib/contract/since.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { LogStream } from "../logs/log_stream.ts";
import type { Logs } from "../logs/logs.ts";
import type { Endpoint } from "./api.ts";
import { isTrue } from "./query.ts";

const PING_EVERY_MS = 1_000;

/** What the endpoint needs. */
export interface LogsEndpointOptions {
  readonly logs: Logs;
  /** Names of the components there are. */
  readonly names: () => readonly string[];
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** A way to write entries. */
interface Form {
  readonly contentType: string;
  /** Longest silence, in milliseconds, after which {@linkcode Form.alive} is sent. */
  readonly aliveEveryMs: number;
  readonly alive: string;
  readonly write: (entry: LogEntry) => string;
}

const NDJSON: Form = {
  contentType: "application/x-ndjson",
  aliveEveryMs: STREAM_SILENCE_MS,
  alive: "\n",
  write: (entry) => `${JSON.stringify(entry)}\n`,
};

const ANCESTOR: Form = {
  contentType: "text/plain; charset=utf-8",
  aliveEveryMs: PING_EVERY_MS,
  alive: "PING\r\n",
  write: (entry) => `${JSON.stringify(ancestorEntry(entry))}\r\n`,
};

/** The endpoint over `logs`. */
export function logsEndpoint(options: LogsEndpointOptions): Endpoint {
  return {
    method: "GET",
    answer(request) {
      const query = new URL(request.url).searchParams;
      const globs = splitGlobs(query.get("components") ?? "");
      const ours = query.has("follow");
      const sinceMs = sinceOf(query, options.now());
      if (ours) checkNames(globs, options.names());
      const follow = !ours || isTrue(query, "follow");
      const nodes = query.get("nodes") === "one" ? "one" : "all";
      const stream = options.logs.open({ globs, sinceMs, follow, nodes });
      return Promise.resolve(streamed(stream, ours ? NDJSON : ANCESTOR));
    },
  };
}

function sinceOf(query: URLSearchParams, nowMs: number): number {
  const text = query.get("since") || "1m";
  const sinceMs = parseSince(text, nowMs);
  if (sinceMs !== undefined) return sinceMs;
  const found = JSON.stringify(text);
  throw new MaelstromError("invalid", `Cannot read since: must be ${SINCE_RANGE}, found ${found}`);
}

/** A name that nothing has is more likely a slip than a component to come. */
function checkNames(globs: readonly string[], names: readonly string[]): void {
  for (const glob of globs) {
    if (!isLiteral(glob) || names.includes(glob)) continue;
    const guess = nearest(glob, names);
    const hint = guess ? `, did you mean "${guess}"?` : "";
    throw new MaelstromError("not_found", `Cannot read logs: no component "${glob}"${hint}`);
  }
}

/** Entries are taken only when the reader asks, so what it does not read is kept nowhere here. */
function streamed(stream: LogStream, form: Form): Response {
  const encoder = new TextEncoder();
  let aliveAtMs = performance.now();
  let left = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const dueMs = aliveAtMs + form.aliveEveryMs;
      const entries = await stream.take(Math.max(0, dueMs - performance.now()));
      if (left) return;
      if (entries === undefined) {
        await stream[Symbol.asyncDispose]();
        return controller.close();
      }
      let text = entries.map(form.write).join("");
      if (text === "" || performance.now() >= dueMs) {
        aliveAtMs = performance.now();
        text += form.alive;
      }
      controller.enqueue(encoder.encode(text));
    },
    async cancel() {
      left = true;
      await stream[Symbol.asyncDispose]();
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: { "content-type": form.contentType, "cache-control": "no-store" },
  });
}

/** The ancestor's names; what is not a line of the instance's is shown as one of ours. */
function ancestorEntry(entry: LogEntry) {
  const Component = entry.component;
  if ("line" in entry) return { Component, Stream: entry.stream, Data: entry.line };
  const said = "notice" in entry ? entry.notice : `${entry.dropped} lines dropped`;
  return { Component, Stream: "stderr", Data: `maelstrom: ${said}` };
}
