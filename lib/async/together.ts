/** Parts of one work that end with each other. @module */

/**
 * Performs `parts` at the same time; when one ends or fails, or `signal` aborts, the signal of all
 * aborts. Resolves when the last has ended.
 *
 * @throws what the first part that failed threw
 */
export async function together(
  signal: AbortSignal,
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const over = new AbortController();
  const joined = AbortSignal.any([signal, over.signal]);
  const failures: unknown[] = [];
  await Promise.all(parts.map(async (part) => {
    try {
      await part(joined);
    } catch (error) {
      failures.push(error);
    } finally {
      over.abort();
    }
  }));
  if (failures.length > 0) throw failures[0];
}
