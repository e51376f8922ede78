/**
 * The real engine behind a socket that changes what it says of containers: for what no engine at
 * hand does, such as a kernel without some limit.
 * @module
 */
import { testDockerHost } from "./labelled.ts";
import type { Said } from "./witness.ts";

/** A running engine that lies. */
export interface LyingEngine extends AsyncDisposable {
  /** For a client. */
  readonly host: string;
}

/** Passes everything on, and what the engine says of a container through `lie`, which changes it. */
export async function lyingEngine(lie: (said: Said) => void): Promise<LyingEngine> {
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-lying-" });
  const path = `${folder}/engine.sock`;
  const proxy = { transport: "unix", path: new URL(testDockerHost).pathname } as const;
  const client = Deno.createHttpClient({ proxy, poolMaxIdlePerHost: 0 });
  const server = Deno.serve({ path, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers, signal } = request;
    const body = method === "POST" ? await request.bytes() : null;
    const answer = await fetch(`http://127.0.0.1${pathname}${search}`, {
      client,
      method,
      headers,
      body,
      signal,
    });
    const isInspect = answer.ok && /\/containers\/[^/]+\/json$/.test(pathname);
    if (!isInspect || pathname.endsWith("/containers/json")) return answer;
    const said = await answer.json();
    lie(said);
    return Response.json(said);
  });
  return {
    host: `unix://${path}`,
    async [Symbol.asyncDispose]() {
      client.close();
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
