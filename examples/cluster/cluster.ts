/**
 * `deno task cluster`: three nodes on this machine that share one PostgreSQL, to try out. Installs
 * what is missing (as root), puts the sample component, shows what runs, and goes on until Ctrl-C;
 * with `--once` it ends after the demonstration. Leaves nothing behind.
 * @module
 */
import { join } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import type { TestCluster } from "../../tests/support/cluster.ts";
import { ensurePostgres } from "../../tests/support/postgres.ts";
import { ensureEngine } from "../quickstart/engine.ts";

// The nodes run from the sources, so that nothing has to be built; it is read when it is loaded.
Deno.env.set("DENO", Deno.execPath());
Deno.env.set("MAELSTROM_BIN", join(import.meta.dirname!, "maelstrom.sh"));
const support = await import("../../tests/support/cluster.ts");

const ROOT = join(import.meta.dirname!, "../..");
const NODES = 3;

const say = (text: string) => console.log(text);

async function main(once: boolean): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  await ensureEngine({ say, signal: stop.signal });
  await ensurePostgres(say);
  say(`Starting PostgreSQL and ${NODES} nodes`);
  await using cluster = await support.TestCluster.start({ nodes: NODES });
  await demonstrate(cluster);
  if (once) return;
  const [first] = cluster.nodes;
  say(`
The nodes go on until you press Ctrl-C. In another terminal, in this folder:

  export MAEL_DATA_DIR=${first!.dataDir}
  alias maelstrom='npx --yes deno@${Deno.version.deno} run -A ${join(ROOT, "main.ts")}'
  maelstrom ps --watch
  maelstrom node drain ${cluster.nodes[1]!.nodeId}
  kill -9 ${cluster.nodes[2]!.pid}    # one of the nodes
`);
  await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
}

async function demonstrate(cluster: TestCluster): Promise<void> {
  const [first] = cluster.nodes;
  await first!.putSample("hello", {}, { minInstances: 2, RestartOrder: "startstop" });
  await support.until(30_000, "two instances", async () => {
    const instances = JSON.parse(await first!.run(["ps", "--json"])) as { status: string }[];
    return instances.filter(({ status }) => status === "active").length === 2 ? true : undefined;
  });
  for (const args of [["node", "ls"], ["ps"]]) {
    say(`$ maelstrom ${args.join(" ")}\n${(await first!.run(args)).trimEnd()}\n`);
  }
  for (const { url } of cluster.nodes) {
    const response = await fetch(`${url}/hello/`);
    say(`$ curl ${url}/hello/\n${(await response.text()).trim()}\n`);
  }
}

try {
  await main(Deno.args.includes("--once"));
  Deno.exit(0);
} catch (error) {
  console.error(`cluster: ${messageOf(error)}`);
  Deno.exit(1);
}
