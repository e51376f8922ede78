/**
 * Several daemons that share one database, each with ports, a data directory and a node id of its
 * own, on one Docker Engine. What they leave goes when the cluster is disposed.
 * @module
 */
import type { NodeStatus } from "../../lib/contract/v1.ts";
import { type NodeOptions, TestNode } from "./node.ts";
import { type PostgresDatabase, type PostgresServer, sharedPostgres } from "./postgres.ts";

const MEET_LIMIT_MS = 20_000;

/** How a test's cluster differs from the usual. */
export interface ClusterOptions {
  readonly nodes: number;
  /** The server of its database, if a test has plans with it. */
  readonly server?: PostgresServer;
  /** Settings of every node. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of node `index`. */
  readonly envOf?: (index: number) => Readonly<Record<string, string>>;
  /** What else node `index` differs in: what it runs, where, and which engine it has. */
  readonly nodeOf?: (index: number) => Omit<NodeOptions, "env">;
  /** Where node `index` finds the database, when that is not to be its own address. */
  readonly dsnOf?: (database: PostgresDatabase, index: number) => string;
}

/** A cluster under test. */
export class TestCluster implements AsyncDisposable {
  readonly nodes: TestNode[] = [];
  readonly #options: ClusterOptions;
  readonly #key = crypto.randomUUID();
  readonly #stack = new AsyncDisposableStack();

  private constructor(readonly database: PostgresDatabase, options: ClusterOptions) {
    this.#options = options;
    this.#stack.use(database);
  }

  /** A cluster whose nodes all know each other. */
  static async start(options: ClusterOptions): Promise<TestCluster> {
    const server = options.server ?? await sharedPostgres();
    const cluster = new TestCluster(await server.database(), options);
    try {
      const starts = Array.from(
        { length: options.nodes },
        (_, index) => cluster.#start(index, options.nodeOf?.(index)),
      );
      for (const start of await Promise.allSettled(starts)) {
        if (start.status === "fulfilled") cluster.#add(start.value);
      }
      await Promise.all(starts);
      for (const node of cluster.nodes) await cluster.known(node, options.nodes);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** One more node; nobody has to know it yet. */
  async join(options: Omit<NodeOptions, "env"> = {}): Promise<TestNode> {
    return this.#add(await this.#start(this.nodes.length, options));
  }

  #start(index: number, options: Omit<NodeOptions, "env"> = {}): Promise<TestNode> {
    const { dsnOf, env, envOf } = this.#options;
    return TestNode.start({
      env: {
        MAEL_SQL_DSN: dsnOf?.(this.database, index) ?? this.database.dsn,
        MAEL_CLUSTER_KEY: this.#key,
        MAEL_PRIVATE_ADDR: "0.0.0.0",
        ...env,
        ...envOf?.(index),
      },
      isClustered: true,
      ...options,
    });
  }

  #add(node: TestNode): TestNode {
    this.#stack.use(node);
    this.nodes.push(node);
    return node;
  }

  /** What `node` knows of all nodes, once it is as many as `count`. */
  async known(node: TestNode, count: number): Promise<readonly NodeStatus[]> {
    return await until(
      MEET_LIMIT_MS,
      `${node.nodeId} to know ${count} nodes`,
      async () => {
        const nodes: NodeStatus[] = JSON.parse(await node.run(["node", "ls", "--json"]));
        return nodes.length === count ? nodes : undefined;
      },
    );
  }

  /** The node that owns `role`, as `asked` knows it. */
  async owner(role: string, asked: TestNode = this.nodes[0]!): Promise<TestNode> {
    return await until(MEET_LIMIT_MS, `an owner of ${role}`, async () => {
      const nodes: NodeStatus[] = JSON.parse(await asked.run(["node", "ls", "--json"]));
      const owner = nodes.find(({ roles }) => roles.some((held) => held.role === role));
      return this.nodes.find(({ nodeId }) => nodeId === owner?.nodeId);
    });
  }

  /** Ends every daemon and drops the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    // All at once: whoever is left would begin to start what the others ran.
    const ends = await Promise.allSettled(this.nodes.map((node) => node.kill()));
    await this.#stack[Symbol.asyncDispose]();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}

/** What `look` finds, looking again until it finds something. */
export async function until<T>(
  limitMs: number,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  while (true) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
