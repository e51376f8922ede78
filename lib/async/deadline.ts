/** Waits with a limit, where the loser is told to stop. @module */

/**
 * Runs `work` with a signal that aborts after `ms` milliseconds or when `signal` aborts. The work
 * itself has to end on it; its result or error is passed on.
 *
 * @throws whatever `work` throws, or `onTimeout()` when the limit ended it
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new DOMException("Deadline passed", "AbortError")),
    ms,
  );
  try {
    return await work(AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) throw onTimeout();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
