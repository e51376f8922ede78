/**
 * All tokens in memory, so that no request waits for the store. Owns when they are read again, and
 * writes at its leisure when they were used. Walk: api_door → **token_book** → tokens.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredToken, TokenStore } from "./tokens.ts";

/** What {@linkcode TokenBook} needs. */
export interface TokenBookOptions {
  readonly store: Pick<TokenStore, "list" | "used" | "subscribe">;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** Longest time between two reads, in milliseconds. @default {30_000} */
  readonly readEveryMs?: number;
  /** Time between two writes of when tokens were used, in milliseconds. @default {60_000} */
  readonly writeEveryMs?: number;
}

/** The tokens as they were last read. While the store fails they stay what they were. */
export class TokenBook implements AsyncDisposable {
  readonly #options: TokenBookOptions;
  readonly #reading: Recurring;
  readonly #writing: Recurring;
  #byHash: ReadonlyMap<string, StoredToken> = new Map();
  #used = new Map<string, number>();
  #reads = 0;
  #newest = 0;
  #unsubscribe: () => void = () => {};

  constructor(options: TokenBookOptions) {
    const { log, readEveryMs = 30_000, writeEveryMs = 60_000 } = options;
    this.#options = options;
    this.#reading = new Recurring(() => this.refresh(), {
      name: "tokens",
      everyMs: readEveryMs,
      log,
    });
    this.#writing = new Recurring(() => this.#write(), {
      name: "use of tokens",
      everyMs: writeEveryMs,
      log,
    });
  }

  /**
   * Reads them for the first time, and follows the store from then on.
   *
   * @throws {MaelstromError} store_unavailable: they cannot be read
   */
  async start(): Promise<void> {
    this.#unsubscribe = this.#options.store.subscribe(() => this.#reading.poke());
    await this.refresh();
    this.#reading.poke();
    this.#writing.poke();
  }

  /** The token whose hash this is, now in use; undefined when there is none. */
  use(hash: string): StoredToken | undefined {
    const token = this.#byHash.get(hash);
    if (token) this.#used.set(hash, this.#options.now());
    return token;
  }

  /** When the token was last used, as far as it is not written yet; 0 when it is. */
  lastUsedAt(hash: string): number {
    return this.#used.get(hash) ?? 0;
  }

  /**
   * Reads them now, so that what was put or removed before is in effect.
   *
   * @throws {MaelstromError} store_unavailable: they cannot be read
   */
  async refresh(): Promise<void> {
    const read = ++this.#reads;
    const tokens = await this.#options.store.list();
    // An older read that comes late must not bring back what was removed.
    if (read < this.#newest) return;
    this.#newest = read;
    this.#byHash = new Map(tokens.map((token) => [token.hash, token]));
  }

  /** Writes what is left to write, and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await this.#reading[Symbol.asyncDispose]();
    await this.#writing[Symbol.asyncDispose]();
    await this.#write().catch((error: unknown) => {
      this.#options.log.warn("cannot write when tokens were used", { error });
    });
  }

  async #write(): Promise<void> {
    if (this.#used.size === 0) return;
    const used = this.#used;
    this.#used = new Map();
    try {
      await this.#options.store.used(used);
    } catch (error) {
      this.#used = new Map([...used, ...this.#used]);
      throw error;
    }
  }
}
