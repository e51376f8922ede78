/** Methods on tokens. An answered creation or removal is in effect on this node. @module */
import { newToken, tokenHash } from "../../lib/contract/tokens.ts";
import type { Log } from "../../lib/log.ts";
import type { TokenBook } from "../store/token_book.ts";
import type { TokenStore } from "../store/tokens.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.CreateToken"
  | "MaelstromService.ListTokens"
  | "MaelstromService.RemoveToken";

/** What the methods work on. */
export interface TokenMethodsOptions {
  readonly store: TokenStore;
  readonly book: TokenBook;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** The methods. */
export function tokenMethods(
  { store, book, log, now }: TokenMethodsOptions,
): Pick<Methods, Noun> {
  return {
    async "MaelstromService.CreateToken"({ name, scope, expiresInSeconds }) {
      const token = newToken();
      const createdAt = now();
      const expiresAt = expiresInSeconds === undefined ? 0 : createdAt + expiresInSeconds * 1000;
      const hash = await tokenHash(token);
      await store.add({ name, hash, scope, createdAt, expiresAt, lastUsedAt: 0 });
      await book.refresh();
      log.info("token created", { token: name, scope });
      return { token, name, scope, expiresAt };
    },
    async "MaelstromService.ListTokens"() {
      const stored = await store.list();
      const tokens = stored.map(({ hash, ...token }) => {
        return { ...token, lastUsedAt: Math.max(token.lastUsedAt, book.lastUsedAt(hash)) };
      });
      return { tokens };
    },
    async "MaelstromService.RemoveToken"({ name }) {
      const found = await store.remove(name);
      await book.refresh();
      if (found) log.info("token removed", { token: name });
      return { name, found };
    },
  };
}
