/**
 * A cluster as it is on machines: each node has a network and an engine of its own, and all that one
 * reaches of the other is its private port.
 * @module
 */
import { strict as assert } from "node:assert";
import type { NodeStatus } from "../../lib/contract/v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { OwnEngine } from "../support/docker/own_engine.ts";
import { EXECUTABLE } from "../support/executable.ts";
import { failures, goodShare, quantileMs, SteadyLoad } from "../support/http/steady_load.ts";
import { lacksNamespaces, Namespace, wire } from "../support/namespaces.ts";
import type { TestNode } from "../support/node.ts";
import { lacksPostgres, PASSWORD, ROLE, sharedPostgres } from "../support/postgres.ts";

const ignore = lacksPostgres() || lacksNamespaces();
const PRIVATE_PORT = "8374";
const PER_SECOND = 50;

/** One of the two machines. */
interface Machine {
  readonly namespace: Namespace;
  readonly engine: OwnEngine;
  /** Its address as the test sees it, and as the other machine does. */
  readonly publicAddress: string;
  readonly peerAddress: string;
  /** The end of the wire to the other machine. */
  readonly device: string;
}

/** Two machines and a node on each. */
class Machines implements AsyncDisposable {
  private constructor(
    readonly machines: readonly [Machine, Machine],
    readonly cluster: TestCluster,
    readonly stack: AsyncDisposableStack,
  ) {}

  static async start(): Promise<Machines> {
    await using stack = new AsyncDisposableStack();
    const net = `10.213.${Deno.pid % 256}`;
    const namespaces = [
      stack.use(await Namespace.make()),
      stack.use(await Namespace.make()),
    ] as const;
    const [first, second] = namespaces;
    const devices = await wire(
      { namespace: first, address: `${net}.9` },
      { namespace: second, address: `${net}.10` },
    );
    const machines = await Promise.all(namespaces.map(async (namespace, n): Promise<Machine> => {
      const publicAddress = `${net}.${4 * n + 2}`;
      await wire({ address: `${net}.${4 * n + 1}` }, { namespace, address: publicAddress });
      const engine = stack.use(await OwnEngine.start(namespace, `172.30.${n}.1`));
      const peerAddress = `${net}.${9 + n}`;
      const machine = { namespace, engine, publicAddress, peerAddress, device: devices[n]! };
      await closeBut(machine, PRIVATE_PORT);
      return machine;
    })) as [Machine, Machine];
    const { directory, port } = await sharedPostgres();
    const cluster = stack.use(
      await TestCluster.start({
        nodes: 2,
        // A socket is where all see the same files.
        dsnOf: ({ name }) =>
          `postgres://${ROLE}:${encodeURIComponent(PASSWORD)}@localhost:${port}/${name}` +
          `?host=${directory}`,
        envOf: (n) => ({
          MAEL_PRIVATE_PORT: PRIVATE_PORT,
          MAEL_PEER_URL: `http://${machines[n]!.peerAddress}:${PRIVATE_PORT}`,
          MAEL_NODE_LABELS: `machine=${n}`,
        }),
        nodeOf: (n) => {
          const { namespace, engine, publicAddress } = machines[n]!;
          return {
            program: [...namespace.enter, EXECUTABLE],
            engine: engine.host,
            address: publicAddress,
          };
        },
      }),
    );
    return new Machines(machines, cluster, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

/** Nothing but `port` is open to the other machine. */
async function closeBut({ namespace, device }: Machine, port: string): Promise<void> {
  const from = ["--in-interface", device];
  const answers = ["--match", "conntrack", "--ctstate", "ESTABLISHED"];
  const rules = [
    ["INPUT", ...from, "--protocol", "tcp", "--dport", port, "--jump", "ACCEPT"],
    ["INPUT", ...from, ...answers, "--jump", "ACCEPT"],
    ["INPUT", ...from, "--jump", "DROP"],
    ["FORWARD", ...from, "--jump", "DROP"],
  ];
  for (const [chain = "", ...rule] of rules) {
    await namespace.run("iptables", ["--wait", "--append", chain, ...rule]);
  }
}

/** The private port refuses the other machine, which it still reaches, until the result is called. */
async function refuse({ namespace, device }: Machine, port: string): Promise<() => Promise<void>> {
  const rule = ["--in-interface", device, "--protocol", "tcp", "--dport", port, "--jump", "REJECT"];
  const how = ["--reject-with", "tcp-reset"];
  await namespace.run("iptables", ["--wait", "--insert", "INPUT", ...rule, ...how]);
  return async () => {
    await namespace.run("iptables", ["--wait", "--delete", "INPUT", ...rule, ...how]);
  };
}

async function whoami(node: TestNode): Promise<string> {
  const response = await fetch(`${node.url}/shop/whoami`);
  assert.equal(response.status, 200);
  return (await response.json()).hostname;
}

Deno.test(
  { name: "walk: a request reaches a container in a network that its node does not reach", ignore },
  async () => {
    await using stage = await Machines.start();
    const [here, there] = stage.cluster.nodes as [TestNode, TestNode];
    await here.putSample("shop", {}, { constraints: ["machine=1"] });
    const seen = new Set<string>();
    for (const node of [here, there, here]) seen.add(await whoami(node));
    assert.equal(seen.size, 1, "one container answered all");
    assert.deepEqual(await here.containers(), []);
    await there.hasContainers(1);
    const [container] = await there.docker.listContainers({}, AbortSignal.timeout(9000));
    const address = container?.addresses["bridge"] ?? "";
    assert.match(address, /^172\.30\.1\./);
    const [machine, other] = stage.machines;
    assert.equal(await machine.namespace.hasWayTo(address), false);
    assert.equal(await machine.namespace.hasWayTo(other.peerAddress), true);
    await here.putSample("shop", {}, { constraints: ["machine=0"] });
    await here.hasContainers(1);
    await there.hasContainers(0);
    assert.equal(seen.has(await whoami(there)), false);
  },
);

Deno.test(
  { name: "walk: a node that refuses a peer it can reach costs nobody an answer", ignore },
  async () => {
    await using stage = await Machines.start();
    const [here, there] = stage.cluster.nodes as [TestNode, TestNode];
    await here.run(["node", "cordon", here.nodeId]);
    await here.putSample("shop");
    await whoami(here);
    await there.hasContainers(1);
    await here.run(["node", "uncordon", here.nodeId]);
    await using load = new SteadyLoad([here, there].map(({ url }) => `${url}/shop/whoami`), 50);
    await load.reaches(PER_SECOND);
    const mend = await refuse(stage.machines[1], PRIVATE_PORT);
    await here.hasContainers(1);
    await here.seen(({ message, peer }) => message === "peer is not used" && peer === there.nodeId);
    await load.reaches(load.results.length + 4 * PER_SECOND);
    await mend();
    await until(10_000, "the node to be used again", async () => {
      const nodes: (NodeStatus & { unusedReason?: string; isSilent: boolean })[] = JSON.parse(
        await here.run(["node", "ls", "--json"]),
      );
      return nodes.every(({ unusedReason, isSilent }) => !unusedReason && !isSilent) || undefined;
    });
    await load.reaches(load.results.length + 2 * PER_SECOND);
    const results = await load.stop();
    console.log(
      `one way refused: ${results.length} requests, ${
        (100 * goodShare(results)).toFixed(2)
      } % answered 200, p50 ${quantileMs(results, 0.5).toFixed(1)} ms, slowest ${
        quantileMs(results, 1).toFixed(0)
      } ms`,
    );
    assert.equal(goodShare(results), 1, failures(results).join("\n"));
  },
);
