/**
 * The output of many instances as one stream for one reader. Learns of instances from the members,
 * so it goes on across restarts and new versions; one engine stream per instance, ended with the
 * reader. Walk: logs → **log_stream** → docker ⇒ log_buffer.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { Tasks } from "../../lib/async/tasks.ts";
import { matchesAny } from "../../lib/contract/glob.ts";
import type { LogEntry, LogSource } from "../../lib/contract/logs.ts";
import type { DockerClient } from "../../lib/docker/client.ts";
import { isAbort, MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { InstanceFact, Members } from "../cluster/members.ts";
import { LogBuffer } from "./log_buffer.ts";
import type { LogRequest } from "./log_request.ts";
import { type LogPeers, readPeer } from "./peer_logs.ts";

const BUFFER_CHARS_MAX = 1024 * 1024;
const TAKE_CHARS_MAX = 64 * 1024;
const STALL_MS = 5_000;
/** An instance is known before the engine has its container: how often to ask for it. */
const ABSENT_RETRY_MS = 100;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 2_000;

/** What every stream of a node shares. */
export interface LogStreamContext {
  readonly docker: Pick<DockerClient, "containerLogs">;
  readonly members: Pick<Members, "list" | "get" | "subscribe">;
  readonly nodeId: string;
  /** The other nodes; none when this one is alone. */
  readonly peers?: LogPeers;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** Text that waits for a slow reader, in characters. @default {1048576} */
  readonly bufferCharsMax?: number;
  /** Pause of a following reader after which lines are dropped. @default {5000} */
  readonly stallMs?: number;
}

/** One reader's stream. */
export class LogStream implements AsyncDisposable {
  readonly #context: LogStreamContext;
  readonly #request: LogRequest;
  readonly #buffer: LogBuffer;
  readonly #tasks: Tasks;
  readonly #reading = new Set<string>();
  readonly #unsubscribe: () => void;
  readonly #unfollow: () => void;
  readonly #ended: () => void;

  constructor(context: LogStreamContext, request: LogRequest, ended: () => void) {
    const { bufferCharsMax = BUFFER_CHARS_MAX, stallMs = STALL_MS, members, log } = context;
    this.#context = context;
    this.#request = request;
    this.#ended = ended;
    this.#tasks = new Tasks(log);
    this.#buffer = new LogBuffer({
      charsMax: bufferCharsMax,
      // Of what is there already nothing is lost by waiting.
      stallMs: request.follow ? stallMs : Infinity,
      now: () => performance.now(),
    });
    this.#unsubscribe = request.follow
      ? members.subscribe((_id, fact) => fact && this.#read(fact))
      : () => {};
    for (const fact of members.list()) this.#read(fact);
    this.#unfollow = this.#readPeers();
    this.#endIfDone();
  }

  /**
   * The next entries; waits at most `waitMs` for them. None means that nothing was written,
   * `undefined` that the stream has ended.
   */
  take(waitMs: number): Promise<LogEntry[] | undefined> {
    return this.#buffer.take(TAKE_CHARS_MAX, waitMs, this.#tasks.signal);
  }

  /** Resolves when nothing is read from the engine any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#unfollow();
    this.#buffer.end();
    await this.#tasks[Symbol.asyncDispose]();
    this.#ended();
  }

  #readPeers(): () => void {
    const { peers } = this.#context;
    if (!peers || this.#request.nodes === "one") return () => {};
    for (const nodeId of peers.list()) this.#readPeer(peers, nodeId);
    return this.#request.follow ? peers.subscribe((id) => this.#readPeer(peers, id)) : () => {};
  }

  #readPeer(peers: LogPeers, nodeId: string): void {
    const key = `node ${nodeId}`;
    if (this.#reading.has(key)) return;
    this.#reading.add(key);
    this.#tasks.run(`logs of ${nodeId}`, async (signal) => {
      try {
        await this.#readPeerUntilGone(peers, nodeId, signal);
      } finally {
        this.#reading.delete(key);
        this.#endIfDone();
      }
    });
  }

  /** Reads a peer's stream as long as it is in, whatever ends the stream. */
  async #readPeerUntilGone(peers: LogPeers, nodeId: string, signal: AbortSignal): Promise<void> {
    const source: LogSource = { node: nodeId, component: "", instance: nodeId, version: 0 };
    let request = this.#request;
    let told = "";
    do {
      try {
        for await (const entry of readPeer(peers, nodeId, request, signal)) {
          request = { ...request, sinceMs: this.#context.now() + 1 };
          await this.#buffer.push(entry, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        const notice = `${messageOf(error)}; lines may be missing`;
        if (notice !== told) await this.#buffer.push({ ...source, notice: told = notice }, signal);
      }
      if (!request.follow) return;
      await pause(RETRY_MS_MIN, signal);
    } while (!signal.aborted && peers.list().includes(nodeId));
  }

  #read(fact: InstanceFact): void {
    const { id, component, version } = fact;
    if (this.#reading.has(id) || !matchesAny(this.#request.globs, component)) return;
    this.#reading.add(id);
    const source: LogSource = { node: this.#context.nodeId, component, instance: id, version };
    this.#tasks.run(`logs of ${id}`, async (signal) => {
      try {
        await this.#readUntilGone(source, signal);
      } finally {
        this.#reading.delete(id);
        this.#endIfDone();
      }
    });
  }

  /** Without follow, the stream ends with what was there. */
  #endIfDone(): void {
    if (!this.#request.follow && this.#reading.size === 0) this.#buffer.end();
  }

  /** Reads an instance's output as long as it is a member, whatever ends the engine's stream. */
  async #readUntilGone(source: LogSource, signal: AbortSignal): Promise<void> {
    const { members } = this.#context;
    let sinceMs = this.#request.sinceMs;
    let retryMs = RETRY_MS_MIN;
    let told = "";
    do {
      const end = await this.#readOnce(source, sinceMs, signal);
      if (signal.aborted) return;
      if (end.lastAtMs !== undefined) {
        sinceMs = end.lastAtMs + 1;
        retryMs = RETRY_MS_MIN;
      }
      if (end.fault && end.fault !== told) {
        await this.#buffer.push({ ...source, notice: told = end.fault }, signal);
      }
      if (end.kind === "unreadable" || !this.#request.follow) return;
      await pause(end.kind === "absent" ? ABSENT_RETRY_MS : retryMs, signal);
      if (end.kind !== "absent") retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
    } while (!signal.aborted && members.get(source.instance));
  }

  async #readOnce(source: LogSource, sinceMs: number, signal: AbortSignal): Promise<ReadEnd> {
    const { docker, now } = this.#context;
    const { follow } = this.#request;
    let lastAtMs: number | undefined;
    try {
      for await (
        const { stream, line, atMs } of docker.containerLogs(source.instance, {
          follow,
          sinceMs,
          signal,
        })
      ) {
        lastAtMs = atMs ?? now();
        const at = atMs === undefined ? {} : { at: atMs };
        await this.#buffer.push({ ...source, ...at, stream, line }, signal);
      }
      return { kind: "ended", lastAtMs };
    } catch (error) {
      if (signal.aborted || isAbort(error)) return { kind: "ended", lastAtMs };
      return { ...endOf(error), lastAtMs };
    }
  }
}

/** How the engine's stream of an instance ended. */
interface ReadEnd {
  /** `absent`: no such container; `unreadable`: it never will be otherwise; else worth a retry. */
  readonly kind: "ended" | "absent" | "unreadable" | "broken";
  /** When the last line was written, in milliseconds since 1970. */
  readonly lastAtMs: number | undefined;
  /** What the reader should be told. */
  readonly fault?: string;
}

function endOf(error: unknown): Omit<ReadEnd, "lastAtMs"> {
  if (error instanceof MaelstromError && error.code === "not_found") return { kind: "absent" };
  // The engine did answer, so asking again changes nothing: a driver that cannot be read.
  const answered = error instanceof MaelstromError && error.detail?.status !== undefined;
  return answered
    ? { kind: "unreadable", fault: messageOf(error) }
    : { kind: "broken", fault: `${messageOf(error)}; lines may be missing` };
}
