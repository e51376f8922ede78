/**
 * The proxy half of a node for tests: real worker threads and the routers that lend them places, in
 * front of instances that the test speaks for. No store and no Docker.
 * @module
 */
import { ProxyWorkers } from "../../daemon/gateway/proxy_workers.ts";
import { loadSettings } from "../../daemon/config.ts";
import { QueueBudget } from "../../daemon/router/queue.ts";
import { Routers } from "../../daemon/router/router.ts";
import { TokenDesk } from "../../daemon/router/token_desk.ts";
import type { DesiredState } from "../../daemon/store/store.ts";
import type { WorkerSetup } from "../../daemon/worker.ts";
import { createLog } from "../../lib/log.ts";
import { type ComponentParts, eventSource, stored } from "./builders.ts";
import { freePorts } from "./ports.ts";

const MAIN = new URL("../../main.ts", import.meta.url);

/** How {@linkcode ProxyNode} is started. */
export interface ProxyNodeOptions {
  readonly workers: number;
  readonly component?: ComponentParts;
  /** Flags of the daemon. */
  readonly args?: readonly string[];
}

/** Workers on a port of loopback that serve the component `shop`. */
export class ProxyNode implements AsyncDisposable {
  readonly logged: string[] = [];
  readonly written: string[] = [];
  /** Every thread that was started. */
  readonly threads: Worker[] = [];
  readonly verified: string[] = [];
  readonly port: number;
  readonly routers: Routers;
  readonly desk: TokenDesk;
  workers!: ProxyWorkers<WorkerSetup>;
  readonly #component: ComponentParts;
  readonly #folder = Deno.makeTempDirSync({ prefix: "proxy-node-" });
  #onLog: () => void = () => {};

  private constructor(port: number, component: ComponentParts) {
    this.port = port;
    this.#component = component;
    this.desk = new TokenDesk((component) => this.routers.of(component));
    this.routers = new Routers({
      queueMax: 10_000,
      queueBudget: new QueueBudget(100_000),
      wake: () => {},
      blocked: () => undefined,
      thaw: () => {},
      verify: (id) => this.verified.push(id),
      verifyPeer: () => {},
      now: () => Date.now(),
      lender: this.desk,
    });
  }

  /** Starts the workers; they serve when it resolves. */
  static async start(options: ProxyNodeOptions): Promise<ProxyNode> {
    const [port] = freePorts(1);
    const node = new ProxyNode(port!, options.component ?? {});
    const flags = ["--public-port", `${port}`, "--public-addr", "127.0.0.1"];
    const { settings } = loadSettings({
      args: [...flags, ...(options.args ?? [])],
      env: {},
      readFile: () => "",
    });
    node.workers = await ProxyWorkers.start({
      count: options.workers,
      lifelineOf: (number) => `${node.#folder}/${number}.sock`,
      setup: {
        settings,
        workers: options.workers,
        relay: { nodeId: "one", clusterKey: "a key of sixteen" },
      },
      spawn: (number) => {
        const thread = new Worker(MAIN, { type: "module", name: `proxy ${number}` });
        node.threads.push(thread);
        return thread;
      },
      state: node.state(),
      desk: node.desk,
      write: (text) => {
        node.written.push(text);
        return Promise.resolve();
      },
      log: createLog({ level: "info", format: "text", write: (line) => node.#log(line) }),
    });
    return node;
  }

  /** The desired state: the component, at every path. */
  state(): DesiredState {
    return {
      components: [stored(this.#component)],
      eventSources: [{ eventSource: eventSource(), enabled: true }],
      cfg: [],
    };
  }

  /** An instance of `shop` that listens on `port` of loopback is in this state. */
  report(
    id: string,
    port: number,
    status: "active" | "stopping" = "active",
    admits: number = this.#component.maxConcurrency ?? 1,
  ): void {
    this.routers.follow(id, {
      id,
      component: "shop",
      version: 1,
      uid: "u1",
      status,
      address: { hostname: "127.0.0.1", port },
      admits,
      maxConcurrency: 1,
      reserveMemoryMiB: 128,
      sinceMs: Date.now(),
    });
  }

  /** Resolves when `count` lines of the log contain `text`. */
  async seen(text: string, count = 1): Promise<void> {
    while (this.logged.filter((line) => line.includes(text)).length < count) {
      await new Promise<void>((resolve) => this.#onLog = resolve);
    }
  }

  #log(line: string): void {
    this.logged.push(line);
    this.#onLog();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workers[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
