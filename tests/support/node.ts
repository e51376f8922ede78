/**
 * A daemon of the executable under test, with a data directory, ports and a node id of its own, so
 * that walks run beside each other. Its containers go when it is disposed.
 * @module
 */
import { DockerClient } from "../../lib/docker/client.ts";
import { ensureSampleImage } from "../../examples/quickstart/image.ts";
import { EngineLine } from "./docker/engine_line.ts";
import { removeLabelled, testDockerHost } from "./docker/labelled.ts";
import { EXECUTABLE } from "./executable.ts";
import { freePorts } from "./ports.ts";

const READY_LIMIT_MS = 20_000;
const SEEN_LIMIT_MS = 30_000;
const FINISH_LIMIT_MS = 30_000;

/** One line of the daemon's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** What a command of the CLI came to. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command of the CLI is run. */
export interface CommandOptions {
  /** Adds to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd?: string;
}

/** How a test's node differs from the usual. */
export interface NodeOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where the daemon finds the tests' engine, when that is not its own address. */
  readonly dockerHost?: string;
  /** Address of an engine that is not the tests' one. */
  readonly engine?: string;
  /** Peers of the same machine find it. */
  readonly isClustered?: boolean;
  /** What runs as its daemon instead of the executable under test. */
  readonly program?: Program;
  /** Where its public port listens. @default {"127.0.0.1"} */
  readonly address?: string;
}

/** A command and its first arguments. */
export type Program = readonly [command: string, ...args: readonly string[]];

/** A node under test. */
export class TestNode implements AsyncDisposable {
  readonly dataDir: string;
  readonly nodeId = `test-${crypto.randomUUID().slice(0, 8)}`;
  readonly publicPort: number;
  readonly privatePort: number;
  /** The engine that it has its containers in. */
  readonly docker: DockerClient;
  readonly log: LogLine[] = [];
  readonly #options: NodeOptions;
  /** The daemon's way to the engine, unless a test has plans with that. */
  readonly #line: EngineLine | undefined;
  readonly #waiting = new Set<() => void>();
  #process: Deno.ChildProcess | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(dataDir: string, options: NodeOptions) {
    this.dataDir = dataDir;
    this.#options = options;
    [this.publicPort, this.privatePort] = freePorts(2) as [number, number];
    const host = options.engine ?? testDockerHost;
    this.docker = new DockerClient({ host });
    const [, socket] = /^unix:\/\/(.+)$/.exec(host) ?? [];
    if (socket && !options.dockerHost) this.#line = new EngineLine(`${dataDir}.sock`, socket);
  }

  /** A node that is ready for requests. */
  static async start(options: NodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(await Deno.makeTempDir({ prefix: "maelstrom-" }), options);
    try {
      await node.start();
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  get url(): string {
    return `http://${this.#address}:${this.publicPort}`;
  }

  get #address(): string {
    return this.#options.address ?? "127.0.0.1";
  }

  get pid(): number {
    return this.#process!.pid;
  }

  /** Starts the daemon again after {@linkcode kill} or {@linkcode stop}. */
  async start(): Promise<void> {
    const from = this.log.length;
    const [command, ...args] = this.#options.program ?? [EXECUTABLE];
    const process = new Deno.Command(command, {
      args: [...args, "daemon"],
      env: this.env(),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#process = process;
    this.#reading = this.#read(process.stderr);
    const ready = this.seen((line) => line.message === "node ready", { from, ms: READY_LIMIT_MS });
    const ended = process.status.then(({ code }) => {
      throw new Error(`daemon ended with ${code}: ${JSON.stringify(this.log.slice(from))}`);
    });
    ended.catch(() => {});
    await Promise.race([ready, ended]);
  }

  /** The environment of the daemon, and of commands that talk to it. */
  env(): Record<string, string> {
    const host = this.#options.engine ?? testDockerHost;
    return {
      MAEL_DATA_DIR: this.dataDir,
      MAEL_NODE_ID: this.nodeId,
      MAEL_PUBLIC_PORT: String(this.publicPort),
      MAEL_PUBLIC_ADDR: this.#address,
      MAEL_PRIVATE_PORT: String(this.privatePort),
      MAEL_LOG_FORMAT: "json",
      DOCKER_HOST: this.#line ? `unix://${this.#line.path}` : this.#options.dockerHost ?? host,
      NO_COLOR: "1",
      ...(this.#options.isClustered
        ? { MAEL_PEER_URL: `http://127.0.0.1:${this.privatePort}` }
        : {}),
      ...this.#options.env,
    };
  }

  /** Ends the daemon without warning. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Has the daemon stand still, or go on; whoever talks to it hears nothing. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process!.kill(name);
  }

  /** Ends the daemon as systemd does; gives its exit code. */
  async stop(): Promise<number | undefined> {
    return await this.#end("SIGTERM");
  }

  /** Runs a command of the CLI against this node. */
  async cli(
    args: readonly string[],
    stdin?: string | Uint8Array,
    { env = {}, cwd }: CommandOptions = {},
  ): Promise<CommandResult> {
    const process = new Deno.Command(EXECUTABLE, {
      args: [...args],
      env: { ...this.env(), ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (stdin !== undefined) {
      const writer = process.stdin.getWriter();
      const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
      await writer.write(bytes).then(() => writer.close()).catch(() => {});
    }
    const { code, stdout, stderr } = await process.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Runs a command that must succeed; gives what it printed. */
  async run(
    args: readonly string[],
    stdin?: string,
    options: CommandOptions = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.cli(args, stdin, options);
    if (code !== 0) throw new Error(`${args.join(" ")}: exit ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Puts a component of the sample image, and an event source that sends it `/<name>/…`. */
  async putSample(name: string, docker: object = {}, component: object = {}): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    const image = await ensureSampleImage(this.docker, { say: () => {}, signal });
    const http = { image, httpPort: 8080, httpHealthCheckPath: "/health" };
    await this.run(
      ["comp", "put", "-f", "-"],
      JSON.stringify({ name, maxConcurrency: 100, docker: { ...http, ...docker }, ...component }),
    );
    const path = ["--path", `/${name}/`, "--strip-prefix"];
    await this.run(["es", "put", `${name}_http`, "--component", name, ...path]);
  }

  /** Puts many components like {@linkcode putSample} does, at once. */
  async putSamples(names: readonly string[], docker: object = {}): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    const image = await ensureSampleImage(this.docker, { say: () => {}, signal });
    const http = { image, httpPort: 8080, httpHealthCheckPath: "/health", ...docker };
    const documents = (list: readonly object[]) =>
      list.map((one) => JSON.stringify(one)).join("\n---\n");
    await this.run(
      ["comp", "put", "-f", "-"],
      documents(names.map((name) => ({ name, docker: http }))),
    );
    await this.run(
      ["es", "put", "-f", "-"],
      documents(names.map((name) => ({
        name: `${name}_http`,
        componentName: name,
        http: { pathPrefix: `/${name}/`, stripPrefix: true },
      }))),
    );
  }

  /** The first log line, from index `from` on, for which `match` holds; waits for it. */
  async seen(
    match: (line: LogLine) => boolean,
    { from = 0, ms = SEEN_LIMIT_MS }: { from?: number; ms?: number } = {},
  ): Promise<LogLine> {
    const find = () => this.log.slice(from).find(match);
    const endMs = performance.now() + ms;
    for (let found = find();; found = find()) {
      if (found) return found;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        const tail = this.log.slice(-8).map((line) => JSON.stringify(line)).join("\n");
        throw new Error(`nothing in the log matches ${match}; it ends with:\n${tail}`);
      }
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, leftMs);
        this.#waiting.add(done);
      });
    }
  }

  /** Names of this node's containers, running or not. */
  async containers(): Promise<string[]> {
    const labels = [`maelstrom_node=${this.nodeId}`];
    const listed = await this.docker.listContainers(
      { labels, all: true },
      AbortSignal.timeout(9000),
    );
    return listed.map(({ name }) => name);
  }

  /** Resolves when the node has exactly `count` containers. */
  async hasContainers(count: number): Promise<string[]> {
    const endMs = performance.now() + SEEN_LIMIT_MS;
    while (true) {
      const names = await this.containers();
      if (names.length === count) return names;
      if (performance.now() > endMs) {
        const lines = this.log.slice(-40).map((line) => JSON.stringify(line)).join("\n");
        throw new Error(`has ${names.join(" ")}, not ${count}; its log ends with\n${lines}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the daemon and removes what it leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(this.dataDir, { recursive: true }));
    if (this.#line) stack.use(this.#line);
    stack.use(this.docker);
    stack.defer(() => this.#removeContainers());
    await this.kill();
  }

  /** A creation that was under way when the daemon ended makes a container that was not there yet. */
  async #removeContainers(): Promise<void> {
    const remove = () => removeLabelled(this.docker, `maelstrom_node=${this.nodeId}`);
    await remove();
    await this.#line?.finish(FINISH_LIMIT_MS);
    if (this.#line) await remove();
  }

  async #end(signal: Deno.Signal): Promise<number | undefined> {
    const process = this.#process;
    this.#process = undefined;
    try {
      process?.kill(signal);
    } catch {
      // It had ended already; the log tells why.
      const tail = this.log.slice(-20).map(({ message }) => message).join("\n");
      throw new Error(`the daemon ended by itself; its log ends with:\n${tail}`);
    } finally {
      await this.#reading;
    }
    return (await process?.status)?.code;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.log.push(parse(line));
      for (const done of [...this.#waiting]) done();
    }
  }
}

function parse(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { level: "raw", message: line };
  }
}
