/**
 * One line per finished request, as JSON, off by default. A sample may stand for the whole. Lines
 * are written in batches, and dropped (counted) rather than kept without limit when nobody reads.
 *
 * `{"time":"2026-01-02T03:04:05.678Z","client":"192.0.2.7","method":"GET","host":"shop.example.com",
 * "target":"/cart?x=1","status":200,"component":"shop","instance":"maelstrom-shop-3f9a2c1b",
 * "durationMs":12.3,"waitMs":0}`
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { Tasks } from "../../lib/async/tasks.ts";

const FLUSH_EVERY_MS = 100;
const LINES_MAX = 50_000;
const TARGET_LENGTH_MAX = 1024;

/** What is told of one request. */
export interface AccessEntry {
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly target: string;
  /** 499 when the client left before it was answered. */
  readonly status: number;
  readonly component?: string;
  readonly instance?: string;
  /** From the request's head to the end of its answer, in milliseconds. */
  readonly durationMs: number;
  /** Part of it that the request waited for an instance, in milliseconds. */
  readonly waitMs: number;
  /** Names the failure in the daemon's log. */
  readonly id?: string;
}

/** How {@linkcode AccessLog} writes. */
export interface AccessLogOptions {
  /** Share of requests that are told: 0 none, 1 all. */
  readonly sample: number;
  /** Writes whole lines; resolves when they were taken. */
  readonly write: (text: string) => Promise<void>;
  readonly tasks: Tasks;
  /** From 0 to 1, for sampling. @default {Math.random} */
  readonly random?: () => number;
}

/** Tells of requests. */
export class AccessLog {
  readonly #options: AccessLogOptions;
  #lines: string[] = [];
  #dropped = 0;
  #writing = false;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Decides whether the request that begins now is told, so that one that is not costs nothing. */
  wanted(): boolean {
    const { sample, random = Math.random } = this.#options;
    return sample >= 1 || (sample > 0 && random() < sample);
  }

  /** Tells of a finished request. */
  add(entry: AccessEntry): void {
    if (this.#lines.length >= LINES_MAX) {
      this.#dropped += 1;
      return;
    }
    const target = entry.target.slice(0, TARGET_LENGTH_MAX);
    const { durationMs, waitMs } = entry;
    const times = { durationMs: tenths(durationMs), waitMs: tenths(waitMs) };
    this.#lines.push(JSON.stringify({ time: new Date(), ...entry, target, ...times }));
    if (this.#writing) return;
    this.#writing = true;
    this.#options.tasks.run("access log", (signal) => this.#flush(signal));
  }

  async #flush(signal: AbortSignal): Promise<void> {
    try {
      await pause(FLUSH_EVERY_MS, signal);
      while (this.#lines.length > 0) {
        const lines = this.#lines;
        this.#lines = [];
        if (this.#dropped > 0) lines.push(JSON.stringify({ dropped: this.#dropped }));
        this.#dropped = 0;
        await this.#options.write(`${lines.join("\n")}\n`);
      }
    } finally {
      this.#writing = false;
    }
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
