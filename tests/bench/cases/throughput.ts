/** How much each proxy passes through, what CPU time and what memory that takes. @module */
import { join } from "node:path";
import { type Bench, type BenchCase, interleave } from "../bench_case.ts";
import type { Proxy } from "../peers.ts";
import { stolenMs } from "../machine.ts";
import { cpuSeconds, memoryOf, resetPeak } from "../process.ts";
import type { Bar, Section } from "../report.ts";
import { quietThird, spread, summarize, type Summary } from "../stats.ts";
import { runWrk } from "../wrk.ts";

const MIB = 1024 * 1024;
const WARM_UP_SECONDS = 1;
const PEAK_GROWTH_BAR_MIB = 64;

/** What is sent, and over how many connections. */
interface Load {
  readonly name: string;
  readonly about: string;
  readonly title: string;
  readonly path: string;
  readonly connections: number;
  /** Size of the body that matters, in bytes; rates are told in MB/s when it is large. */
  readonly bodyBytes: number;
  readonly upload: boolean;
  /** The bar for requests or bytes per second, as shares of nginx and of Caddy. */
  readonly ofNginx?: number;
  readonly ofCaddy?: number;
  readonly stretch?: string;
}

const LOADS: readonly Load[] = [
  {
    name: "small-64",
    about: "small answers, 64 connections",
    title: "Small answers, 64 connections",
    path: "/small",
    connections: 64,
    bodyBytes: 0,
    upload: false,
    ofNginx: 0.75,
    ofCaddy: 3.5,
    stretch: "ahead of nginx",
  },
  {
    name: "small-512",
    about: "small answers, 512 connections",
    title: "Small answers, 512 connections",
    path: "/small",
    connections: 512,
    bodyBytes: 0,
    upload: false,
  },
  {
    name: "down-16k",
    about: "answers of 16 KiB, 64 connections",
    title: "Answers of 16 KiB, 64 connections",
    path: "/16k",
    connections: 64,
    bodyBytes: 16 * 1024,
    upload: false,
  },
  {
    name: "down-1m",
    about: "answers of 1 MiB, 16 connections",
    title: "Answers of 1 MiB, 16 connections",
    path: "/1m",
    connections: 16,
    bodyBytes: MIB,
    upload: false,
    ofNginx: 0.5,
    stretch: "0.9 × nginx",
  },
  {
    name: "down-100m",
    about: "answers of 100 MiB, 4 connections",
    title: "Answers of 100 MiB, 4 connections",
    path: "/100m",
    connections: 4,
    bodyBytes: 100 * MIB,
    upload: false,
    ofNginx: 0.5,
    stretch: "0.9 × nginx",
  },
  {
    name: "up-1m",
    about: "uploads of 1 MiB, 8 connections",
    title: "Uploads of 1 MiB, 8 connections",
    path: "/upload/",
    connections: 8,
    bodyBytes: MIB,
    upload: true,
    ofNginx: 0.5,
    stretch: "0.9 × nginx",
  },
  {
    name: "up-100m",
    about: "uploads of 100 MiB, 2 connections",
    title: "Uploads of 100 MiB, 2 connections",
    path: "/upload/",
    connections: 2,
    bodyBytes: 100 * MIB,
    upload: true,
    ofNginx: 0.5,
    stretch: "0.9 × nginx",
  },
];

/** One round of one proxy. */
interface Round {
  /** Requests per second, or MB (10^6 bytes) per second for bodies. */
  readonly rate: number;
  /** CPU seconds of the proxy per 100,000 requests, or per GB (10^9 bytes) for bodies. */
  readonly cpu: number;
  readonly errors: number;
  /** Processor time that a hypervisor gave to others meanwhile, in milliseconds of a core. */
  readonly stolenMs: number;
}

/** A case for each load. */
export const throughputCases: readonly BenchCase[] = LOADS.map((load) => ({
  name: load.name,
  about: load.about,
  run: (bench) => runLoad(load, bench),
}));

async function runLoad(load: Load, bench: Bench): Promise<Section> {
  const { nginx, haproxy, caddy, ours, signal } = bench;
  // Caddy is far behind with small answers already; with bodies it would only cost time.
  const proxies = [nginx, haproxy, ...(load.bodyBytes === 0 ? [caddy] : []), ours];
  const script = load.upload ? await uploadScript(load, bench.folder) : undefined;
  const once = async (proxy: Proxy, seconds: number): Promise<Round> => {
    const stolenBefore = await stolenMs();
    const cpuBefore = await cpuSeconds(proxy.pid);
    const { hostname, port } = proxy.address;
    const url = `http://${hostname}:${port}${load.path}`;
    const { connections } = load;
    const result = await runWrk({ url, connections, seconds, script, signal });
    const cpu = await cpuSeconds(proxy.pid) - cpuBefore;
    const bytes = load.upload ? result.requests * load.bodyBytes : result.bytesRead;
    const stolen = await stolenMs() - stolenBefore;
    const [rate, perUnit] = load.bodyBytes > 0
      ? [bytes / result.seconds / 1e6, cpu / bytes * 1e9]
      : [result.requestsPerSecond, cpu / result.requests * 100_000];
    return { rate, cpu: perUnit, errors: result.errors, stolenMs: stolen };
  };
  const restKiB = new Map<Proxy, number>();
  for (const proxy of proxies) {
    restKiB.set(proxy, (await memoryOf(proxy.pid)).rssKiB);
    await resetPeak(proxy.pid);
    await once(proxy, WARM_UP_SECONDS);
  }
  // Short and many: the less passes between two, the more alike is the machine, and a moment in
  // which nothing is stolen is found sooner.
  const [rounds, seconds] = load.bodyBytes === 0
    ? [bench.rounds * bench.roundSeconds * 2, 1]
    : [bench.rounds, bench.roundSeconds];
  const results = await interleave(proxies, rounds, (proxy) => once(proxy, seconds));
  const growth = new Map<Proxy, number>();
  for (const proxy of proxies) {
    const { peakKiB } = await memoryOf(proxy.pid);
    growth.set(proxy, Math.max(0, peakKiB - restKiB.get(proxy)!) / 1024);
  }
  return section(load, bench, results, growth);
}

function section(
  load: Load,
  { nginx, caddy, ours }: Bench,
  results: ReadonlyMap<Proxy, readonly Round[]>,
  growth: ReadonlyMap<Proxy, number>,
): Section {
  const rate = new Map<Proxy, Summary>();
  const rows: string[][] = [];
  const notes: string[] = [];
  const all = results.get(ours)!.map((_, at) => {
    const stolen = [...results.values()].reduce((sum, rounds) => sum + rounds[at]!.stolenMs, 0);
    return { at, stolenMs: stolen };
  });
  const counted = load.bodyBytes === 0 ? quietThird(all) : all;
  for (const [proxy, rounds] of results) {
    rate.set(proxy, summarize(counted.map(({ at }) => rounds[at]!.rate)));
    const errors = rounds.reduce((sum, round) => sum + round.errors, 0);
    if (errors > 0) notes.push(`${proxy.name}: ${errors} answers were errors or broken off.`);
  }
  // Of rounds that followed each other: what else the machine did weighed on both.
  const ratio = (proxy: Proxy, to: Proxy, rounds: typeof all) => {
    const [own, beside] = [results.get(proxy)!, results.get(to)!];
    return summarize(rounds.map(({ at }) => own[at]!.rate / beside[at]!.rate)).median;
  };
  for (const [proxy, rounds] of results) {
    const { median } = rate.get(proxy)!;
    rows.push([
      proxy.name,
      median.toFixed(0),
      `±${(spread(rate.get(proxy)!) * 50).toFixed(0)} %`,
      ratio(proxy, nginx, counted).toFixed(2),
      ...(counted === all ? [] : [ratio(proxy, nginx, all).toFixed(2)]),
      summarize(counted.map(({ at }) => rounds[at]!.cpu)).median.toFixed(2),
      `${growth.get(proxy)!.toFixed(0)} MiB`,
    ]);
  }
  const bars: Bar[] = [];
  const add = (peer: Proxy, share: number | undefined, stretch: string) => {
    if (share === undefined) return;
    const measured = ratio(ours, peer, counted);
    bars.push({
      what: load.title,
      bar: `${share} × ${peer.name}`,
      stretch,
      measured: `${measured.toFixed(2)} ×`,
      isMet: measured >= share,
    });
  };
  add(nginx, load.ofNginx, load.stretch ?? "");
  if (rate.has(caddy)) add(caddy, load.ofCaddy, "");
  if (load.bodyBytes >= MIB) {
    const measured = growth.get(ours)!;
    bars.push({
      what: `${load.title}: growth of memory at the peak`,
      bar: `${PEAK_GROWTH_BAR_MIB} MiB`,
      stretch: "",
      measured: `${measured.toFixed(0)} MiB`,
      isMet: measured <= PEAK_GROWTH_BAR_MIB,
    });
  }
  const [unit, per] = load.bodyBytes > 0 ? ["MB/s", "GB"] : ["Requests/s", "100,000 requests"];
  const columns = [
    "Proxy",
    unit,
    "Spread",
    "× nginx",
    ...(counted === all ? [] : ["of all rounds"]),
    `CPU s per ${per}`,
    "Memory growth, peak",
  ];
  return { title: load.title, columns, rows, bars, notes };
}

/** wrk sends what a script tells it; the body is made once. */
async function uploadScript({ name, bodyBytes }: Load, folder: string): Promise<string> {
  const path = join(folder, `${name}.lua`);
  const body = `string.rep("x", ${bodyBytes})`;
  await Deno.writeTextFile(path, `wrk.method = "POST"\nwrk.body = ${body}\n`);
  return path;
}
