/** Members, and an engine whose containers write what a test lets them. @module */
import type { InstanceFact } from "../../daemon/cluster/members.ts";
import type { LogStreamContext } from "../../daemon/logs/log_stream.ts";
import type { LogLine, LogOptions } from "../../lib/docker/client.ts";
import { MaelstromError } from "../../lib/errors.ts";

/** A serving instance of `component`. */
export function fact(id: string, component: string, version = 1): InstanceFact {
  return {
    id,
    component,
    version,
    uid: "u",
    status: "active",
    admits: 1,
    maxConcurrency: 1,
    reserveMemoryMiB: 1,
    sinceMs: 0,
  };
}

/** One container's output, as the engine has it. */
export class ScriptedContainer {
  readonly #lines: LogLine[] = [];
  readonly #waiting = new Set<() => void>();
  #ended = false;
  #broken: Error | undefined;

  /** Writes a line. */
  write(line: string, stream: LogLine["stream"] = "stdout"): void {
    this.#lines.push({ stream, line });
    this.#wake();
  }

  /** The process ends. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The engine's stream breaks, once. */
  break(error: Error): void {
    this.#broken = error;
    this.#wake();
  }

  async *read(from: number, follow: boolean, signal: AbortSignal): AsyncGenerator<LogLine> {
    for (let at = from;;) {
      signal.throwIfAborted();
      const broken = this.#broken;
      this.#broken = undefined;
      if (broken) throw broken;
      if (at < this.#lines.length) {
        yield this.#lines[at++]!;
      } else if (this.#ended || !follow) {
        return;
      } else {
        await this.#changed(signal);
      }
    }
  }

  get length(): number {
    return this.#lines.length;
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      signal.addEventListener("abort", done);
      this.#waiting.add(done);
    });
  }
}

/** An engine with scripted containers. */
export class ScriptedEngine implements Pick<LogStreamContext["docker"], "containerLogs"> {
  readonly #containers = new Map<string, ScriptedContainer>();
  /** Lines given per container, so that a stream opened again goes on behind them. */
  readonly #given = new Map<string, number>();
  /** Streams that are open now. */
  open = 0;
  /** What each stream was asked for. */
  readonly asked: LogOptions[] = [];

  /** The container `id`, made if need be. */
  container(id: string): ScriptedContainer {
    const container = this.#containers.get(id) ?? new ScriptedContainer();
    this.#containers.set(id, container);
    return container;
  }

  /** As the client of a real engine. */
  async *containerLogs(id: string, options: LogOptions): AsyncGenerator<LogLine> {
    this.asked.push(options);
    const container = this.#containers.get(id);
    if (!container) throw new MaelstromError("not_found", `Cannot read "${id}": no such container`);
    this.open += 1;
    try {
      const from = this.#given.get(id) ?? 0;
      for await (const line of container.read(from, options.follow ?? false, options.signal)) {
        if (options.follow) this.#given.set(id, (this.#given.get(id) ?? 0) + 1);
        yield line;
      }
    } finally {
      this.open -= 1;
    }
  }
}
