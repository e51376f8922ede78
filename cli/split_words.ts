/** Splits a command line into words as a shell does, without running anything. Pure. @module */

const WORD = /\s+|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)/gy;

/**
 * The words of `line`: white space separates, quotes and backslashes keep it. Undefined when a
 * quote or the last backslash has no end.
 *
 * @example `splitWords("sh -c 'echo hi'")` gives `["sh", "-c", "echo hi"]`
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let end = 0;
  for (const match of line.matchAll(WORD)) {
    end = match.index + match[0].length;
    const [, single, double, escaped, plain] = match;
    const part = single ?? double?.replaceAll(/\\(["\\$`])/g, "$1") ?? escaped ?? plain;
    if (part !== undefined) word = (word ?? "") + part;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (end !== line.length) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
