/**
 * Tables as lines of text. Off a terminal columns have the layout's widths, so that scripts can
 * count on them; on one they are as wide as what they hold, and shortened where the row would break.
 * Pure.
 * @module
 */
import { type Cell, paint, printable } from "./text.ts";

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

/** What a table is drawn for. */
export interface TableSurface {
  readonly isColoured: boolean;
  /** Of the terminal; absent where there is none. */
  readonly columns?: number | undefined;
}

const GUTTER = "  ";
/** A column that may be cut keeps this much of its cells, however narrow the terminal is. */
const CUT_WIDTH_MIN = 8;

/** `rows` under a header, or the layout's word for none. */
export function tableLines(
  layout: TableLayout,
  rows: readonly (readonly Cell[])[],
  surface: TableSurface,
): string[] {
  if (rows.length === 0) return layout.empty === "" ? [] : [layout.empty];
  const fitted = surface.columns === undefined ? layout : fit(layout, rows, surface.columns);
  const mark = surface.columns === undefined ? "" : "…";
  const header = layout.columns.map(({ title }): Cell => ({ text: title, style: "bold" }));
  return [
    rowLine(fitted.columns, header, mark, surface.isColoured),
    "-".repeat(fitted.dashes),
    ...rows.map((row) => rowLine(fitted.columns, row, mark, surface.isColoured)),
  ];
}

/**
 * `layout` with columns as wide as their cells. When the row is too long, those that may be cut give
 * way, and the last, which off a terminal is as long as it likes.
 */
function fit(
  layout: TableLayout,
  rows: readonly (readonly Cell[])[],
  columnsMax: number,
): TableLayout {
  // A column without a title holds remarks to a few rows, which may run over.
  const last = layout.columns.findLastIndex(({ title }) => title !== "");
  const columns = layout.columns.map(({ title, width, cut }, at) => {
    const full = Math.max(title.length, ...rows.map((row) => charactersOf(row[at]).length));
    const least = cut ? CUT_WIDTH_MIN : at === last ? Math.max(width, title.length) : full;
    return { title, width: full, least, cut: true as const };
  });
  const gutters = GUTTER.length * last;
  const total = () => columns.slice(0, last + 1).reduce((sum, { width }) => sum + width, gutters);
  while (total() > columnsMax) {
    const widest = columns.slice(0, last + 1).filter(({ width, least }) => width > least)
      .reduce((most, column) => column.width >= most.width ? column : most, { width: 0 });
    if (widest.width === 0) break;
    widest.width -= 1;
  }
  return { ...layout, columns, dashes: Math.min(total(), columnsMax) };
}

function rowLine(
  columns: readonly Column[],
  cells: readonly Cell[],
  mark: string,
  isColoured: boolean,
): string {
  const shown = columns.map(({ width, cut }, at) => {
    const characters = charactersOf(cells[at]);
    const isCut = cut && characters.length > width;
    const text = isCut
      ? characters.slice(0, width - mark.length).join("") + mark
      : characters.join("");
    // The last column is not padded: spaces at a line's end only break copying.
    const padding = isCut || at === columns.length - 1 ? 0 : Math.max(0, width - characters.length);
    return paint(text, styleOf(cells[at]), isColoured) + " ".repeat(padding);
  });
  return shown.join(GUTTER).trimEnd();
}

function charactersOf(cell: Cell = ""): string[] {
  return [...printable(typeof cell === "string" ? cell : cell.text)];
}

function styleOf(cell: Cell = "") {
  return typeof cell === "string" ? undefined : cell.style;
}
