/**
 * Takes secrets out of text by their values, wherever they stand. Pure; knows nothing of where the
 * text comes from.
 * @module
 */

/** What stands instead of a secret. */
export const REDACTED = "***";
/** Pieces shorter than this stay: they would match everywhere. */
const PIECE_LENGTH_MIN = 4;

/** Takes a set of secrets out of texts. */
export class Redactor {
  readonly #pieces: readonly string[];

  /** Takes out `values`; of one with several lines, each line as well. */
  constructor(values: Iterable<string>) {
    this.#pieces = [...new Set([...values].flatMap(piecesOf))];
  }

  /** `text` with `***` wherever a secret stood. */
  redact(text: string): string {
    const spans = this.#spans(text);
    if (spans.length === 0) return text;
    let result = "";
    let from = 0;
    for (const { start, end } of spans) {
      // What touches or overlaps becomes one: the rest of a secret would tell half of it.
      if (start > from || from === 0) result += text.slice(from, start) + REDACTED;
      from = Math.max(from, end);
    }
    result += text.slice(from);
    // A secret with asterisks may come about by the replacement itself.
    return this.#spans(result).length > 0 ? REDACTED : result;
  }

  /** Where pieces stand, by their start. */
  #spans(text: string): { readonly start: number; readonly end: number }[] {
    const spans = [];
    for (const piece of this.#pieces) {
      for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + 1)) {
        spans.push({ start: at, end: at + piece.length });
      }
    }
    return spans.sort((a, b) => a.start - b.start);
  }
}

/** A value, its lines, and both as they stand in JSON. */
function piecesOf(value: string): string[] {
  const plain = [value, ...value.split(/[\r\n]+/)];
  return [...plain, ...plain.map((piece) => JSON.stringify(piece).slice(1, -1))]
    .filter((piece) => piece.length >= PIECE_LENGTH_MIN);
}
