/**
 * The signed requests that were taken already, for as long as their time alone would let them in
 * again. Bounded, and nothing is forgotten early. Pure but for its memory.
 * @module
 */

/** What came of remembering a nonce. */
export type Remembered = "fresh" | "seen" | "full";

/** Remembers nonces by the second in which their request was signed, so that all of it goes at once. */
export class Nonces {
  readonly #keepMs: number;
  readonly #max: number;
  readonly #bySecond = new Map<number, Set<string>>();
  #count = 0;

  /** @param keepMs how long after its moment a nonce is kept; at most `max` are */
  constructor(keepMs: number, max: number) {
    this.#keepMs = keepMs;
    this.#max = max;
  }

  /** Remembers `nonce` of a request signed at `atMs`, unless it is known or there is no room. */
  add(nonce: string, atMs: number, nowMs: number): Remembered {
    this.#forget(nowMs);
    const second = Math.floor(atMs / 1000);
    const known = this.#bySecond.get(second);
    if (known?.has(nonce)) return "seen";
    if (this.#count >= this.#max) return "full";
    if (known) known.add(nonce);
    else this.#bySecond.set(second, new Set([nonce]));
    this.#count++;
    return "fresh";
  }

  #forget(nowMs: number): void {
    for (const [second, { size }] of this.#bySecond) {
      if ((second + 1) * 1000 + this.#keepMs >= nowMs) continue;
      this.#bySecond.delete(second);
      this.#count -= size;
    }
  }
}
