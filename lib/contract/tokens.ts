/**
 * Tokens of people and programs: their form, and what is kept of them. Only the answer that creates
 * a token ever shows it.
 * @module
 */

/** What a token may allow; see `scopes.ts`. */
export const TOKEN_SCOPES = ["read", "deploy", "admin"] as const;
/** One of {@linkcode TOKEN_SCOPES}. */
export type TokenScope = typeof TOKEN_SCOPES[number];

/** Longest life of a token that expires, in seconds: ten years. */
export const TOKEN_SECONDS_MAX = 3650 * 24 * 3600;
/** What every token starts with, so that scanners for leaked secrets find it. */
export const TOKEN_PREFIX = "mael_";

const TOKEN_BYTES = 32;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** What is wrong with a token's name; undefined when nothing is. */
export function tokenNameFault(name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  return 'must be 1 to 64 of a-z, 0-9, ".", "_" and "-", and start with a letter or digit';
}

/** A token nobody has. */
export function newToken(): string {
  const random = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return TOKEN_PREFIX + random.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What is kept of `token`. It is random, so that a plain hash cannot be guessed back. */
export async function tokenHash(token: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return new Uint8Array(hash).toHex();
}
