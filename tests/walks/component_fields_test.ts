/**
 * Every field of a component acts. Each key of the contract has a case here, or names the test that
 * has it; another client of the engine is the witness of what reached the engine.
 */
import assert from "node:assert/strict";
import {
  type Component,
  componentSchema,
  type DockerComponent,
  dockerComponentSchema,
} from "../../lib/contract/v1.ts";
import { type Said, witness } from "../support/docker/witness.ts";
import { TestNode } from "../support/node.ts";
import { freePorts } from "../support/ports.ts";

const LIMIT_MS = 30_000;
const MIB = 2 ** 20;

/** A node with one component that has many fields set, and what there is to see of it. */
interface World {
  readonly node: TestNode;
  /** What the engine says of the container. */
  readonly rich: Said;
  /** What its process sees. */
  readonly inside: Said;
  readonly settings: { readonly port: number; readonly network: string; readonly volume: string };
}

/** Proves that a field acts, or names the file that does. */
type Case = ((world: World) => void | Promise<void>) | `tests/${string}_test.ts`;

/** Run in the container: what its process may and sees, as JSON. */
const LOOK = `
  const text = (path) => Deno.readTextFileSync(path);
  const status = Object.fromEntries(text("/proc/self/status").trim().split("\\n")
    .map((line) => line.split(":").map((part) => part.trim())));
  let isWritable = true;
  try { Deno.writeTextFileSync("/mnt/bind/new", ""); } catch { isWritable = false; }
  Deno.writeTextFileSync("/scratch/new", "");
  console.log(JSON.stringify({
    uid: Deno.uid(),
    gid: Deno.gid(),
    hostname: Deno.hostname(),
    files: /Max open files +(\\d+) +(\\d+)/.exec(text("/proc/self/limits")).slice(1),
    bounding: status.CapBnd,
    first: text("/proc/1/comm").trim(),
    resolver: text("/etc/resolv.conf"),
    domain: text("/proc/sys/kernel/domainname").trim(),
    note: text("/mnt/bind/note"),
    isWritable,
    mounts: text("/proc/self/mounts"),
  }));`;

async function openWorld(stack: AsyncDisposableStack): Promise<World> {
  const [port] = freePorts(1) as [number];
  const name = `maelstrom-fields-${crypto.randomUUID().slice(0, 8)}`;
  const settings = { port, network: name, volume: name };
  const network = await witness().createNetwork({ Name: name });
  stack.defer(async () => void await network.remove());
  // A container that was never made left none.
  stack.defer(async () => void await witness().getVolume(name).remove().catch(() => {}));
  const node = stack.use(
    await TestNode.start({ env: { MAEL_NODE_LABELS: "zone=a", MAEL_HOST_MOUNTS: "/tmp" } }),
  );
  const folder = `${node.dataDir}/mounted`;
  await Deno.mkdir(folder);
  await Deno.chmod(folder, 0o777);
  await Deno.writeTextFile(`${folder}/note`, "from the machine");
  const docker: Partial<DockerComponent> = {
    entrypoint: ["/bin/deno"],
    command: ["run", "-A", "--no-config", "--cached-only", "--no-check", "/app.ts", "marker"],
    ports: [`127.0.0.1:${port}:8080`],
    volumes: [
      { source: folder, target: "/mnt/bind", readOnly: true },
      { type: "tmpfs", source: "", target: "/scratch" },
      { type: "volume", source: name, target: "/mnt/volume" },
    ],
    networkName: name,
    logDriver: "local",
    logDriverOptions: [{ name: "max-size", value: "1m" }],
    cpuShares: 512,
    reserveMemoryMiB: 96,
    limitMemoryMiB: 192,
    dns: ["192.0.2.53"],
    dnsOptions: ["ndots:3"],
    dnsSearch: ["svc.example.com"],
    ulimits: ["nofile=2048:4096"],
    init: true,
    hostname: "front",
    domainname: "example.com",
    user: "12:34",
    capadd: ["NET_ADMIN"],
    capdrop: ["MKNOD"],
  };
  await node.putSample("rich", docker, {
    projectName: "demo",
    environment: [
      { name: "GREETING", value: "hello ${you} 'and' me" },
      { name: "MAELSTROM_COMPONENT_NAME", value: "forged" },
    ],
    minInstances: 1,
  });
  await served(node, "rich");
  const [container] = await containersOf(node, "rich");
  const { stdout, stderr } = await node.docker.exec(
    container!,
    ["/bin/deno", "eval", "--no-config", LOOK],
    { timeoutMs: LIMIT_MS, signal: AbortSignal.timeout(LIMIT_MS) },
  );
  assert.ok(stdout.startsWith("{"), stderr);
  const rich = await witness().getContainer(container!).inspect();
  return { node, rich, inside: JSON.parse(stdout), settings };
}

/** Resolves when `count` instances of `component` have begun to serve; gives their log lines. */
async function served(node: TestNode, component: string, count = 1) {
  const lines = () =>
    node.log.filter((line) => line.message === "instance serves" && line.component === component);
  await node.seen(() => lines().length >= count);
  return lines();
}

async function containersOf(node: TestNode, component: string): Promise<string[]> {
  const labels = [`maelstrom_node=${node.nodeId}`, `maelstrom_component=${component}`];
  const listed = await node.docker.listContainers({ labels }, AbortSignal.timeout(LIMIT_MS));
  return listed.map(({ name }) => name);
}

async function get(node: TestNode, path: string, init?: RequestInit): Promise<Response> {
  return await fetch(`${node.url}/${path}`, init);
}

async function statusOf(node: TestNode, path: string, init?: RequestInit): Promise<number> {
  const response = await get(node, path, init);
  await response.body?.cancel();
  return response.status;
}

/** Polls until `look` gives something. */
async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < endMs, `never seen: ${what}`);
  }
}

/** Sends three slow requests to the one instance; resolves when `inFlight` are there, and no more. */
async function admits(node: TestNode, name: string, inFlight: number, fields: object) {
  await node.putSample(name, {}, { minInstances: 1, maxInstances: 1, ...fields });
  await served(node, name);
  const stop = new AbortController();
  const requests = [1, 2, 3].map(() =>
    statusOf(node, `${name}/sleep?seconds=60`, { signal: stop.signal }).catch(() => 0)
  );
  await eventually(async () => {
    const [status] = JSON.parse(await node.run(["node", "ls", "--json"]));
    const isMeant = ({ componentName }: Said) => componentName === name;
    const waiting = status.waiting.find(isMeant)?.count ?? 0;
    const seen = status.runningComponents.find(isMeant)?.inFlight;
    return (seen === inFlight && waiting === 3 - inFlight) || undefined;
  }, `${inFlight} requests at the instance of ${name}, the others waiting`);
  stop.abort();
  await Promise.all(requests);
}

/** Sends three slow requests at a time; gives how many instances served in the end. */
async function instancesUnderLoad(node: TestNode, name: string, fields: object): Promise<number> {
  await node.putSample(name, {}, { maxConcurrency: 1, ...fields });
  const statuses = await Promise.all(
    [1, 2, 3].map(() => statusOf(node, `${name}/sleep?ms=1500`)),
  );
  assert.deepEqual(statuses, [200, 200, 200]);
  return (await served(node, name)).length;
}

const includes = (found: string[], ...wanted: string[]) => {
  for (const entry of wanted) assert.ok(found.includes(entry), `${entry} in ${found}`);
};

const COMPONENT: Record<keyof Component, Case> = {
  name: ({ rich }) => {
    assert.equal(rich.Config.Labels.maelstrom_component, "rich");
    includes(rich.Config.Env, "MAELSTROM_COMPONENT_NAME=rich");
  },
  projectName: ({ rich }) => includes(rich.Config.Env, "MAELSTROM_PROJECT_NAME=demo"),
  environment: async ({ node, rich }) => {
    const greeting = await (await get(node, "rich/env?name=GREETING")).text();
    assert.equal(greeting, "hello ${you} 'and' me\n");
    assert.ok(!JSON.stringify(rich.Config.Env).includes("forged"), "names of ours are ours");
  },
  minInstances: async ({ node }) => {
    await node.putSample("min", {}, { minInstances: 2 });
    await served(node, "min", 2);
    assert.equal((await containersOf(node, "min")).length, 2);
  },
  maxInstances: async ({ node }) => {
    const [free, capped] = await Promise.all([
      instancesUnderLoad(node, "free", {}),
      instancesUnderLoad(node, "max", { maxInstances: 1 }),
    ]);
    assert.ok(free > 1, "the load asks for more than one");
    assert.equal(capped, 1);
  },
  maxInstancesPerNode: async ({ node }) => {
    assert.equal(await instancesUnderLoad(node, "pernode", { maxInstancesPerNode: 1 }), 1);
  },
  maxUnavailable: "tests/daemon/scheduler/placement_test.ts",
  constraints: async ({ node }) => {
    await node.putSample("here", {}, { constraints: ["zone=a"] });
    await node.putSample("elsewhere", {}, { constraints: ["zone=b"] });
    assert.equal(await statusOf(node, "here/"), 200);
    const response = await get(node, "elsewhere/");
    assert.equal(response.status, 503);
    assert.match(await response.text(), /zone/);
  },
  maxConcurrency: async ({ node }) => {
    await admits(node, "hard", 2, { maxConcurrency: 2 });
  },
  softConcurrencyLimit: async ({ node }) => {
    await admits(node, "soft", 3, { maxConcurrency: 2, softConcurrencyLimit: true });
  },
  scaleUpConcurrencyPct: async ({ node }) => {
    await node.putSample("eager", {}, { maxConcurrency: 10, scaleUpConcurrencyPct: 0.05 });
    const stop = new AbortController();
    const slow = statusOf(node, "eager/sleep?seconds=60", { signal: stop.signal }).catch(() => 0);
    await served(node, "eager", 2);
    stop.abort();
    await slow;
  },
  scaleDownConcurrencyPct: "tests/walks/scale_down_test.ts",
  maxDurationSeconds: async ({ node }) => {
    await node.putSample("brief", {}, { maxDurationSeconds: 1, minInstances: 1 });
    await served(node, "brief");
    assert.equal(await statusOf(node, "brief/sleep?seconds=60"), 504);
  },
  queueTimeoutSeconds: async ({ node }) => {
    const environment = [{ name: "APP_START_DELAY_MS", value: "600000" }];
    await node.putSample("queue", {}, { queueTimeoutSeconds: 1, environment });
    const begun = performance.now();
    assert.ok(await statusOf(node, "queue/") >= 500);
    assert.ok(performance.now() - begun < 20_000, "the start check would take a minute");
    await node.run(["comp", "rm", "queue"]);
  },
  firstByteTimeoutSeconds: async ({ node }) => {
    await node.putSample("slow", {}, { firstByteTimeoutSeconds: 1, minInstances: 1 });
    await served(node, "slow");
    assert.equal(await statusOf(node, "slow/sleep?seconds=60"), 504);
  },
  maxBodyBytes: async ({ node }) => {
    await node.putSample("small", {}, { maxBodyBytes: 4 });
    const post = (body: string) => statusOf(node, "small/echo", { method: "POST", body });
    assert.deepEqual([await post("1234"), await post("12345")], [200, 413]);
  },
  onColdStart: async ({ node }) => {
    await node.putSample("cold", {}, { onColdStart: "fail" });
    assert.equal(await statusOf(node, "cold/"), 503);
    await served(node, "cold");
    assert.equal(await statusOf(node, "cold/"), 200);
  },
  startParallelism: async ({ node }) => {
    await node.putSample("series", {}, { startParallelism: "series", minInstances: 2 });
    const [first, second] = await served(node, "series", 2);
    const servesAtMs = Date.parse(String(first!.time));
    assert.ok(Number(second!.startedAtMs) >= servesAtMs, "one after the other");
  },
  RestartOrder: "tests/walks/rollout_test.ts",
  version: async ({ node, rich }) => {
    assert.equal(rich.Config.Labels.maelstrom_version, "1");
    includes(rich.Config.Env, "MAELSTROM_COMPONENT_VERSION=1");
    await node.run(["comp", "put", "counted", "--image", "x:1", "--port", "80"]);
    const put = await node.run(["comp", "put", "counted", "--image", "x:2", "--port", "80"]);
    assert.match(put, /counted version 2/);
  },
  modifiedAt: async ({ node }) => {
    const list = JSON.parse(await node.run(["comp", "ls", "--json"]));
    const { modifiedAt } = list.find(({ name }: Said) => name === "rich");
    assert.ok(Math.abs(Date.now() - modifiedAt) < 10 * 60_000);
  },
  docker: ({ rich }) => assert.equal(rich.State.Running, true),
};

const DOCKER: Record<keyof DockerComponent, Case> = {
  image: ({ rich }) => assert.match(rich.Config.Image, /^maelstrom-sample:/),
  command: ({ rich }) => assert.equal(rich.Config.Cmd.at(-1), "marker"),
  entrypoint: ({ rich }) => assert.deepEqual(rich.Config.Entrypoint, ["/bin/deno"]),
  httpPort: async ({ node, rich }) => {
    assert.ok("8080/tcp" in rich.Config.ExposedPorts);
    const docker = { httpPort: 9090, httpStartHealthCheckSeconds: -1 };
    await node.putSample("deaf", docker, { minInstances: 1 });
    await served(node, "deaf");
    assert.ok(await statusOf(node, "deaf/") >= 502, "nothing listens on that port");
  },
  httpHealthCheckPath: async ({ node }) => {
    const path = "/status?code=418";
    await node.putSample("sick", { httpHealthCheckPath: path, httpStartHealthCheckSeconds: 1 });
    const message = await (await get(node, "sick/")).text();
    assert.match(message, /last check: status 418/);
  },
  httpStartHealthCheckSeconds: async ({ node }) => {
    const limits = { httpHealthCheckPath: "/fail", httpStartHealthCheckSeconds: 1 };
    await node.putSample("limited", limits);
    assert.match(await (await get(node, "limited/")).text(), /not healthy within 1 s/);
  },
  httpHealthCheckSeconds: "tests/walks/health_test.ts",
  httpHealthCheckMaxFailures: "tests/walks/health_test.ts",
  healthCheckFailedCommand: "tests/walks/health_test.ts",
  idleTimeoutSeconds: "tests/walks/first_request_test.ts",
  idleMode: "tests/walks/freeze_test.ts",
  frozenTimeoutSeconds: "tests/walks/freeze_test.ts",
  ports: async ({ settings: { port } }) => {
    const response = await fetch(`http://127.0.0.1:${port}/whoami`);
    assert.equal((await response.json()).component, "rich");
  },
  volumes: ({ rich, inside, settings: { volume } }) => {
    assert.equal(inside.note, "from the machine");
    assert.equal(inside.isWritable, false);
    assert.match(inside.mounts, /^tmpfs \/scratch tmpfs /m);
    const mount = rich.Mounts.find(({ Destination }: Said) => Destination === "/mnt/volume");
    assert.deepEqual([mount.Type, mount.Name, mount.RW], ["volume", volume, true]);
  },
  networkName: ({ rich, settings: { network } }) => {
    assert.deepEqual(Object.keys(rich.NetworkSettings.Networks), [network]);
  },
  logDriver: async ({ node, rich }) => {
    assert.equal(rich.HostConfig.LogConfig.Type, "local");
    await node.putSample("loud", { logDriver: "maelstrom" });
    assert.equal(await statusOf(node, "loud/log?text=heard"), 200);
    const said = await node.seen(({ line }) => line === "heard");
    assert.deepEqual([said.message, said.component, said.stream], [
      "component says",
      "loud",
      "stdout",
    ]);
  },
  logDriverOptions: ({ rich }) => {
    assert.deepEqual(rich.HostConfig.LogConfig.Config, { "max-size": "1m" });
  },
  cpuShares: ({ rich }) => assert.equal(rich.HostConfig.CpuShares, 512),
  reserveMemoryMiB: ({ rich }) => assert.equal(rich.HostConfig.MemoryReservation, 96 * MIB),
  limitMemoryMiB: ({ rich }) => assert.equal(rich.HostConfig.Memory, 192 * MIB),
  pullCommand: "tests/walks/pull_test.ts",
  pullUsername: "tests/walks/pull_test.ts",
  pullPassword: "tests/walks/pull_test.ts",
  pullImageOnPut: "tests/walks/pull_test.ts",
  pullImageOnStart: "tests/walks/pull_test.ts",
  dns: ({ rich }) => assert.deepEqual(rich.HostConfig.Dns, ["192.0.2.53"]),
  dnsOptions: ({ rich, inside }) => {
    assert.deepEqual(rich.HostConfig.DnsOptions, ["ndots:3"]);
    assert.match(inside.resolver, /^options .*ndots:3/m);
  },
  dnsSearch: ({ inside }) => assert.match(inside.resolver, /^search svc\.example\.com$/m),
  ulimits: ({ rich, inside }) => {
    assert.deepEqual(rich.HostConfig.Ulimits, [{ Name: "nofile", Soft: 2048, Hard: 4096 }]);
    // The runtime raises the soft limit as far as it may.
    assert.equal(inside.files[1], "4096");
  },
  init: ({ rich, inside }) => {
    assert.equal(rich.HostConfig.Init, true);
    assert.notEqual(inside.first, "deno");
  },
  hostname: ({ inside }) => assert.match(inside.hostname, /^front\b/),
  domainname: ({ rich, inside }) => {
    assert.equal(rich.Config.Domainname, "example.com");
    assert.equal(inside.domain, "example.com");
  },
  user: ({ inside }) => assert.deepEqual([inside.uid, inside.gid], [12, 34]),
  capadd: ({ inside }) => assert.equal(mayUse(inside.bounding, 12), true, "NET_ADMIN"),
  capdrop: ({ inside }) => assert.equal(mayUse(inside.bounding, 27), false, "MKNOD"),
};

/** Source: capability.h, the numbers of capabilities. */
function mayUse(bounding: string, capability: number): boolean {
  return (BigInt(`0x${bounding}`) >> BigInt(capability) & 1n) === 1n;
}

Deno.test("component fields: each has a case, and each file that is named speaks of its field", async () => {
  for (
    const [cases, shape] of [
      [COMPONENT, componentSchema.shape],
      [DOCKER, dockerComponentSchema.shape],
    ] as const
  ) {
    assert.deepEqual(Object.keys(cases).toSorted(), Object.keys(shape).toSorted());
    for (const [field, found] of Object.entries(cases)) {
      if (typeof found !== "string") continue;
      const text = await Deno.readTextFile(new URL(`../../${found}`, import.meta.url));
      assert.ok(new RegExp(`\\b${field}\\b`).test(text), `${found} says nothing of ${field}`);
    }
  }
});

Deno.test("walk: every field of a component acts", async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await openWorld(stack);
  for (const [prefix, cases] of [["", COMPONENT], ["docker.", DOCKER]] as const) {
    for (const [field, act] of Object.entries(cases)) {
      if (typeof act === "string") continue;
      await t.step(`${prefix}${field}`, async () => await act(world));
    }
  }
});
