/** Waiting together for one promise, each with a signal of its own. @module */

/**
 * What `promise` comes to, or the reason of `signal` when that aborts first. The promise goes on,
 * and whoever made it sees to its end.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
