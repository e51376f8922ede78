/**
 * `deno task quickstart`: from a fresh clone to a request that started a container. Makes sure a
 * Docker Engine answers, builds the sample image, starts a node, registers the sample component,
 * makes the first request and shows what happened. Running it twice is fine. With `--once` it ends
 * after the demonstration and cleans up.
 * @module
 */
import { join } from "node:path";
import { DEFAULT_DOCKER_HOST, DockerClient } from "../../lib/docker/client.ts";
import { messageOf } from "../../lib/errors.ts";
import { ensureEngine } from "./engine.ts";
import { ensureSampleImage } from "./image.ts";

const ROOT = join(import.meta.dirname!, "../..");
const MAIN = join(ROOT, "main.ts");
const READY_LIMIT_MS = 30_000;
const GONE_LIMIT_MS = 30_000;

const say = (text: string) => console.log(text);

/** The node of the demonstration: a child process and where it is. */
interface Node {
  readonly process: Deno.ChildProcess;
  readonly publicPort: number;
  readonly env: Record<string, string>;
  /** The phases of the first start, when the daemon has told them. */
  readonly served: Promise<Record<string, unknown>>;
}

async function main(args: readonly string[]): Promise<number> {
  const once = args.includes("--once");
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  const { signal } = stop;
  await ensureEngine({ say, signal });
  using docker = new DockerClient({ host: Deno.env.get("DOCKER_HOST") || DEFAULT_DOCKER_HOST });
  const image = await ensureSampleImage(docker, { say, signal });
  await using node = await startNode(signal);
  await demonstrate(node, image);
  if (once) {
    await cleanUp(node, docker, signal);
    return 0;
  }
  say(`
The node goes on until you press Ctrl-C. In another terminal, try:

  curl http://localhost:${node.publicPort}/hello/
  curl http://localhost:${node.publicPort}/hello/sleep?ms=500
  export MAEL_DATA_DIR=${node.env.MAEL_DATA_DIR}
  npx --yes deno@${Deno.version.deno} run -A main.ts ps
`);
  await Promise.race([node.process.status, aborted(signal)]);
  await cleanUp(node, docker, new AbortController().signal);
  return 0;
}

async function startNode(signal: AbortSignal): Promise<Node & AsyncDisposable> {
  const [publicPort, privatePort] = [freePort(8080), freePort(8374)];
  const env = {
    MAEL_DATA_DIR: join(ROOT, ".quickstart"),
    MAEL_PUBLIC_PORT: String(publicPort),
    MAEL_PRIVATE_PORT: String(privatePort),
    MAEL_LOG_FORMAT: "json",
  };
  say(`Starting a node: public port ${publicPort}, private port ${privatePort}`);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "daemon"],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    // Ctrl-C goes to the whole group of processes; the node must live until the cleaning up.
    detached: true,
  }).spawn();
  const ready = Promise.withResolvers<void>();
  const served = Promise.withResolvers<Record<string, unknown>>();
  const reading = readLog(process.stderr, (line) => {
    if (line.message === "node ready") ready.resolve();
    if (line.message === "instance serves") served.resolve(line);
    if (line.level === "warn" || line.level === "error") say(`  node: ${line.message}`);
    if (typeof line.message !== "string") say(`  ${line}`);
  });
  const ended = process.status.then(({ code }) => {
    throw new Error(`the node ended with exit code ${code}`);
  });
  ended.catch(() => {});
  await Promise.race([ready.promise, ended, failAfter(READY_LIMIT_MS, "the node is not ready")]);
  signal.throwIfAborted();
  return {
    process,
    publicPort,
    env,
    served: served.promise,
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGTERM");
      } catch {
        // It has ended already.
      }
      await process.status;
      await reading;
    },
  };
}

async function demonstrate(node: Node, image: string): Promise<void> {
  const put = [
    ...["comp", "put", "hello", "--image", image, "--port", "8080"],
    ...["--health", "/health", "--concurrency", "10", "--idle", "30"],
  ];
  await command(node, put);
  await command(node, [
    "es",
    "put",
    "hello",
    "--component",
    "hello",
    "--path",
    "/hello/",
    "--strip-prefix",
  ]);
  const url = `http://localhost:${node.publicPort}/hello/`;
  const cold = await request(url);
  const warm = await request(url);
  const served = await Promise.race([node.served, failAfter(5000, "no instance was reported")]);
  const { createMs, startMs, readyMs } = served as Record<string, number>;
  say(`
$ curl ${url}
${cold.body.trim()}

The first request took ${ms(cold.tookMs)}, because nothing was running:
  ${ms(createMs!).padStart(7)}  Docker created the container
  ${ms(startMs!).padStart(7)}  Docker started it
  ${ms(readyMs!).padStart(7)}  the application came up and answered its health check
  ${ms(cold.tookMs - createMs! - startMs! - readyMs!).padStart(7)}  everything else
The second took ${ms(warm.tookMs)}.
`);
  await command(node, ["ps"]);
}

async function request(url: string): Promise<{ body: string; tookMs: number }> {
  const begun = performance.now();
  const response = await fetch(url);
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body}`);
  return { body, tookMs: performance.now() - begun };
}

/** Runs the command line tool and shows what was typed and printed. */
async function command({ env }: Node, args: readonly string[]): Promise<void> {
  say(`$ maelstrom ${args.join(" ")}`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env,
  }).output();
  const decoder = new TextDecoder();
  say(decoder.decode(stdout).trimEnd());
  if (code !== 0) throw new Error(decoder.decode(stderr).trim());
}

async function cleanUp(node: Node, docker: DockerClient, signal: AbortSignal): Promise<void> {
  await command(node, ["comp", "rm", "hello"]);
  const endMs = performance.now() + GONE_LIMIT_MS;
  const labels = ["maelstrom_component=hello", `maelstrom_node=${await nodeId(node)}`];
  while ((await docker.listContainers({ labels, all: true }, signal)).length > 0) {
    if (performance.now() > endMs) throw new Error("the container was not removed in time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  say("Removed the component and its container.");
}

async function nodeId({ env }: Node): Promise<string> {
  return (await Deno.readTextFile(join(env.MAEL_DATA_DIR!, "node.id"))).trim();
}

async function readLog(
  stream: ReadableStream<Uint8Array>,
  tell: (line: Record<string, unknown>) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("{")) tell(JSON.parse(line));
      // The first start of all fetches packages.
      else if (line !== "" && !line.startsWith("Download ")) say(`  node: ${line}`);
    }
  }
}

/** `wanted`, or any free port when somebody uses that. */
function freePort(wanted: number): number {
  for (const port of [wanted, 0]) {
    try {
      using listener = Deno.listen({ hostname: "0.0.0.0", port });
      return listener.addr.port;
    } catch (error) {
      if (port === 0) throw error;
    }
  }
  throw new Error("no free port");
}

function failAfter(limitMs: number, what: string): Promise<never> {
  const error = new Error(`${what} after ${limitMs / 1000} s`);
  return new Promise((_, reject) => setTimeout(() => reject(error), limitMs));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(`quickstart: ${messageOf(error)}`);
  Deno.exit(1);
}
