/**
 * Tokens as they are stored: by name, with the hash of their secret. Owns the table `token`; knows
 * nothing of who asks. Walk: api, token_book → **tokens** → driver.
 * @module
 */
import type { TokenInfo } from "../../lib/contract/v1.ts";
import { TOKEN_SCOPES } from "../../lib/contract/tokens.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Driver, integerOf, type Row, textOf } from "./driver.ts";

/** Every node keeps all of them in memory. */
const TOKENS_MAX = 1000;

/** A token and the hash by which it is known. */
export interface StoredToken extends TokenInfo {
  readonly hash: string;
}

/** The tokens in the store. */
export class TokenStore {
  readonly #driver: Pick<Driver, "all" | "transaction" | "subscribe">;

  constructor(driver: Pick<Driver, "all" | "transaction" | "subscribe">) {
    this.#driver = driver;
  }

  /**
   * Adds a token.
   *
   * @throws {MaelstromError} already_exists: the name is taken
   * @throws {MaelstromError} too_large: there are too many
   */
  async add({ name, hash, scope, createdAt, expiresAt }: StoredToken): Promise<void> {
    await this.#driver.transaction(async (transaction) => {
      const [row] = await transaction.all("select count(*) as count from token", []);
      if (row && integerOf(row, "count") >= TOKENS_MAX) {
        const found = `there are ${TOKENS_MAX} already; remove some`;
        throw new MaelstromError("too_large", `Cannot create token "${name}": ${found}`);
      }
      const added = await transaction.run(
        `insert into token (name, hash, scope, created_at, expires_at, last_used_at)
         values ($1, $2, $3, $4, $5, 0) on conflict (name) do nothing`,
        [name, hash, scope, createdAt, expiresAt],
      );
      if (added === 0) {
        throw new MaelstromError(
          "already_exists",
          `Cannot create token "${name}": there is one of that name; remove it first`,
        );
      }
      await transaction.announce();
    });
  }

  /** Removes the token `name`; false when there is none. */
  async remove(name: string): Promise<boolean> {
    return await this.#driver.transaction(async (transaction) => {
      const removed = await transaction.run("delete from token where name = $1", [name]);
      if (removed > 0) await transaction.announce();
      return removed > 0;
    });
  }

  /** All of them, by name. */
  async list(): Promise<StoredToken[]> {
    const rows = await this.#driver.all("select * from token order by name", []);
    return rows.map(tokenOf);
  }

  /** Writes when tokens were last used, by hash. Nobody is told: nothing depends on it. */
  async used(times: ReadonlyMap<string, number>): Promise<void> {
    await this.#driver.transaction(async (transaction) => {
      for (const [hash, usedAt] of times) {
        await transaction.run(
          "update token set last_used_at = $1 where hash = $2 and last_used_at < $1",
          [usedAt, hash],
        );
      }
    });
  }

  /** Calls `listener` when tokens may have changed. The result ends it. */
  subscribe(listener: () => void): () => void {
    return this.#driver.subscribe(listener);
  }
}

function tokenOf(row: Row): StoredToken {
  const text = textOf(row, "scope");
  const scope = TOKEN_SCOPES.find((one) => one === text);
  if (scope === undefined) {
    throw new MaelstromError("store_unavailable", `Cannot read tokens: unknown scope "${text}"`);
  }
  return {
    name: textOf(row, "name"),
    hash: textOf(row, "hash"),
    scope,
    createdAt: integerOf(row, "created_at"),
    expiresAt: integerOf(row, "expires_at"),
    lastUsedAt: integerOf(row, "last_used_at"),
  };
}
