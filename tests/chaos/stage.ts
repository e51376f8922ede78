/**
 * A cluster in which everything can be broken: nodes, the ways between them, the way to the
 * database, and the database. Keeps a record of what was done.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { TestCluster } from "../support/cluster.ts";
import type { TestNode } from "../support/node.ts";
import { PostgresServer } from "../support/postgres.ts";
import { TcpRelay } from "../support/tcp_relay.ts";
import type { Fault } from "./fault_plan.ts";
import { type Entry, entryOf, merge } from "./history.ts";
import { PeerNetwork } from "./peer_network.ts";

const never = new AbortController().signal;
const RESTART_PAUSE_MS = 500;
const RESTART_LIMIT_MS = 60_000;

/** A stretch of time in which something was broken. Times are in milliseconds since 1970. */
export interface Outage {
  readonly what: string;
  readonly fromMs: number;
  toMs: number;
}

/** The cluster. */
export class Stage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #done: Entry[] = [];
  // What breaks the same thing waits for its turn.
  readonly #turns = new Map<string, Promise<void>>();
  /** What was broken, and when. */
  readonly outages: Outage[] = [];

  private constructor(
    stack: AsyncDisposableStack,
    readonly server: PostgresServer,
    readonly network: PeerNetwork,
    readonly relays: readonly TcpRelay[],
    readonly cluster: TestCluster,
  ) {
    this.#stack = stack;
  }

  /** A cluster of `nodes` that know each other; `env` are settings of them all. */
  static async start(nodes: number, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(await PostgresServer.start());
    const network = stack.use(new PeerNetwork(nodes));
    const relays = Array.from({ length: nodes }, () => stack.use(new TcpRelay(server.port)));
    const cluster = stack.use(
      await TestCluster.start({
        nodes,
        server,
        env: { MAEL_LOG_LEVEL: "debug", ...env },
        envOf: (index) => network.envOf(index),
        dsnOf: ({ name }, index) => server.dsn(name, { port: relays[index]!.port }),
      }),
    );
    return new Stage(stack.move(), server, network, relays, cluster);
  }

  get nodes(): readonly TestNode[] {
    return this.cluster.nodes;
  }

  /** What happened until now. */
  history(): Entry[] {
    const told = this.nodes.map(({ nodeId, log }) =>
      log.flatMap((line) => entryOf(nodeId, line) ?? [])
    );
    return merge(this.#done, ...told);
  }

  /** Performs `planned` from its begin to its end, once what it breaks is whole. */
  async perform(planned: Fault): Promise<void> {
    const fault = planned.isOwner && planned.kind !== "part"
      ? { ...planned, node: this.#owner() ?? planned.node }
      : planned;
    const thing = thingOf(fault);
    const turn = (this.#turns.get(thing) ?? Promise.resolve()).then(() => this.#perform(fault));
    this.#turns.set(thing, turn);
    await turn;
  }

  /** Index of the node that won placement last. */
  #owner(): number | undefined {
    const won = this.history().findLast((entry) =>
      entry.kind === "won" && entry.role === "placement"
    );
    const index = this.nodes.findIndex(({ nodeId }) => nodeId === won?.node);
    return index < 0 ? undefined : index;
  }

  /** Has node `index` stand still until the result is called. */
  freeze(index: number): () => void {
    const node = this.nodes[index]!;
    this.#record(node, "frozen");
    node.signal("SIGSTOP");
    return () => {
      node.signal("SIGCONT");
      this.#record(node, "thawed");
    };
  }

  /** Ends node `index` without warning. */
  async kill(index: number): Promise<void> {
    const node = this.nodes[index]!;
    this.network.refuse(index);
    await node.kill();
    this.#record(node, "ended");
  }

  /** Starts node `index` again, as systemd does: again and again while it cannot start. */
  async start(index: number): Promise<void> {
    await this.#start(this.nodes[index]!);
    this.network.accept(index);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #perform(fault: Fault): Promise<void> {
    const { kind, node, other, lastsMs } = fault;
    const beside = kind === "part" ? ` and ${other}` : "";
    const what = kind === "restart" ? "restart" : `${kind} ${node}${beside}`;
    const outage: Outage = { what, fromMs: Date.now(), toMs: Infinity };
    this.outages.push(outage);
    const mend = await this.#break(fault);
    await pause(lastsMs, never);
    await mend();
    outage.toMs = Date.now();
  }

  /** Breaks something; the result mends it. */
  async #break({ kind, node, other }: Fault): Promise<() => void | Promise<void>> {
    switch (kind) {
      case "kill":
        await this.kill(node);
        return () => this.start(node);
      case "freeze":
        return this.freeze(node);
      case "cut":
        this.relays[node]!.stall();
        return () => this.relays[node]!.flow();
      case "part":
        return this.network.part(
          [node, this.nodes[node]!.nodeId],
          [other, this.nodes[other]!.nodeId],
        );
      case "restart":
        await this.server.stop("immediate");
        return () => this.server.resume();
    }
  }

  async #start(node: TestNode): Promise<void> {
    const endMs = performance.now() + RESTART_LIMIT_MS;
    for (;;) {
      try {
        return await node.start();
      } catch (error) {
        if (performance.now() > endMs) throw error;
        // One that is slow to start may still run.
        await node.kill().catch(() => {});
        await pause(RESTART_PAUSE_MS, never);
      }
    }
  }

  #record({ nodeId }: TestNode, kind: "frozen" | "thawed" | "ended"): void {
    this.#done.push({ atMs: Date.now(), node: nodeId, kind });
  }
}

/** What a fault breaks. */
function thingOf({ kind, node, other }: Fault): string {
  if (kind === "restart") return "the database";
  return kind === "part" ? `parting ${[node, other].sort()}` : `node ${node}`;
}
