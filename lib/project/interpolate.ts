/**
 * Replaces `${NAME}` in a text by values of an environment, and writes text so that nothing in it is
 * replaced. Pure; knows nothing of YAML, so a value is inserted as it is.
 *
 * Source: the ancestor's rules for project files.
 * @module
 */

import { CFG_OPENING } from "../contract/cfg.ts";

/** A text after replacement, and where its characters come from. */
export interface Interpolated {
  readonly text: string;
  /** The offset in the original text of what stands at `offset` now. */
  readonly originalOffset: (offset: number) => number;
}

/** One token as it stands in a text: `${NAME:-text}`, or `$${NAME}`. */
interface Token {
  readonly start: number;
  readonly end: number;
  /** Between the braces; never empty, and no reference to a named value. */
  readonly inner: string;
  readonly isEscaped: boolean;
}

/**
 * `text` with its tokens replaced by `values`: `${KEY}` by the value or nothing, `${KEY:text}` by
 * the value if set, else `text`, `${KEY:-text}` by the value if set and not empty, else `text`.
 * `$${KEY}` becomes `${KEY}`; `${}` and a token without an end stay as they are, and so do references
 * to named values, `${cfg:NAME}` and `$${cfg:NAME}`: the node replaces those.
 */
export function interpolate(
  text: string,
  values: Readonly<Record<string, string | undefined>>,
): Interpolated {
  const pieces: Piece[] = [];
  let result = "";
  let from = 0;
  const copy = (end: number) => {
    if (end > from) pieces.push({ at: result.length, original: from, isCopied: true });
    result += text.slice(from, end);
  };
  for (const token of tokensOf(text)) {
    copy(token.start);
    pieces.push({ at: result.length, original: token.start, isCopied: false });
    result += token.isEscaped ? `\${${token.inner}}` : valueOf(token.inner, values);
    from = token.end;
  }
  copy(text.length);
  return { text: result, originalOffset: (offset) => originalOffset(pieces, offset) };
}

/** `text` written so that {@linkcode interpolate} gives `text`, whatever the environment. */
export function escapeTokens(text: string): string {
  let result = "";
  let from = 0;
  for (const { start, end, inner, isEscaped } of tokensOf(text)) {
    const opening = isEscaped ? "$$" : "$";
    result += `${text.slice(from, start)}${opening}\${${inner}}`;
    from = end;
  }
  return result + text.slice(from);
}

/** A run of the result, copied from the original or put in place of a token. */
interface Piece {
  readonly at: number;
  readonly original: number;
  readonly isCopied: boolean;
}

function originalOffset(pieces: readonly Piece[], offset: number): number {
  const piece = pieces.findLast(({ at }) => at <= offset);
  if (!piece) return offset;
  return piece.isCopied ? piece.original + offset - piece.at : piece.original;
}

function* tokensOf(text: string): Generator<Token> {
  for (let at = text.indexOf("${"); at !== -1;) {
    const close = text.indexOf("}", at);
    if (close === -1) return;
    const inner = text.slice(at + 2, close);
    if (inner !== "" && !inner.startsWith(CFG_OPENING)) {
      const isEscaped = text[at - 1] === "$";
      yield { start: isEscaped ? at - 1 : at, end: close + 1, inner, isEscaped };
    }
    at = text.indexOf("${", close + 1);
  }
}

function valueOf(
  inner: string,
  values: Readonly<Record<string, string | undefined>>,
): string {
  const colon = inner.indexOf(":");
  const name = colon === -1 ? inner : inner.slice(0, colon);
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (colon === -1) return value ?? "";
  const rest = inner.slice(colon + 1);
  return rest.startsWith("-") ? value || rest.slice(1) : value ?? rest;
}
