/**
 * What stands between many instances that write and one reader. Owns the limit: while the reader
 * reads, writers wait for room; when it has stopped reading, lines are counted instead of kept, and
 * the reader is told how many. Knows nothing of Docker or HTTP.
 * @module
 */
import type { LogEntry, LogGap, LogRecord, LogSource } from "../../lib/contract/logs.ts";

/** Each entry counts this much besides its text. */
const ENTRY_CHARS = 100;

/** How much {@linkcode LogBuffer} keeps. */
export interface LogBufferOptions {
  /** Most text that waits for the reader, in characters; a single line may be longer. */
  readonly charsMax: number;
  /**
   * Pause of the reader after which lines are dropped rather than waited with, in milliseconds;
   * Infinity never drops.
   */
  readonly stallMs: number;
  /** Clock in milliseconds; only differences count. */
  readonly now: () => number;
}

/** Entries on their way to one reader. */
export class LogBuffer {
  readonly #options: LogBufferOptions;
  #entries: LogEntry[] = [];
  #chars = 0;
  /** Lines dropped since the instance's last entry, by its name. */
  readonly #gaps = new Map<string, LogGap>();
  #takenAtMs: number;
  #ended = false;
  readonly #writers = new Set<() => void>();
  readonly #readers = new Set<() => void>();

  constructor(options: LogBufferOptions) {
    this.#options = options;
    this.#takenAtMs = options.now();
  }

  /** Text that waits for the reader, in characters. */
  get chars(): number {
    return this.#chars;
  }

  /** Adds an entry: at once, when there is room again, or as one more in a gap. */
  async push(entry: LogEntry, signal: AbortSignal): Promise<void> {
    const { charsMax, stallMs, now } = this.#options;
    while (this.#chars >= charsMax && !this.#ended) {
      if (signal.aborted) return;
      const leftMs = this.#takenAtMs + stallMs - now();
      if (leftMs <= 0) return this.#drop(entry);
      await woken(this.#writers, leftMs, signal);
    }
    if (this.#ended) return;
    const gap = this.#gaps.get(entry.instance);
    if (gap) {
      this.#gaps.delete(entry.instance);
      this.#add(gap);
    }
    this.#add(entry);
    // A reader that waited for this has not stopped reading.
    if (this.#readers.size > 0) this.#takenAtMs = this.#options.now();
    wake(this.#readers);
  }

  /** No more entries will come; what is kept can still be taken. */
  end(): void {
    this.#ended = true;
    wake(this.#writers);
    wake(this.#readers);
  }

  /**
   * The next entries, at most about `charsMax` characters of them. Waits at most `waitMs` for the
   * first; none means that nothing came, `undefined` that nothing will.
   */
  async take(
    charsMax: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<LogEntry[] | undefined> {
    this.#takenAtMs = this.#options.now();
    if (this.#isEmpty && !this.#ended) await woken(this.#readers, waitMs, signal);
    this.#takenAtMs = this.#options.now();
    if (this.#isEmpty) return this.#ended || signal.aborted ? undefined : [];
    const taken: LogEntry[] = [];
    let chars = 0;
    while (taken.length < this.#entries.length && chars < charsMax) {
      const entry = this.#entries[taken.length]!;
      chars += charsOf(entry);
      taken.push(entry);
    }
    this.#entries = this.#entries.slice(taken.length);
    this.#chars -= chars;
    if (this.#entries.length === 0) {
      taken.push(...this.#gaps.values());
      this.#gaps.clear();
    }
    wake(this.#writers);
    return taken;
  }

  get #isEmpty(): boolean {
    return this.#entries.length === 0 && this.#gaps.size === 0;
  }

  #add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#chars += charsOf(entry);
  }

  #drop(entry: LogEntry): void {
    const { node, component, instance, version }: LogSource = entry;
    const lines = "dropped" in entry ? entry.dropped : 1;
    const dropped = (this.#gaps.get(instance)?.dropped ?? 0) + lines;
    this.#gaps.set(instance, { node, component, instance, version, dropped });
  }
}

function charsOf(entry: LogEntry): number {
  return ENTRY_CHARS + ((entry as Partial<LogRecord>).line?.length ?? 0);
}

function wake(sleepers: Set<() => void>): void {
  for (const done of [...sleepers]) done();
}

/** Resolves when woken, after `ms` milliseconds, or when `signal` aborts. */
function woken(sleepers: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      sleepers.delete(done);
      resolve();
    };
    // First of all: a program's first timer lets others run before setTimeout returns.
    sleepers.add(done);
    if (ms !== Infinity) timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (!sleepers.has(done)) done();
  });
}
