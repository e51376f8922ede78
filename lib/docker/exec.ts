/**
 * Commands inside a running container. Owns the one conversation that leaves HTTP: after the
 * engine's 101 both sides write bytes until each closes its half.
 *
 * Source: Docker Engine API 1.41, "Exec"; "Attach to a container", hijacking.
 * @module
 */
import { withDeadline } from "../async/deadline.ts";
import { MaelstromError } from "../errors.ts";
import { pathOf, shown } from "./containers.ts";
import { FrameDecoder } from "./frames.ts";
import { engineError, type EngineTransport } from "./transport.ts";

/** How {@linkcode execInContainer} runs a command. */
export interface ExecOptions {
  /**
   * Written to the command, then its input is closed. Above some 100 KiB the engine waits for the
   * command to read it all, even when the command has ended: then only the time limit helps.
   */
  readonly stdin?: string | Uint8Array;
  /** Longest run, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How a command ended. */
export interface ExecResult {
  readonly exitCode: number;
  /** At most the first MiB, as UTF-8. */
  readonly stdout: string;
  /** At most the first MiB, as UTF-8. */
  readonly stderr: string;
}

const OUTPUT_BYTES_MAX = 1024 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;
/** How writing fails when the other side, or our own reading, has ended. */
const { BrokenPipe, ConnectionReset, NotConnected, BadResource, Interrupted } = Deno.errors;
const ENDED = [BrokenPipe, ConnectionReset, NotConnected, BadResource, Interrupted];

/**
 * Runs `command` in a container and gives what it wrote. When the time is up we stop listening; the
 * engine has no way to end the command itself.
 *
 * @throws {MaelstromError} not_found: no such container
 * @throws {MaelstromError} invalid: the container does not run
 * @throws {MaelstromError} timeout: no end within `timeoutMs`
 * @throws {MaelstromError} engine_unavailable: the engine does not answer or broke off
 */
export async function execInContainer(
  transport: EngineTransport,
  id: string,
  command: readonly string[],
  { stdin, timeoutMs, signal }: ExecOptions,
): Promise<ExecResult> {
  const act = `run "${command[0] ?? ""}" in ${shown(id)}`;
  const { body } = await transport.call({
    method: "POST",
    path: `${pathOf(id)}/exec`,
    body: {
      AttachStdin: stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
    },
    act,
    signal,
  });
  const execId = (body as { Id: string }).Id;
  const output = await withDeadline(
    timeoutMs,
    signal,
    (ended) => converse(transport, execId, act, stdin, ended),
    () => new MaelstromError("timeout", `Cannot ${act}: no end within ${timeoutMs} ms`),
  );
  const { body: end } = await transport.call({
    method: "GET",
    path: `/exec/${execId}/json`,
    act,
    signal,
  });
  return { exitCode: (end as { ExitCode: number | null }).ExitCode ?? -1, ...output };
}

async function converse(
  transport: EngineTransport,
  execId: string,
  act: string,
  stdin: string | Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Omit<ExecResult, "exitCode">> {
  const path = await transport.versioned(`/exec/${execId}/start`, signal);
  const connection = await transport.dial(act, signal);
  // Closing is what wakes a pending read; twice is once.
  const close = () => closeQuietly(connection);
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    await writeAll(connection, startRequest(path));
    const rest = await readHead(connection, act);
    const [output] = await Promise.all([
      // The end of the output is the end of the command: what it has not read by then, it never will.
      readOutput(connection, rest).finally(close),
      stdin === undefined ? undefined : sendInput(connection, stdin),
    ]);
    return output;
  } catch (error) {
    throw transport.failure(error, act, signal);
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

function startRequest(path: string): Uint8Array {
  const body = JSON.stringify({ Detach: false, Tty: false });
  return new TextEncoder().encode(
    `POST ${path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n${body}`,
  );
}

/** Reads up to the end of the engine's 101; gives the bytes that came after it. */
async function readHead(connection: Deno.Conn, act: string): Promise<Uint8Array> {
  let received = new Uint8Array();
  for await (const chunk of chunksOf(connection)) {
    received = joined(received, chunk);
    const text = new TextDecoder("latin1").decode(received);
    const end = text.indexOf("\r\n\r\n");
    if (end < 0 && received.length <= HEAD_BYTES_MAX) continue;
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
    if (status === 101 && end >= 0) return received.subarray(end + 4);
    throw engineError(status, end < 0 ? "" : text.slice(end + 4), act);
  }
  throw new MaelstromError("engine_unavailable", `Cannot ${act}: the engine broke off`);
}

async function readOutput(
  connection: Deno.Conn,
  rest: Uint8Array,
): Promise<Omit<ExecResult, "exitCode">> {
  const frames = new FrameDecoder();
  const kept = { stdout: new BoundedText(), stderr: new BoundedText() };
  const take = (chunk: Uint8Array) => {
    for (const { stream, bytes } of frames.push(chunk)) kept[stream].push(bytes);
  };
  take(rest);
  for await (const chunk of chunksOf(connection)) take(chunk);
  frames.end();
  return { stdout: kept.stdout.text(), stderr: kept.stderr.text() };
}

/** A command may end without reading its input; that is its choice, not a failure. */
async function sendInput(connection: Deno.Conn, stdin: string | Uint8Array): Promise<void> {
  try {
    await writeAll(connection, typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin);
    await connection.closeWrite();
  } catch (error) {
    if (!ENDED.some((kind) => error instanceof kind)) throw error;
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await connection.write(bytes.subarray(at));
}

/** Bytes as they arrive; each piece is only good until the next one is asked for. */
async function* chunksOf(connection: Deno.Conn): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(32 * 1024);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Keeps the beginning, lets go of the rest. */
class BoundedText {
  readonly #decoder = new TextDecoder();
  #text = "";
  #left = OUTPUT_BYTES_MAX;

  push(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, this.#left);
    this.#left -= kept.length;
    this.#text += this.#decoder.decode(kept, { stream: true });
  }

  text(): string {
    return this.#text + this.#decoder.decode();
  }
}
