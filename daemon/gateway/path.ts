/**
 * The one spelling of a path, for matching and for what the instance gets, so that a rule and an
 * application never read the same request differently. Pure.
 *
 * Source: RFC 3986 §6.2.2 (case, unreserved characters, dot segments).
 * @module
 */

const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/**
 * `path` with unreserved characters decoded, escapes in upper case and dot segments removed;
 * undefined when it must be refused: a broken escape, an encoded NUL, or more ".." than segments.
 * Encoded `/`, `\` and `;` stay encoded: they are data, not structure.
 */
export function normalizePath(path: string): string | undefined {
  // Nearly every path is in normal form already.
  if (!path.includes("%") && !path.includes("/.")) return path;
  const unescaped = path.includes("%") ? decodeUnreserved(path) : path;
  return unescaped?.includes("/.") ? removeDotSegments(unescaped) : unescaped;
}

function decodeUnreserved(path: string): string | undefined {
  let broken = false;
  const decoded = path.replaceAll(/%(.{0,2})/gs, (_, hex: string) => {
    const code = /^[0-9A-Fa-f]{2}$/.test(hex) ? parseInt(hex, 16) : 0;
    if (code === 0) broken = true;
    const character = String.fromCharCode(code);
    return UNRESERVED.test(character) ? character : `%${hex.toUpperCase()}`;
  });
  return broken ? undefined : decoded;
}

function removeDotSegments(path: string): string | undefined {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === "..") {
      if (kept.pop() === undefined) return undefined;
    } else if (segment !== ".") {
      kept.push(segment);
      continue;
    }
    // "/a/." and "/a/.." name a folder.
    if (last) kept.push("");
  }
  return `/${kept.join("/")}`;
}
