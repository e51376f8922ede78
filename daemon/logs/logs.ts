/**
 * The node's log streams: who reads, what is open, and the end of all of them when the node stops.
 * Walk: api → **logs** → log_stream → docker; members ⇒ log_stream.
 * @module
 */
import { MaelstromError } from "../../lib/errors.ts";
import type { LogRequest } from "./log_request.ts";
import { LogStream, type LogStreamContext } from "./log_stream.ts";

const STREAMS_MAX = 64;

/** Opens log streams. */
export class Logs implements AsyncDisposable {
  readonly #context: LogStreamContext;
  readonly #open = new Set<LogStream>();
  #stopped = false;

  constructor(context: LogStreamContext) {
    this.#context = context;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Begins to read what the instances of the chosen components write. Whoever opens it disposes it.
   *
   * @throws {MaelstromError} queue_full: 64 streams are open already
   * @throws {MaelstromError} stopping: the node is stopping
   */
  open(request: LogRequest): LogStream {
    if (this.#stopped) {
      throw new MaelstromError("stopping", "Cannot read logs: the node is stopping");
    }
    if (this.#open.size >= STREAMS_MAX) {
      throw new MaelstromError(
        "queue_full",
        `Cannot read logs: ${STREAMS_MAX} streams are open already`,
      );
    }
    const stream = new LogStream(this.#context, request, () => this.#open.delete(stream));
    this.#open.add(stream);
    return stream;
  }

  /** Ends every stream; resolves when nothing is read from the engine any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#open].map((stream) => stream[Symbol.asyncDispose]()));
  }
}
