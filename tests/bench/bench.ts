/**
 * `deno task bench [--quick] [--out FILE] [case …]`: measures the daemon beside nginx, HAProxy and
 * Caddy. A whole run writes `docs/benchmarks.md`; with cases chosen, or `--quick`, it only prints
 * (unless `--out` names a file). Touches only loopback and ends what it started.
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DockerClient } from "../../lib/docker/client.ts";
import { messageOf } from "../../lib/errors.ts";
import type { NodeOptions, TestNode } from "../support/node.ts";
import { testDockerHost } from "../support/docker/labelled.ts";
import { freePorts } from "../support/ports.ts";
import { backendAddress, FILES, makeBackendImage, prepareBackend, putBackend } from "./backend.ts";
import type { Bench, BenchCase } from "./bench_case.ts";
import { coldStart } from "./cases/cold_start.ts";
import { commandLine } from "./cases/command_line.ts";
import { idleNode } from "./cases/footprint.ts";
import { idleConnections } from "./cases/idle_connections.ts";
import { addedLatency } from "./cases/latency.ts";
import { ruleLookup } from "./cases/lookup.ts";
import { slowClients } from "./cases/slow_clients.ts";
import { throughputCases } from "./cases/throughput.ts";
import { busyShare, describeMachine, ensurePrograms, raiseFileLimit } from "./machine.ts";
import { startCaddy, startHaproxy, startNginx } from "./peers.ts";
import { outputOf } from "./process.ts";
import { page, type Section, sectionLines, table } from "./report.ts";

const ROOT = join(import.meta.dirname!, "../..");
const PAGE = join(ROOT, "docs/benchmarks.md");
const TIME_LIMIT_MS = 30 * 60_000;

// Memory comes first: what a heavy load leaves behind would hide what a connection takes.
const CASES: readonly BenchCase[] = [
  idleNode,
  commandLine,
  idleConnections,
  ...throughputCases,
  addedLatency,
  slowClients,
  ruleLookup,
  coldStart,
];

const FULL = { rounds: 5, roundSeconds: 3 };
const QUICK = { rounds: 3, roundSeconds: 1 };

const say = (text: string) => console.log(text);

/** Builds everything that cases are measured on; it goes when `stack` is disposed. */
async function prepare(
  stack: AsyncDisposableStack,
  length: typeof FULL,
  signal: AbortSignal,
): Promise<Bench> {
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-bench-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const executable = await programUnderTest(folder);
  Deno.env.set("MAELSTROM_BIN", executable);
  // It reads MAELSTROM_BIN when it is loaded.
  const { TestNode } = await import("../support/node.ts");
  // The backend's files are in a directory that its container mounts.
  const startNode = (options?: NodeOptions): Promise<TestNode> =>
    TestNode.start({ ...options, env: { MAEL_HOST_MOUNTS: folder, ...options?.env } });

  const docker = stack.use(new DockerClient({ host: testDockerHost }));
  const ref = `maelstrom-bench:${crypto.randomUUID().slice(0, 8)}`;
  const [backendPort, ...ports] = freePorts(4) as [number, number, number, number];
  await prepareBackend(folder, backendPort, FILES);
  await makeBackendImage(docker, ref, folder, signal);
  stack.defer(async () => {
    await docker.removeImage(ref, { force: true }, new AbortController().signal);
  });
  const node = stack.use(await startNode());
  await putBackend(node, { ref, folder, port: backendPort }, signal);

  const backend = backendAddress(backendPort);
  const peer = async (start: typeof startNginx, port: number) => {
    const own = await Deno.makeTempDir({ dir: folder });
    return stack.use(await start({ port, backend, folder: own, signal }));
  };
  const version = (await node.run(["version"])).trim().split("\n")[0] ?? "";
  return {
    node,
    docker,
    startNode,
    executable,
    backend,
    imageRef: ref,
    ours: {
      name: "Maelstrom",
      version: /\d\S*/.exec(version)?.[0] ?? version,
      address: { hostname: "127.0.0.1", port: node.publicPort },
      pid: node.pid,
    },
    nginx: await peer(startNginx, ports[0]),
    haproxy: await peer(startHaproxy, ports[1]),
    caddy: await peer(startCaddy, ports[2]),
    folder,
    ...length,
    say,
    signal,
  };
}

/** `MAELSTROM_BIN` when it is set, else this source as a command. */
async function programUnderTest(folder: string): Promise<string> {
  const given = Deno.env.get("MAELSTROM_BIN");
  if (given) return given;
  const path = join(folder, "maelstrom");
  const command = `"${Deno.execPath()}" run -A --config "${join(ROOT, "deno.json")}"`;
  await Deno.writeTextFile(path, `#!/bin/sh\nexec ${command} "${join(ROOT, "main.ts")}" "$@"\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

function chosen(names: readonly string[]): readonly BenchCase[] {
  for (const name of names) {
    if (CASES.some((each) => each.name === name)) continue;
    const known = CASES.map((each) => `  ${each.name.padEnd(18)}${each.about}`).join("\n");
    throw new Error(`Cannot run "${name}": no such case. The cases are:\n${known}`);
  }
  return names.length === 0 ? CASES : CASES.filter(({ name }) => names.includes(name));
}

async function runBench(signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { quick: { type: "boolean", default: false }, out: { type: "string" } },
  });
  const cases = chosen(positionals);
  const whole = positionals.length === 0 && !values.quick;
  const out = values.out ?? (whole ? PAGE : undefined);
  const length = values.quick ? QUICK : FULL;
  const begun = performance.now();

  await ensurePrograms(say, signal);
  await raiseFileLimit(signal);
  const busy = await busyShare(signal);
  if (busy > 0.1) say(`Other programs keep ${(busy * 100).toFixed(0)} % of this machine busy.`);
  await using stack = new AsyncDisposableStack();
  const bench = await prepare(stack, length, signal);
  const sections: Section[] = [];
  for (const each of cases) {
    signal.throwIfAborted();
    const section = await each.run(bench);
    sections.push(section);
    say(`\n${sectionLines(section).join("\n\n")}`);
  }
  const bars = sections.flatMap((section) => section.bars);
  const rows = bars.map((bar) => [bar.what, bar.bar, bar.measured, bar.isMet ? "yes" : "NO"]);
  say(`\n${table(["", "Bar", "Measured", "Met"], rows)}`);
  if (out === undefined) return;
  const { nginx, haproxy, caddy, ours } = bench;
  const text = page({
    machine: await describeMachine(signal),
    proxies: [nginx, haproxy, caddy, ours].map(({ name, version }) => `${name} ${version}`),
    date: new Date().toISOString().slice(0, 10),
    ...length,
    busy,
    minutes: (performance.now() - begun) / 60_000,
  }, sections);
  await Deno.writeTextFile(out, text);
  // The house formats Markdown too, and a stale format would fail the gate.
  await outputOf(
    Deno.execPath(),
    ["fmt", "--quiet", "--config", join(ROOT, "deno.json"), out],
    signal,
  );
  say(`\nWritten to ${out}`);
}

if (import.meta.main) {
  const stop = new AbortController();
  const interrupt = () => stop.abort(new DOMException("Interrupted", "AbortError"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    await runBench(AbortSignal.any([stop.signal, AbortSignal.timeout(TIME_LIMIT_MS)]));
  } catch (error) {
    console.error(`bench: ${messageOf(error)}`);
    Deno.exitCode = stop.signal.aborted ? 130 : 1;
  }
  Deno.removeSignalListener("SIGINT", interrupt);
  Deno.removeSignalListener("SIGTERM", interrupt);
}
