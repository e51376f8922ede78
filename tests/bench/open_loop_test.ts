import assert from "node:assert/strict";
import { Histogram } from "./histogram.ts";
import type { Counted, OpenLoopOptions, OpenLoopResult } from "./open_loop.ts";
import { outputOf } from "./process.ts";

const PROGRAM = new URL("./open_loop.ts", import.meta.url).pathname;
const ANSWER = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
const PAUSE_MS = 200;
/** Requests before the pause: the generator's warm-up and then some. */
const BEFORE_PAUSE = 100;

/** Answers every read; once, nobody for a while. */
async function serve(listener: Deno.Listener): Promise<void> {
  let seen = 0;
  let paused: Promise<void> = Promise.resolve();
  const answer = async (conn: Deno.Conn) => {
    using _ = conn;
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null) {
      if (++seen === BEFORE_PAUSE) {
        paused = new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      await paused;
      await conn.write(ANSWER);
    }
  };
  const all: Promise<void>[] = [];
  for await (const conn of listener) all.push(answer(conn));
  await Promise.all(all);
}

function percentile({ buckets, maxMs }: Counted, share: number): number {
  const histogram = new Histogram();
  histogram.add(buckets, maxMs);
  return histogram.percentile(share);
}

Deno.test("open_loop.ts shows a pause of the server to every request that was due in it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serve(listener);
  const options: OpenLoopOptions = {
    hostname: "127.0.0.1",
    port: listener.addr.port,
    path: "/",
    rate: 500,
    seconds: 0.6,
    connections: 2,
  };
  const args = ["run", "-A", "--no-config", PROGRAM, JSON.stringify(options)];
  const text = await outputOf(Deno.execPath(), args, AbortSignal.timeout(20_000));
  listener.close();
  await serving;
  const result: OpenLoopResult = JSON.parse(text);
  assert.deepEqual({ sent: result.sent, lost: result.lost }, { sent: 300, lost: 0 });
  // A third of all requests was due in the pause; with two connections a closed loop would have
  // seen it twice.
  assert.ok(percentile(result.latency, 0.9) > PAUSE_MS / 3);
  assert.ok(percentile(result.lag, 0.9) > PAUSE_MS / 3);
});
