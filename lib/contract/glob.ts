/**
 * Globs for names of components and images: `*` and equality match, `*x*` contains, `*x` ends with,
 * `x*` begins with. A star elsewhere stands for itself; case matters. Pure.
 * @module
 */

/** True when `glob` matches the whole of `text`. */
export function globMatches(glob: string, text: string): boolean {
  if (glob === "*" || glob === text) return true;
  const fromStart = !glob.startsWith("*");
  const toEnd = glob.length < 2 || !glob.endsWith("*");
  if (fromStart && toEnd) return false;
  const part = glob.slice(fromStart ? 0 : 1, toEnd ? glob.length : -1);
  if (fromStart) return text.startsWith(part);
  return toEnd ? text.endsWith(part) : text.includes(part);
}

/**
 * The globs in a list such as `shop,blog-*`. A bare `*` and empty parts say nothing, so what is
 * left may be empty: everything is meant.
 */
export function splitGlobs(list: string): string[] {
  return list.split(",").map((part) => part.trim()).filter((part) => part !== "" && part !== "*");
}

/** True when `text` matches one of `globs`, or there are none. */
export function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.length === 0 || globs.some((glob) => globMatches(glob, text));
}

/** True when `glob` names one thing rather than a kind of things. */
export function isLiteral(glob: string): boolean {
  return !glob.startsWith("*") && !glob.endsWith("*");
}
