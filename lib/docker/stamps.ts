/**
 * Lines and the times that the engine writes before them. A long line is several messages of the
 * engine, each with a time of its own before it. Pure: bytes in, values out.
 *
 * Source: Docker Engine API 1.41, "Get container logs", timestamps.
 * @module
 */
import { LineSplitter } from "./frames.ts";

/** A line, and when its first byte was written, in milliseconds since 1970, if that was told. */
export interface StampedLine {
  readonly line: string;
  readonly atMs?: number;
}

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)) /;
const STAMP_PART = /^[\dT:.Z+-]{0,40}$/;
const SPACE = 0x20;

/** Cuts the messages of one output into lines. */
export class StampedLines {
  readonly #lines: LineSplitter;
  readonly #decoder = new TextDecoder();
  /** The begin of a message, while it may still become a time. */
  #head: Uint8Array | undefined;
  #atMs: number | undefined;
  /** When the line that is not complete yet began. */
  #begunMs: number | undefined;

  /** A line longer than `lineCharsMax` UTF-16 units comes as several lines. */
  constructor(lineCharsMax: number) {
    this.#lines = new LineSplitter(lineCharsMax);
  }

  /** The lines that `bytes` completes; `begins` says that they are the begin of a message. */
  push(bytes: Uint8Array, begins: boolean): StampedLine[] {
    const before = begins ? this.#text(this.#head) : [];
    if (begins) this.#head = new Uint8Array();
    if (!this.#head) return this.#text(bytes);
    const end = bytes.indexOf(SPACE) + 1;
    const head = joined(this.#head, end > 0 ? bytes.subarray(0, end) : bytes);
    const text = this.#decoder.decode(head);
    const stamp = STAMP.exec(text)?.[1];
    if (end === 0 && STAMP_PART.test(text)) {
      this.#head = head;
      return before;
    }
    this.#head = undefined;
    this.#atMs = stamp === undefined ? undefined : Date.parse(stamp);
    const rest = end > 0 ? bytes.subarray(end) : new Uint8Array();
    return [...before, ...this.#text(stamp === undefined ? joined(head, rest) : rest)];
  }

  /** What followed the last line end, if anything did. */
  end(): StampedLine[] {
    const lines = this.#text(this.#head);
    return [...lines, ...this.#stamped(this.#lines.end())];
  }

  #text(bytes: Uint8Array | undefined): StampedLine[] {
    if (!bytes || bytes.length === 0) return [];
    if (this.#lines.isEmpty) this.#begunMs = this.#atMs;
    return this.#stamped(this.#lines.push(bytes));
  }

  #stamped(lines: readonly string[]): StampedLine[] {
    return lines.map((line) => {
      const atMs = this.#begunMs;
      this.#begunMs = this.#atMs;
      return atMs === undefined ? { line } : { line, atMs };
    });
  }
}

/** A line of an output that is not in frames, with the time before it taken apart. */
export function stampedLine(text: string): StampedLine {
  const stamp = STAMP.exec(text)?.[1];
  if (stamp === undefined) return { line: text };
  return { line: text.slice(stamp.length + 1), atMs: Date.parse(stamp) };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
