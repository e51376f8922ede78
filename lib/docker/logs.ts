/**
 * What a container wrote, line by line. Owns telling framed output from that of a terminal.
 *
 * Source: Docker Engine API 1.41, "Get container logs".
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { inspectContainer, pathOf, shown } from "./containers.ts";
import { FrameDecoder, LineSplitter, type OutputStream } from "./frames.ts";
import { stampedLine, StampedLines } from "./stamps.ts";
import type { EngineTransport } from "./transport.ts";

/** One line a container wrote. */
export interface LogLine {
  readonly stream: OutputStream;
  /** Without its line end; bytes that are not UTF-8 are replaced. */
  readonly line: string;
  /** When its first byte was written, in milliseconds since 1970; absent when nothing tells. */
  readonly atMs?: number;
}

/** Which lines {@linkcode containerLogs} gives. */
export interface LogOptions {
  /** Only this many of the lines that are there already; all when absent. */
  readonly tail?: number;
  /** True: go on until the container stops. */
  readonly follow?: boolean;
  /** Only lines written since then, in milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

const LINE_CHARS_MAX = 64 * 1024;

/**
 * The lines a container wrote; a line above 65,536 characters comes as several.
 *
 * @throws {MaelstromError} not_found: no such container
 * @throws {MaelstromError} engine_unavailable: the engine does not answer or broke off
 */
export async function* containerLogs(
  transport: EngineTransport,
  id: string,
  { tail, follow, sinceMs, signal }: LogOptions,
): AsyncGenerator<LogLine, void, undefined> {
  const act = `read the output of ${shown(id)}`;
  const response = await transport.open({
    method: "GET",
    path: `${pathOf(id)}/logs`,
    query: {
      stdout: true,
      stderr: true,
      tail,
      follow,
      timestamps: true,
      since: sinceMs === undefined ? undefined : (sinceMs / 1000).toFixed(3),
    },
    act,
    signal,
  });
  if (!response.body) return;
  try {
    const framed = await isFramed(transport, id, response, signal);
    yield* linesOf(response.body, framed);
  } catch (error) {
    throw transport.failure(error, act, signal);
  } finally {
    // Read to its end already, or given up: either way nothing more is wanted.
    if (!response.body.locked) await response.body.cancel().catch(() => {});
  }
}

/** Engines from API 1.42 on say so; for older ones the container's terminal decides. */
async function isFramed(
  transport: EngineTransport,
  id: string,
  response: Response,
  signal: AbortSignal,
): Promise<boolean> {
  const type = response.headers.get("content-type");
  if (type === "application/vnd.docker.multiplexed-stream") return true;
  if (type === "application/vnd.docker.raw-stream") return false;
  const container = await inspectContainer(transport, id, signal);
  if (!container) {
    throw new MaelstromError("not_found", `Cannot read the output of ${shown(id)}: it is gone`);
  }
  return !container.tty;
}

async function* linesOf(
  body: ReadableStream<Uint8Array>,
  framed: boolean,
): AsyncGenerator<LogLine, void, undefined> {
  if (!framed) {
    const lines = new LineSplitter(LINE_CHARS_MAX);
    const logLine = (text: string): LogLine => ({ stream: "stdout", ...stampedLine(text) });
    for await (const bytes of body) yield* lines.push(bytes).map(logLine);
    return yield* lines.end().map(logLine);
  }
  const frames = new FrameDecoder();
  const outputs = {
    stdout: new StampedLines(LINE_CHARS_MAX),
    stderr: new StampedLines(LINE_CHARS_MAX),
  };
  for await (const chunk of body) {
    for (const { stream, bytes, begins } of frames.push(chunk)) {
      for (const line of outputs[stream].push(bytes, begins)) yield { stream, ...line };
    }
  }
  frames.end();
  for (const stream of ["stdout", "stderr"] as const) {
    for (const line of outputs[stream].end()) yield { stream, ...line };
  }
}
