/**
 * What a request shows of the caller: a token as it is, or a signature made with the cluster key,
 * which itself is never sent.
 * @module
 */
import type { PlaceRequest } from "./connection.ts";
import type { FoundKey } from "./locate.ts";
import { digestOf, newNonce, sign, type SignedWords, signingKey } from "./signature.ts";

/** Shows requests' credentials; keeps the key that was made of the cluster key. */
export class Credentials {
  readonly #names: Pick<SignedWords, "by" | "to">;
  #made: { readonly of: string; readonly key: Promise<CryptoKey> } | undefined;

  constructor(names: Pick<SignedWords, "by" | "to">) {
    this.#names = names;
  }

  /** What `request` shows of what was found: nothing when that is nothing. */
  async show(
    { token, key }: FoundKey,
    { method, path, body = "" }: PlaceRequest,
  ): Promise<Pick<PlaceRequest, "authorization">> {
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    if (key === undefined) return {};
    if (this.#made?.of !== key) this.#made = { of: key, key: signingKey(key) };
    // As `fetch` spells it.
    const { pathname, search } = new URL(path, "http://node");
    const authorization = await sign(await this.#made.key, { method, target: pathname + search }, {
      ...this.#names,
      atMs: Date.now(),
      nonce: newNonce(),
      digest: await digestOf(body),
    });
    return { authorization };
  }
}
