/** What a keep-alive connection costs that waits for its next request. @module */
import { type Bench, type BenchCase } from "../bench_case.ts";
import { Socket } from "../libc.ts";
import type { Proxy } from "../peers.ts";
import { memoryOf } from "../process.ts";
import type { Section } from "../report.ts";
import { runWrk } from "../wrk.ts";

const CONNECTIONS = 10_000;
const QUICK_CONNECTIONS = 2_000;
const PER_ADDRESS = 2_500;
const BAR_KB = 20;
const STRETCH_KB = 8;
/** Time for memory to settle, in seconds. */
const SETTLE_SECONDS = 2;

interface Held {
  readonly kBEach: number;
  /** The same for the second half of them, which found less room left over. */
  readonly kBEachLater: number;
  readonly openMs: number;
  /** Requests per second of 64 other connections meanwhile. */
  readonly rate: number;
}

/** Memory of 10,000 idle connections, each after one request. */
export const idleConnections: BenchCase = {
  name: "idle-connections",
  about: "memory of 10,000 idle keep-alive connections",
  async run(bench): Promise<Section> {
    const count = bench.rounds >= 5 ? CONNECTIONS : QUICK_CONNECTIONS;
    const rows: string[][] = [];
    let ours = 0;
    for (const proxy of [bench.nginx, bench.haproxy, bench.caddy, bench.ours]) {
      const { kBEach, kBEachLater, openMs, rate } = await hold(proxy, count, bench);
      if (proxy === bench.ours) ours = Math.max(kBEach, kBEachLater);
      rows.push([
        proxy.name,
        kBEach.toFixed(1),
        kBEachLater.toFixed(1),
        openMs.toFixed(0),
        rate.toFixed(0),
      ]);
    }
    const title = `${count.toLocaleString("en")} idle keep-alive connections`;
    return {
      title,
      columns: [
        "Proxy",
        "KB each",
        "KB each, second half",
        "ms to open and use all",
        "Requests/s beside them",
      ],
      rows,
      bars: [{
        what: `${title}: memory of each`,
        bar: `${BAR_KB} KB`,
        stretch: `${STRETCH_KB} KB`,
        measured: `${ours.toFixed(1)} KB`,
        isMet: ours <= BAR_KB,
      }],
      notes: [
        "Each connection has had one request. Memory is what the process gained, kernel buffers " +
        "not included; the larger figure is held against the bar. Runtimes with a garbage collector give it back late or never.",
      ],
    };
  },
};

async function hold(
  { address, pid, name }: Proxy,
  count: number,
  { signal }: Bench,
): Promise<Held> {
  const url = `http://${address.hostname}:${address.port}/small`;
  // Whatever a first load makes the process take belongs to no connection.
  await runWrk({ url, connections: 64, seconds: 1, signal });
  const before = await memoryOf(pid);
  const request = new TextEncoder().encode(
    `GET /small HTTP/1.1\r\nHost: ${address.hostname}:${address.port}\r\n\r\n`,
  );
  const answer = new Uint8Array(4096);
  const sockets: Socket[] = [];
  const half = count / 2;
  let halfKiB = before.rssKiB;
  try {
    const begun = performance.now();
    for (let index = 0; index < count; index++) {
      const source = `127.0.0.${2 + Math.floor(index / PER_ADDRESS)}`;
      const socket = new Socket(address, source);
      sockets.push(socket);
      socket.send(request);
      const text = new TextDecoder("latin1").decode(answer.subarray(0, socket.receive(answer)));
      if (!text.startsWith("HTTP/1.1 200")) {
        throw new Error(`Cannot hold ${count} connections to ${name}: ${text.slice(0, 60)}`);
      }
      if (index === half) halfKiB = (await memoryOf(pid)).rssKiB;
      if (index % 100 === 0) signal.throwIfAborted();
    }
    const openMs = performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_SECONDS * 1000));
    const after = await memoryOf(pid);
    const { requestsPerSecond } = await runWrk({ url, connections: 64, seconds: 1, signal });
    const kBEach = (after.rssKiB - before.rssKiB) * 1.024 / count;
    const kBEachLater = (after.rssKiB - halfKiB) * 1.024 / half;
    return { kBEach, kBEachLater, openMs, rate: requestsPerSecond };
  } finally {
    for (const socket of sockets) socket[Symbol.dispose]();
  }
}
