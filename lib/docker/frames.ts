/**
 * The engine's stream formats, decoded from pieces of any size: 8-byte frames that mix a container's
 * two outputs, lines of text, and JSON lines. Pure: bytes in, values out.
 *
 * Source: Docker Engine API 1.41, "Attach to a container", stream format.
 * @module
 */
import { MaelstromError } from "../errors.ts";

/** Which output of a container something was written to. */
export type OutputStream = "stdout" | "stderr";

/** A piece of output; a frame larger than one network read comes as several pieces. */
export interface OutputPiece {
  readonly stream: OutputStream;
  readonly bytes: Uint8Array;
  /** True for the first piece of a frame. */
  readonly begins: boolean;
}

const HEADER_BYTES = 8;
/** Stream types: 0 stdin (echoed by some drivers), 1 stdout, 2 stderr, 3 the engine's own errors. */
const STREAMS: readonly OutputStream[] = ["stdout", "stdout", "stderr", "stderr"];

/** Takes apart the frames of a container without a terminal. Keeps no more than one header. */
export class FrameDecoder {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #stream: OutputStream = "stdout";
  #left = 0;
  #begins = true;

  /**
   * The output in `chunk`, which continues where the last one ended.
   *
   * @throws {MaelstromError} engine_unavailable: the bytes are not frames
   */
  push(chunk: Uint8Array): OutputPiece[] {
    const pieces: OutputPiece[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const bytes = chunk.subarray(at, at + this.#left);
        pieces.push({ stream: this.#stream, bytes, begins: this.#begins });
        this.#begins = false;
        this.#left -= bytes.length;
        at += bytes.length;
        continue;
      }
      const part = chunk.subarray(at, at + HEADER_BYTES - this.#headerFilled);
      this.#header.set(part, this.#headerFilled);
      this.#headerFilled += part.length;
      at += part.length;
      if (this.#headerFilled === HEADER_BYTES) this.#readHeader();
    }
    return pieces;
  }

  /**
   * Declares the end of the bytes.
   *
   * @throws {MaelstromError} engine_unavailable: they end inside a frame
   */
  end(): void {
    if (this.#left === 0 && this.#headerFilled === 0) return;
    throw new MaelstromError("engine_unavailable", "Cannot read output: it ends inside a frame");
  }

  #readHeader(): void {
    const [type = 0, ...padding] = this.#header.subarray(0, 4);
    const stream = STREAMS[type];
    if (!stream || padding.some((byte) => byte !== 0)) {
      const found = Array.from(this.#header.subarray(0, 4)).join(" ");
      throw new MaelstromError(
        "engine_unavailable",
        `Cannot read output: a frame begins with the bytes ${found}`,
      );
    }
    this.#stream = stream;
    this.#left = new DataView(this.#header.buffer).getUint32(4);
    this.#headerFilled = 0;
    this.#begins = true;
  }
}

/** Cuts bytes into lines of UTF-8 text; characters may be split between pieces. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #lineCharsMax: number;
  #rest = "";

  /** A line longer than `lineCharsMax` UTF-16 units comes as several lines. */
  constructor(lineCharsMax: number) {
    this.#lineCharsMax = lineCharsMax;
  }

  /** True when no line is incomplete. */
  get isEmpty(): boolean {
    return this.#rest === "";
  }

  /** The lines that `bytes` completes, without their line ends. */
  push(bytes: Uint8Array): string[] {
    const lines = this.#decoder.decode(bytes, { stream: true }).split("\n");
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop() ?? "";
    const cut = lines.flatMap((line) => this.#cut(withoutReturn(line)));
    if (this.#rest.length <= this.#lineCharsMax) return cut;
    const pieces = this.#cut(this.#rest);
    this.#rest = pieces.pop() ?? "";
    return [...cut, ...pieces];
  }

  /** What followed the last line end, if anything did. */
  end(): string[] {
    const rest = withoutReturn(this.#rest + this.#decoder.decode());
    this.#rest = "";
    return rest === "" ? [] : this.#cut(rest);
  }

  #cut(line: string): string[] {
    const pieces: string[] = [];
    let at = 0;
    while (line.length - at > this.#lineCharsMax) {
      let end = at + this.#lineCharsMax;
      // Never between the two halves of one character.
      const last = line.charCodeAt(end - 1);
      if (last >= 0xd800 && last <= 0xdbff && end - at > 1) end--;
      pieces.push(line.slice(at, end));
      at = end;
    }
    return [...pieces, line.slice(at)];
  }
}

const JSON_LINE_CHARS_MAX = 4 * 1024 * 1024;

/**
 * The JSON values of `stream`, one per line.
 *
 * @throws {MaelstromError} engine_unavailable: a line is not JSON
 */
export async function* jsonLines(
  stream: ReadableStream<Uint8Array> | null,
): AsyncGenerator<unknown, void, undefined> {
  if (!stream) return;
  const splitter = new LineSplitter(JSON_LINE_CHARS_MAX);
  for await (const bytes of stream) yield* splitter.push(bytes).flatMap(parseLine);
  yield* splitter.end().flatMap(parseLine);
}

function parseLine(line: string): unknown[] {
  if (line.trim() === "") return [];
  try {
    return [JSON.parse(line)];
  } catch (cause) {
    throw new MaelstromError(
      "engine_unavailable",
      `Cannot read the answer of Docker: "${line.slice(0, 80)}" is not JSON`,
      undefined,
      { cause },
    );
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
