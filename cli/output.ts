/**
 * The only printer: lines, tables, JSON and errors, to writers it is given. Knows about terminals
 * and colour, nothing of what is printed.
 * @module
 */

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
}

/** A column of a table: `{ title: "Component", width: 20, cut: true }`. */
export interface Column {
  readonly title: string;
  /** In characters; shorter cells are padded to it. */
  readonly width: number;
  /** True: longer cells are cut to the width instead of pushing the row. */
  readonly cut?: true;
}

/** What a table looks like. */
export interface TableLayout {
  readonly columns: readonly Column[];
  /** Length of the line under the header. */
  readonly dashes: number;
  /** Printed instead of a table without rows; empty prints nothing. */
  readonly empty: string;
}

/** Colours a word may have, by the sequence that starts them. */
const STYLES = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  blue: "34",
  magenta: "35",
  cyan: "36",
} as const;

/** A way to show text on a terminal. */
export type Style = keyof typeof STYLES;

/** A table's cell: text, or text with a style. */
export type Cell = string | { readonly text: string; readonly style: Style };

/** A line of somebody else's, and whose it is. */
export interface LabelledLine {
  readonly label: string;
  readonly style: Style;
  /** Colours in it are kept on a terminal and taken out elsewhere. */
  readonly text: string;
}

/** Standard output was closed by its reader, as `| head` does: nothing is left to do. */
export class ReaderGone extends Error {}

/** Prints for the user. */
export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Prints `text` and a line feed. @throws {ReaderGone} nobody reads */
  async line(text: string): Promise<void> {
    await this.text(`${printable(text)}\n`);
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
    if (rows.length === 0) {
      if (layout.empty !== "") await this.line(layout.empty);
      return;
    }
    const header = layout.columns.map(({ title }): Cell => ({ text: title, style: "bold" }));
    const lines = [
      this.#row(layout.columns, header),
      "-".repeat(layout.dashes),
      ...rows.map((row) => this.#row(layout.columns, row)),
    ];
    await this.text(lines.map((line) => `${line}\n`).join(""));
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
  async labelled(to: "stdout" | "stderr", { label, style, text }: LabelledLine): Promise<void> {
    const { stdout, stderr, isColoured, isErrorColoured } = this.#options;
    const coloured = to === "stdout" ? isColoured : isErrorColoured;
    const shown = `${paint(printable(label), style, coloured)}\t${foreign(text, coloured)}\n`;
    await writeAll(to === "stdout" ? stdout : stderr, shown);
  }

  #row(columns: readonly Column[], cells: readonly Cell[]): string {
    const shown = columns.map(({ width, cut }, at) => {
      const cell = cells[at] ?? "";
      const { text, style } = typeof cell === "string" ? { text: cell, style: undefined } : cell;
      const characters = [...printable(text)];
      const fitted = cut ? characters.slice(0, width) : characters;
      // The last column is not padded: spaces at a line's end only break copying.
      const padding = at === columns.length - 1 ? 0 : Math.max(0, width - fitted.length);
      return paint(fitted.join(""), style, this.#options.isColoured) + " ".repeat(padding);
    });
    return shown.join("  ").trimEnd();
  }
}

/** Whether a terminal may be coloured: never with `NO_COLOR` non-empty or `TERM=dumb`. */
export function mayColour(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

function paint(text: string, style: Style | undefined, isColoured: boolean): string {
  if (!isColoured || style === undefined || text === "") return text;
  return `\x1b[${STYLES[style]}m${text}\x1b[0m`;
}

/** Without control characters: what a node or a file sends must not steer the terminal. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is being removed
  return text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, "\u{fffd}");
}

// deno-lint-ignore no-control-regex -- the sequences that set colours begin with one
const COLOUR = /\x1b\[[0-9;:]*m/g;

/** Somebody else's text: of all that steers a terminal, colours at most, and they end with it. */
function foreign(text: string, isColoured: boolean): string {
  const parts = text.split(COLOUR).map(printable);
  const colours = isColoured ? text.match(COLOUR) ?? [] : [];
  const reset = colours.length > 0 ? "\x1b[0m" : "";
  return parts.map((part, at) => part + (colours[at] ?? "")).join("") + reset;
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
