/** A wait that ends with its signal. @module */

/**
 * Resolves after `ms` milliseconds, or at once when `signal` aborts: the caller's loop looks at the
 * signal next, so an abort is not an error here.
 */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
