/** Text for a terminal that it cannot be steered by, and colour. Pure. @module */

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

/** A piece of text, perhaps with a style. */
export type Cell = string | { readonly text: string; readonly style: Style };

/** `text` in `style`, where there is colour. */
export function paint(text: string, style: Style | undefined, isColoured: boolean): string {
  if (!isColoured || style === undefined || text === "") return text;
  return `\x1b[${STYLES[style]}m${text}\x1b[0m`;
}

/** `cell` without control characters, in its style where there is colour. */
export function painted(cell: Cell, isColoured: boolean): string {
  if (typeof cell === "string") return printable(cell);
  return paint(printable(cell.text), cell.style, isColoured);
}

/** Without control characters: what a node or a file sends must not steer the terminal. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is being removed
  return text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, "\u{fffd}");
}

// deno-lint-ignore no-control-regex -- the sequences that set colours begin with one
const COLOUR = /\x1b\[[0-9;:]*m/g;

/** Somebody else's text: of all that steers a terminal, colours at most, and they end with it. */
export function foreign(text: string, isColoured: boolean): string {
  const parts = text.split(COLOUR).map(printable);
  const colours = isColoured ? text.match(COLOUR) ?? [] : [];
  const reset = colours.length > 0 ? "\x1b[0m" : "";
  return parts.map((part, at) => part + (colours[at] ?? "")).join("") + reset;
}
