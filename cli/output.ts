/**
 * The only printer: lines, tables, JSON and errors, to writers it is given. Knows about terminals
 * and colour, nothing of what is printed.
 * @module
 */
import { type TableLayout, tableLines } from "./table.ts";
import { type Cell, foreign, paint, painted, printable, type Style } from "./text.ts";

export type { Column, TableLayout } from "./table.ts";
export type { Cell, Style } from "./text.ts";

/** Takes bytes and says how many it took, as `Deno.stdout` does. */
export interface Writer {
  write(bytes: Uint8Array): Promise<number>;
}

/** How {@linkcode Output} prints. */
export interface OutputOptions {
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** Whether standard output may be coloured. */
  readonly isColoured: boolean;
  /** Whether standard error may be coloured. */
  readonly isErrorColoured: boolean;
  /** Whether standard output is a terminal. @default {false} */
  readonly isTerminal?: boolean;
  /** Size of the terminal behind standard output; undefined when none can be drawn on. */
  readonly screen?: () => Screen | undefined;
  /** The same behind standard error. */
  readonly errorScreen?: () => Screen | undefined;
}

/** A terminal that can be drawn on, in characters. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** A line of somebody else's, and whose it is. */
export interface LabelledLine {
  readonly label: string;
  readonly style: Style;
  /** When it was written, shown before it. */
  readonly time?: string;
  /** Colours in it are kept on a terminal and taken out elsewhere. */
  readonly text: string;
}

/** Standard output was closed by its reader, as `| head` does: nothing is left to do. */
export class ReaderGone extends Error {}

// Source: ECMA-48 (cursor, erase) and DEC private mode 7 (what is too long for a line is cut off).
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

/** Prints for the user. */
export class Output {
  readonly #options: OutputOptions;
  /** Lines that {@linkcode Output.draw} left on the screen. */
  #drawn = 0;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Prints `text` and a line feed. @throws {ReaderGone} nobody reads */
  async line(text: string): Promise<void> {
    await this.text(`${printable(text)}\n`);
  }

  /** Whether standard output is a terminal: somebody is there to watch. */
  get isTerminal(): boolean {
    return this.#options.isTerminal ?? false;
  }

  /** Prints `text` as it is. @throws {ReaderGone} nobody reads */
  async text(text: string): Promise<void> {
    await writeAll(this.#options.stdout, text);
  }

  /** Prints `value` as indented JSON. @throws {ReaderGone} nobody reads */
  async json(value: unknown): Promise<void> {
    await this.text(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** Prints `rows` under a header, or the layout's word for none. @throws {ReaderGone} nobody reads */
  async table(layout: TableLayout, rows: readonly (readonly Cell[])[]): Promise<void> {
    const { isColoured, screen } = this.#options;
    const lines = tableLines(layout, rows, { isColoured, columns: screen?.()?.columns });
    await this.text(lines.map((line) => `${line}\n`).join(""));
  }

  /**
   * Shows a table on the whole screen, below `heads`, in place of what was there. Elsewhere prints
   * it.
   *
   * @throws {ReaderGone} nobody reads
   */
  async page(
    heads: readonly Cell[],
    layout: TableLayout,
    rows: readonly (readonly Cell[])[],
  ): Promise<void> {
    const { isColoured, screen } = this.#options;
    const size = screen?.();
    const table = tableLines(layout, rows, { isColoured, columns: size?.columns });
    const lines = [...heads.map((head) => painted(head, isColoured)), ...table];
    if (!size) return await this.text(lines.map((line) => `${line}\n`).join(""));
    const shown = lines.length < size.rows
      ? lines
      : [...lines.slice(0, size.rows - 2), `… and ${lines.length - size.rows + 2} more lines`];
    const body = shown.map((line) => `${line}${CLEAR_LINE}\n`).join("");
    await this.text(`${HOME}${NO_WRAP}${body}${WRAP}${CLEAR_BELOW}`);
  }

  /**
   * Draws `lines` on standard error over those drawn before, and says whether it could: it needs a
   * terminal.
   */
  async draw(lines: readonly string[]): Promise<boolean> {
    const size = this.#options.errorScreen?.();
    if (!size) return false;
    // What has scrolled off the screen cannot be drawn over.
    const roomMax = Math.max(1, size.rows - 1);
    const shown = lines.length <= roomMax ? lines : lines.slice(-roomMax);
    const back = this.#drawn > 0 ? `\x1b[${Math.min(this.#drawn, roomMax)}A` : "";
    const body = shown.map((line) => `\r${printable(line)}${CLEAR_LINE}\n`).join("");
    this.#drawn = shown.length;
    await writeAll(this.#options.stderr, `${back}${NO_WRAP}${body}${WRAP}${CLEAR_BELOW}`);
    return true;
  }

  /** Prints `message` on standard error, on a line that names the program. */
  async error(message: string): Promise<void> {
    const { stderr, isErrorColoured } = this.#options;
    const label = paint("maelstrom:", "red", isErrorColoured);
    await writeAll(stderr, `${label} ${printable(message)}\n`);
  }

  /** Prints `text` and a line feed on standard error. */
  async hint(text: string): Promise<void> {
    await writeAll(this.#options.stderr, `${printable(text)}\n`);
  }

  /** Prints a label, a tab and a text, on the output it belongs to. @throws {ReaderGone} nobody reads */
  async labelled(
    to: "stdout" | "stderr",
    { label, style, time, text }: LabelledLine,
  ): Promise<void> {
    const { stdout, stderr, isColoured, isErrorColoured } = this.#options;
    const coloured = to === "stdout" ? isColoured : isErrorColoured;
    const when = time === undefined ? "" : `${paint(time, "dim", coloured)} `;
    const shown = `${when}${paint(printable(label), style, coloured)}\t${
      foreign(text, coloured)
    }\n`;
    await writeAll(to === "stdout" ? stdout : stderr, shown);
  }
}

/** Whether a terminal may be coloured: never with `NO_COLOR` non-empty or `TERM=dumb`. */
export function mayColour(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

async function writeAll(writer: Writer, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += await writer.write(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new ReaderGone();
    throw error;
  }
}
