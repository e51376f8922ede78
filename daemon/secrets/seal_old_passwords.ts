/**
 * Seals the passwords of registries that an older daemon stored in clear, once, when a node starts.
 * Walk: foundation → **seal_old_passwords** → store.
 * @module
 */
import type { Log } from "../../lib/log.ts";
import type { Store } from "../store/store.ts";
import { isClear, type PullPasswords } from "./pull_passwords.ts";

/** How {@linkcode sealOldPasswords} goes about it. */
export interface SealOldOptions {
  /** Whether a key may be made when there is none. */
  readonly mayMakeKey: boolean;
  readonly log: Log;
}

/**
 * Seals them, and takes what they were out of a database file of ours. Versions stay, and nothing
 * rolls out. False when there was nothing to seal, or no key to do it with, which is logged: they go
 * on working as they are.
 *
 * @throws {MaelstromError} store_unavailable: the database cannot be written
 */
export async function sealOldPasswords(
  store: Pick<Store, "listPasswordHolders" | "change" | "scrub">,
  passwords: Pick<PullPasswords, "canSeal" | "prepare" | "sealOld">,
  { mayMakeKey, log }: SealOldOptions,
): Promise<boolean> {
  if (!(await store.listPasswordHolders()).some(isClear)) return false;
  try {
    if (mayMakeKey) await passwords.prepare();
  } catch (error) {
    log.warn("passwords of registries stay in the database in clear", { error });
    return false;
  }
  if (!passwords.canSeal) {
    log.warn("passwords of registries are in the database in clear: this node has no secret key");
    return false;
  }
  const seal = passwords.sealOld();
  const components = await store.change((changes) => changes.rewritePasswords(seal));
  await store.scrub();
  log.info("sealed the passwords of registries", { components });
  return true;
}
