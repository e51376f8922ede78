/** Serves our own endpoints on a unix socket that only this user can reach. @module */
import type { Log } from "../../lib/log.ts";

/**
 * Answers requests at the socket `path` (mode 0600) until disposed. A socket left by a daemon that
 * was killed is replaced: the data directory's lock says that nobody is using it.
 */
export async function serveSocket(
  path: string,
  handler: (request: Request) => Promise<Response>,
  log: Log,
): Promise<AsyncDisposable> {
  await Deno.remove(path).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const server = Deno.serve({
    path,
    onListen: () => {},
    onError: (error) => {
      log.error("endpoint failed", { error });
      return new Response("Internal error", { status: 500 });
    },
  }, handler);
  await Deno.chmod(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}
