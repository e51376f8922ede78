/** What 10,000 event sources cost a request: the table alone, and the whole daemon. @module */
import { join } from "node:path";
import { RouteTable, type Rule } from "../../../daemon/gateway/route_table.ts";
import type { Component, EventSource } from "../../../lib/contract/v1.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import { silentLog } from "../../../lib/log.ts";
import { type Bench, type BenchCase, interleave } from "../bench_case.ts";
import { backendComponent, backendServes, prepareBackend } from "../backend.ts";
import { freePorts } from "../../support/ports.ts";
import { cpuSeconds } from "../process.ts";
import type { Section } from "../report.ts";
import { summarize } from "../stats.ts";
import { runWrk } from "../wrk.ts";

const RULES = 10_000;
const BAR_US = 2;
const STRETCH_US = 0.5;
/** Times the look-ups of one round are repeated. */
const LOOKUPS = 200_000;
const LOOKUP_ROUNDS = 9;

interface Shape {
  readonly name: string;
  rule(index: number): Pick<Rule, "hostname" | "pathPrefix">;
  request(index: number): readonly [host: string, path: string];
}

const SHAPES: readonly Shape[] = [
  {
    name: "a host each",
    rule: (index) => ({ hostname: `app-${index}.example.com`, pathPrefix: "" }),
    request: (index) => [`app-${index}.example.com`, "/cart/items?page=2"],
  },
  {
    name: "a wildcard host each",
    rule: (index) => ({ hostname: `*.team-${index}.example.com`, pathPrefix: "/api" }),
    request: (index) => [`shop.team-${index}.example.com`, "/api/items"],
  },
  {
    name: "one host, a path each, 4 to 40 characters long",
    rule: (index) => ({ hostname: "example.com", pathPrefix: longPath(index) }),
    request: (index) => ["example.com", `${longPath(index)}/items?page=2`],
  },
  {
    name: "no match",
    rule: (index) => ({ hostname: `app-${index}.example.com`, pathPrefix: `/v${index}` }),
    request: (index) => [`other-${index}.example.org`, "/cart/items"],
  },
];

function longPath(index: number): string {
  return `/${index.toString(36).padStart(3, "0")}${"x".repeat(index % 37)}`;
}

/** Rule look-up among 10,000. */
export const ruleLookup: BenchCase = {
  name: "lookup",
  about: "rule look-up among 10,000 event sources",
  async run(bench): Promise<Section> {
    const rows: string[][] = [];
    let worst = 0;
    for (const shape of SHAPES) {
      const { buildMs, perLookupUs } = timeTable(shape, RULES);
      worst = Math.max(worst, perLookupUs);
      const one = timeTable(shape, 1).perLookupUs;
      rows.push([shape.name, perLookupUs.toFixed(3), one.toFixed(3), buildMs.toFixed(0)]);
    }
    const { ratio, rates } = await compareDaemons(bench);
    return {
      title: "Rule look-up among 10,000 event sources",
      columns: ["Rules", "µs per look-up", "µs with one rule", "ms to build the table"],
      rows,
      bars: [
        {
          what: "Rule look-up among 10,000, slowest shape",
          bar: `${BAR_US} µs`,
          stretch: `${STRETCH_US} µs`,
          measured: `${worst.toFixed(2)} µs`,
          isMet: worst <= BAR_US,
        },
        {
          what: "Throughput with 10,000 event sources",
          bar: "0.95 × with one",
          stretch: "",
          measured: `${ratio.toFixed(2)} ×`,
          isMet: ratio >= 0.95,
        },
      ],
      notes: [
        "Medians over different hosts and paths, the table alone.",
        `The whole daemon, small answers over 64 connections: ${rates}.`,
      ],
    };
  },
};

function timeTable(shape: Shape, count: number): { buildMs: number; perLookupUs: number } {
  const rules = Array.from(
    { length: count },
    (_, index): Rule => ({ ...shape.rule(index), component: "shop", stripPrefix: false }),
  );
  const begun = performance.now();
  const table = new RouteTable(rules);
  const buildMs = performance.now() - begun;
  // Strings of a request are fresh each time; these were made long before, which only helps hashing.
  const requests = Array.from({ length: 4096 }, (_, at) => shape.request(at * 7 % RULES));
  const rounds: number[] = [];
  let found = 0;
  for (let round = 0; round < LOOKUP_ROUNDS; round++) {
    const from = performance.now();
    for (let at = 0; at < LOOKUPS; at++) {
      const [host, path] = requests[at & 4095]!;
      if (table.find(host, path)) found++;
    }
    rounds.push((performance.now() - from) * 1000 / LOOKUPS);
  }
  // Nothing to tell: that it is used keeps the loop from being optimised away.
  if (found < 0) throw new Error("unreachable");
  return { buildMs, perLookupUs: summarize(rounds).median };
}

/** The same requests to the node with one event source and to one that has 10,000 more. */
async function compareDaemons(bench: Bench): Promise<{ ratio: number; rates: string }> {
  const { node, startNode, rounds, roundSeconds, signal } = bench;
  const folder = await Deno.makeTempDir({ dir: bench.folder });
  const [port] = freePorts(1) as [number];
  await prepareBackend(folder, port, []);
  await using loaded = await startNode();
  await loaded.stop();
  const component = backendComponent({ ref: bench.imageRef, folder, port });
  await addSources(join(loaded.dataDir, "maelstrom.db"), component);
  await loaded.start();
  await backendServes(loaded, signal);
  const many = { name: "10,001", url: loaded.url, pid: loaded.pid };
  const one = { name: "1", url: node.url, pid: node.pid };
  const measure = async ({ url, pid }: typeof one) => {
    const cpuBefore = await cpuSeconds(pid);
    const load = { url: `${url}/small`, connections: 64, seconds: roundSeconds, signal };
    const { requests, requestsPerSecond, errors } = await runWrk(load);
    if (errors > 0) throw new Error(`Cannot compare: ${errors} of ${requests} failed at ${url}`);
    const cpu = (await cpuSeconds(pid) - cpuBefore) / requests * 100_000;
    return { rate: requestsPerSecond, cpu };
  };
  for (const subject of [one, many]) await measure(subject);
  const results = await interleave([one, many], rounds, measure);
  const rate = (subject: typeof one) =>
    summarize(results.get(subject)!.map((round) => round.rate)).median;
  const cpu = (subject: typeof one) =>
    summarize(results.get(subject)!.map((round) => round.cpu)).median;
  const told = [one, many].map((subject) =>
    `${rate(subject).toFixed(0)} requests/s and ${
      cpu(subject).toFixed(2)
    } CPU s per 100,000 with ${subject.name} event sources`
  );
  return {
    ratio: rate(many) / rate(one),
    rates: told.join(", "),
  };
}

/** Writes into a stopped node's database: 10,000 puts over the API would each wait for the disk. */
async function addSources(path: string, component: Component): Promise<void> {
  const driver = await openSqlite(path, { log: silentLog });
  await using store = new Store(driver, { nodeId: "bench" });
  await store.change(async (changes) => {
    await changes.putComponent(component);
    const source = (name: string, http: EventSource["http"]): EventSource => ({
      name,
      componentName: component.name,
      version: 0,
      modifiedAt: 0,
      http,
    });
    await changes.putEventSource(source("bench-all", { pathPrefix: "/" }));
    for (let index = 0; index < RULES; index++) {
      const hostname = `app-${index}.example.com`;
      const http = index % 2 === 0 ? { hostname } : { pathPrefix: longPath(index) };
      await changes.putEventSource(source(`rule-${index}`, http));
    }
  });
}
