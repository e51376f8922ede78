/**
 * Seals texts with one key, so that they can be kept where others may read. Knows nothing of where
 * the key comes from or the sealed text goes.
 *
 * Source: NIST SP 800-38D (AES-GCM with a random 96-bit nonce: 2^32 seals per key at most).
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

const VERSION = "v1:";
const ALGORITHM = "aes-256-gcm";
/** Length of a key, in bytes. */
export const SEAL_KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What opening came to. A key's id is told so that people can find the right one. */
export type Opened =
  | { readonly kind: "open"; readonly text: string }
  | { readonly kind: "other_key"; readonly keyId: string }
  | { readonly kind: "damaged" };

/** Seals and opens with one key. */
export class Sealer {
  /** Tells keys apart without telling the key: `9f86d081`. */
  readonly keyId: string;
  readonly #key: Uint8Array;

  /** @param key 32 random bytes */
  constructor(key: Uint8Array) {
    if (key.length !== SEAL_KEY_BYTES) throw new Error(`a key has 32 bytes, not ${key.length}`);
    this.#key = key;
    this.keyId = createHash("sha256").update(key).digest("hex").slice(0, 2 * KEY_ID_BYTES);
  }

  /** `text`, sealed: `v1:` and Base64. It opens only under the same `name`. */
  seal(name: string, text: string): string {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce);
    cipher.setAAD(new TextEncoder().encode(name));
    const parts = [
      Uint8Array.fromHex(this.keyId),
      nonce,
      cipher.update(text, "utf8"),
      cipher.final(),
      cipher.getAuthTag(),
    ];
    return VERSION + Buffer.concat(parts).toBase64();
  }

  /** Opens what {@linkcode Sealer.seal} made under `name`. */
  open(name: string, sealed: string): Opened {
    const bytes = bytesOf(sealed);
    if (!bytes) return { kind: "damaged" };
    const keyId = bytes.subarray(0, KEY_ID_BYTES).toHex();
    if (keyId !== this.keyId) return { kind: "other_key", keyId };
    const nonce = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonce);
    decipher.setAAD(new TextEncoder().encode(name));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const inner = bytes.subarray(KEY_ID_BYTES + NONCE_BYTES, -TAG_BYTES);
    try {
      const text = Buffer.concat([decipher.update(inner), decipher.final()]).toString();
      return { kind: "open", text };
    } catch {
      return { kind: "damaged" };
    }
  }
}

/** The id of the key with which `sealed` was made; undefined when it is damaged. */
export function keyIdOf(sealed: string): string | undefined {
  return bytesOf(sealed)?.subarray(0, KEY_ID_BYTES).toHex();
}

function bytesOf(sealed: string): Uint8Array | undefined {
  if (!sealed.startsWith(VERSION)) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(sealed.slice(VERSION.length));
    return bytes.length >= KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}
