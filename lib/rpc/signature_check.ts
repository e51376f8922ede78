/**
 * Whether a signed request may be taken: made with the key, timely, meant for this node, and not
 * taken before. Owns the memory of what was taken; the body's digest is left to whoever reads it.
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { Nonces } from "./nonces.ts";
import { refused, type SignedRequest, type SignedWords, verify, WINDOW_MS } from "./signature.ts";

/** More than 800 requests per second for as long as they are remembered. */
const NONCES_MAX = 100_000;

/** What {@linkcode SignatureCheck} needs. */
export interface SignatureCheckOptions {
  /** See {@linkcode signingKey}. */
  readonly key: CryptoKey;
  readonly nodeId: string;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** Most requests that are remembered. @default {100_000} */
  readonly noncesMax?: number;
}

/** Checks the signatures of one node. Make it when the node starts. */
export class SignatureCheck {
  readonly #options: SignatureCheckOptions;
  readonly #nonces: Nonces;
  readonly #startedMs: number;

  constructor(options: SignatureCheckOptions) {
    this.#options = options;
    this.#nonces = new Nonces(WINDOW_MS, options.noncesMax ?? NONCES_MAX);
    this.#startedMs = options.now();
  }

  /**
   * What the field's signature of `request` says; it is taken once only.
   *
   * What was taken before a restart is forgotten, so nothing signed before this start is taken. A
   * caller whose clock is ahead by N seconds leaves a gap of N seconds there.
   *
   * @throws {MaelstromError} not_allowed: forged, too old, too new, for another node, or a replay
   * @throws {MaelstromError} queue_full: too many requests are remembered
   */
  async check(request: SignedRequest, field: string): Promise<SignedWords> {
    const { key, nodeId, now } = this.#options;
    const words = await verify(key, request, field);
    if (words.to !== undefined && words.to !== nodeId) {
      throw refused(`it is meant for node "${words.to}", this is "${nodeId}"`);
    }
    const nowMs = now();
    this.#checkTime(words.atMs, nowMs);
    const remembered = this.#nonces.add(words.nonce, words.atMs, nowMs);
    if (remembered === "seen") throw refused("the request was received before");
    if (remembered === "full") {
      const found = "too many signed requests within two minutes";
      throw new MaelstromError(
        "queue_full",
        `Cannot accept the signature: ${found}; wait a little`,
      );
    }
    return words;
  }

  #checkTime(atMs: number, nowMs: number): void {
    const clocks = () => `it says ${time(atMs)}, this node's clock says ${time(nowMs)}`;
    if (Math.abs(nowMs - atMs) > WINDOW_MS) {
      const limit = WINDOW_MS / 1000;
      throw refused(`${clocks()}, more than ${limit} s apart; set the clocks of both machines`);
    }
    if (atMs < this.#startedMs) {
      const start = time(this.#startedMs);
      throw refused(
        `${clocks()}, and it was signed before this node started at ${start}; try again`,
      );
    }
  }
}

/** Any moment that fits in the field, as people write it. */
function time(ms: number): string {
  return ms <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
