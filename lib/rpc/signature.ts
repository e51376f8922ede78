/**
 * Signed requests: who has the cluster key shows it without sending it. One field carries the
 * signature and what is signed beside the request itself; clock and nonce are arguments.
 *
 * ```
 * Authorization: Maelstrom-HMAC v=1, by="cli", at=1732184292123, nonce=…, digest=…, sig=…
 * ```
 *
 * `to="NODE"` is there when the caller knows whom it talks to. Names are percent-encoded; nonce,
 * digest and signature are base64url.
 *
 * Source: RFC 9110 §11.4 (form of the field), RFC 5869 (HKDF), RFC 2104 (HMAC).
 * @module
 */
import { MaelstromError } from "../errors.ts";

/** Longest time between a request's moment and the node's, in milliseconds, either way. */
export const WINDOW_MS = 60_000;
/** First word of the field. */
export const SCHEME = "Maelstrom-HMAC";

const VERSION = "1";
const NONCE_BYTES = 16;
const PURPOSE = "maelstrom signed request v1";
const HMAC = { name: "HMAC", hash: "SHA-256", length: 256 } as const;
const FIELD = new RegExp(
  `^${SCHEME} +v=([0-9]{1,4}), *by="([^"]{1,600})"(?:, *to="([^"]{1,600})")?, *at=([0-9]{1,15}), *` +
    "nonce=([A-Za-z0-9_-]{22}), *digest=([A-Za-z0-9_-]{43}), *sig=([A-Za-z0-9_-]{43})$",
  "i",
);

/** The request a signature is for. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they are sent. */
  readonly target: string;
}

/** What is signed beside the request. */
export interface SignedWords {
  /** Who signs: `cli`, or a node's id. */
  readonly by: string;
  /** Id of the node that is meant; absent when the caller does not know it. */
  readonly to?: string;
  /** When it was signed, in milliseconds since 1970. */
  readonly atMs: number;
  readonly nonce: string;
  /** {@linkcode digestOf} the body. */
  readonly digest: string;
}

/** The key of signatures, made of the cluster key. */
export async function signingKey(clusterKey: string): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey("raw", encode(clusterKey), "HKDF", false, [
    "deriveKey",
  ]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: encode(PURPOSE),
  };
  return await crypto.subtle.deriveKey(derivation, base, HMAC, false, ["sign", "verify"]);
}

/** A nonce nobody has used. */
export function newNonce(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

/** SHA-256 of a body; of none it is that of nothing. */
export async function digestOf(body: Uint8Array<ArrayBuffer> | string): Promise<string> {
  const bytes = typeof body === "string" ? encode(body) : body;
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** The field's value that shows possession of `key` for `request`. */
export async function sign(
  key: CryptoKey,
  request: SignedRequest,
  words: SignedWords,
): Promise<string> {
  const { by, to, atMs, nonce, digest } = words;
  const signature = await crypto.subtle.sign("HMAC", key, statement(request, words));
  const whom = to === undefined ? "" : `, to="${encodeURIComponent(to)}"`;
  return `${SCHEME} v=${VERSION}, by="${encodeURIComponent(by)}"${whom}, at=${atMs}, ` +
    `nonce=${nonce}, digest=${digest}, sig=${base64url(new Uint8Array(signature))}`;
}

/**
 * The words of `field`, if it is a signature of `request` made with `key`. Whether they are timely
 * and new is not looked at.
 *
 * @throws {MaelstromError} not_allowed: malformed, of another version, or not made with this key
 * for this request
 */
export async function verify(
  key: CryptoKey,
  request: SignedRequest,
  field: string,
): Promise<SignedWords> {
  const [, version, by, to, at, nonce, digest, sig] = FIELD.exec(field) ?? [];
  if (version === undefined) throw refused("the field Authorization is malformed");
  if (version !== VERSION) {
    throw refused(`it is of version ${version}, this node knows ${VERSION}; upgrade the older one`);
  }
  const words: SignedWords = {
    by: decoded(by!),
    ...(to === undefined ? {} : { to: decoded(to) }),
    atMs: Number(at),
    nonce: nonce!,
    digest: digest!,
  };
  const signature = Uint8Array.fromBase64(sig!, { alphabet: "base64url" });
  if (await crypto.subtle.verify("HMAC", key, signature, statement(request, words))) return words;
  throw refused("it was made with another cluster key or for another request");
}

/** A refusal that says what is wrong with a signature. */
export function refused(found: string): MaelstromError {
  return new MaelstromError("not_allowed", `Cannot accept the signature: ${found}`);
}

/** One line each; none of them can hold a line feed, so no two requests have the same statement. */
function statement({ method, target }: SignedRequest, words: SignedWords): Uint8Array<ArrayBuffer> {
  const { by, to, atMs, nonce, digest } = words;
  // A node without a name is no node, so the empty line means that nobody is named.
  const names = [encodeURIComponent(by), encodeURIComponent(to ?? "")];
  return encode([SCHEME, VERSION, method, target, ...names, atMs, nonce, digest].join("\n"));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw refused("the field Authorization is malformed");
  }
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
