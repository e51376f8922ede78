/** Compares output with a file that somebody has looked at. @module */
import assert from "node:assert/strict";

/** Asserts that `text` is what `tests/golden/cli/<name>` holds; `UPDATE_GOLDEN=1` writes it. */
export async function assertGolden(text: string, name: string): Promise<void> {
  const file = new URL(`../../golden/cli/${name}`, import.meta.url);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(file, text);
  assert.equal(text, await Deno.readTextFile(file));
}
