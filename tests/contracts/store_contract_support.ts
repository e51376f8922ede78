/** What the parts of the store's contract share. */
import assert from "node:assert/strict";
import type { Store, StoreOptions } from "../../daemon/store/store.ts";
import { type ErrorCode, MaelstromError } from "../../lib/errors.ts";
import { component, eventSource } from "./store_values.ts";

/** An empty database of one test's own, gone when disposed. */
export interface TestDatabase extends AsyncDisposable {
  /** A store in it. Several may be open one after another. */
  open(options?: Partial<StoreOptions>): Promise<Store>;
}

/** Declares one test of the contract. */
export type Contract = (
  title: string,
  work: (store: Store, database: TestDatabase) => Promise<void>,
  options?: Partial<StoreOptions>,
) => void;

/** A signal that stays quiet. */
export const never = new AbortController().signal;

/** For `assert.rejects`: an error of ours with this code, and message if given. */
export function fails(code: ErrorCode, message?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MaelstromError, `not ours: ${error}`);
    assert.equal(error.code, code);
    if (message !== undefined) assert.equal(error.message, message);
    return true;
  };
}

/** Creates a component for each name, all at once. */
export async function putAll(store: Store, names: readonly string[]): Promise<void> {
  await store.change(async (changes) => {
    for (const name of names) await changes.putComponent(component(name));
  });
}

/** `count` names in order: `c0000`, `c0001` and so on. */
export function numbered(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_, index) => prefix + String(index).padStart(4, "0"));
}

/** Components `a` of project `one` and `b` of `two`, with three and two event sources. */
export async function twoComponentsWithSources(store: Store): Promise<void> {
  const cron = { schedule: "@hourly", http: { method: "GET", path: "/" } };
  await store.putComponent(component("a", { projectName: "one" }));
  await store.putComponent(component("b", { projectName: "two" }));
  for (const name of ["a_http1", "a_http2"]) await store.putEventSource(eventSource(name, "a"));
  await store.putEventSource(eventSource("b_http", "b"));
  await store.putEventSource(eventSource("a_cron", "a", { cron }));
  await store.putEventSource(eventSource("b_cron", "b", { cron }));
}
