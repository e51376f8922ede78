/** A node as the commands that stream see it: NDJSON on loopback. @module */

/** A running node. */
export interface StreamNode extends AsyncDisposable {
  /** For `MAELSTROM_PRIVATE_URL`. */
  readonly env: { readonly MAELSTROM_PRIVATE_URL: string };
  /** Method, path and query of each request so far. */
  readonly asked: readonly string[];
}

/** What a node answers: values, one per line; or a whole answer; afterwards it goes on or ends. */
export type StreamAnswer = readonly unknown[] | Response;

/** Starts a node whose nth request gets the nth answer, and any further one the last. */
export function startStreamNode(...answers: readonly StreamAnswer[]): StreamNode {
  const asked: string[] = [];
  const quiet = { onListen: () => {}, hostname: "127.0.0.1", port: 0 };
  const server = Deno.serve(quiet, ({ method, url }) => {
    const { pathname, search } = new URL(url);
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(`${method} ${pathname}${search}`);
    if (answer instanceof Response) return answer.clone();
    const text = answer.map((value) => `${JSON.stringify(value)}\n`).join("");
    return new Response(text, { headers: { "content-type": "application/x-ndjson" } });
  });
  return {
    env: { MAELSTROM_PRIVATE_URL: `http://127.0.0.1:${server.addr.port}` },
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
