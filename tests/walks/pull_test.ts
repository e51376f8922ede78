/** Images from a registry: how they get to the node, and what is told meanwhile. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { until } from "../support/cluster.ts";
import { PULL } from "../support/docker/pull.ts";
import { ARCHITECTURE, OTHER_ARCHITECTURE } from "../support/docker/elf.ts";
import { labelled } from "../support/docker/labelled.ts";
import { lyingEngine } from "../support/docker/lying_engine.ts";
import { type Registry, startRegistry } from "../support/docker/registry.ts";
import { witness } from "../support/docker/witness.ts";
import { type NodeOptions, TestNode } from "../support/node.ts";

const LOGIN = { pullUsername: "anna", pullPassword: "s3cret-of-anna" };

interface Setting extends AsyncDisposable {
  readonly node: TestNode;
  readonly registry: Registry;
  /** Puts a component whose instances listen to nothing: they serve as soon as they run. */
  readonly put: (name: string, docker?: object, component?: object) => Promise<string>;
}

async function setUp(options: NodeOptions = {}, user: object = {}): Promise<Setting> {
  const stack = new AsyncDisposableStack();
  const { docker } = stack.use(labelled());
  const registry = stack.use(await startRegistry(user));
  stack.defer(() => registry.clean(docker));
  const node = stack.use(await TestNode.start(options));
  const put = (name: string, docker: object = {}, component: object = {}) => {
    // With an init the program ends at a signal, which the first process would not see.
    const fixed = { httpPort: 80, httpStartHealthCheckSeconds: -1, httpHealthCheckSeconds: 3600 };
    const value = {
      name,
      ...component,
      docker: { image: registry.ref, init: true, ...fixed, ...docker },
    };
    return node.run(["comp", "put", "-f", "-"], JSON.stringify(value));
  };
  return { node, registry, put, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** What `ps` says of `component`, as soon as `match` holds. */
async function psShows(node: TestNode, match: RegExp): Promise<string> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const shown = await node.run(["ps"]);
    if (match.test(shown)) return shown;
    assert.ok(performance.now() < endMs, `ps never showed ${match}, but:\n${shown}`);
  }
}

Deno.test("walk: an image that is not here is pulled; ps and the log tell how far it is", async () => {
  await using setting = await setUp();
  const { node, registry, put } = setting;
  const image = await registry.put("big", { layerBytes: 4 * 2 ** 20 });
  const release = registry.hold();
  await put("shop", { image }, { minInstances: 2 });
  await registry.held();
  const progress = `pulling ${image}, \\d+ %`;
  const shown = await psShows(node, new RegExp(`^shop +1 +starting .* ${progress}$`, "m"));
  assert.equal(shown.match(new RegExp(progress, "g"))?.length, 2, shown);
  release();
  await node.hasContainers(2);
  await psShows(node, /^shop +1 +active .*\d$/m);
  const end = await node.seen(({ message }) => message === "pulled image");
  assert.deepEqual([end.component, end.image, end.isNew], ["shop", image, true]);
  assert.ok(Number(end.sizeMiB) >= 4 && Number(end.ms) > 0);
  assert.equal(registry.pulls("big"), 1, "one pull for both instances");
});

Deno.test("walk: the old version serves until the new one's image is here", async () => {
  await using setting = await setUp();
  const { node, registry, put } = setting;
  await put("shop", {}, { minInstances: 1 });
  await node.seen(({ message }) => message === "instance serves");
  const [old] = await node.containers();
  await put("shop", { image: `${registry.address}/team/tiny:none` }, { minInstances: 1 });
  const told = await node.seen(({ message }) => /^Cannot start "shop": .*tiny:none/.test(message));
  assert.match(told.message, /manifest/);
  assert.deepEqual(await node.containers(), [old], "an image that does not exist stops nothing");
  const image = await registry.put("2");
  const release = registry.hold();
  await put("shop", { image }, { minInstances: 1 });
  await registry.held();
  const shown = await psShows(node, /pulling .*tiny:2/);
  assert.match(shown, /^shop +1 +active/m);
  release();
  await node.seen((line) => line.message === "instance serves" && line.version === 3);
  assert.ok(!(await node.hasContainers(1)).includes(old!));
});

Deno.test("walk: a component that is removed ends its pull", async () => {
  await using setting = await setUp();
  const { node, registry, put } = setting;
  const release = registry.hold();
  await put("shop", {}, { minInstances: 1 });
  await registry.held();
  await node.run(["comp", "rm", "shop"]);
  await registry.left();
  release();
  await node.hasContainers(0);
});

Deno.test("walk: an image is pulled on put, and shown when that fails", async () => {
  await using setting = await setUp();
  const { node, registry, put } = setting;
  await put("shop", { pullImageOnPut: true });
  await node.seen(({ message }) => message === "pulled image");
  assert.equal(registry.pulls(), 1);
  await put("shop", { pullImageOnPut: true, image: `${registry.address}/team/tiny:none` });
  await node.seen(({ message }) => message === "cannot pull image on put");
  const { status } = await api(node, "MaelstromService.GetComponent", { name: "shop" });
  assert.equal(status.failures.length, 1);
  assert.match(status.failures[0].message, /^Cannot pull image ".*tiny:none": .*manifest/);
  const told = /attempts?, next (in \d+ s|is due)/;
  assert.match(
    await node.run(["comp", "get", "shop"]),
    /^# version 2 is not pulled on .*manifest/m,
  );
  assert.match(await node.run(["comp", "get", "shop"]), told);
  assert.match(
    await node.run(["ps"]),
    /^shop +2 +failing .* attempt 1, next in \d+ s: Cannot pull/m,
  );
  await registry.put("none");
  await node.seen(({ message, image }) =>
    message === "pulled image" && String(image).endsWith(":none")
  );
  const isWell = async () =>
    !/not pulled/.test(await node.run(["comp", "get", "shop"])) || undefined;
  await until(5000, "the failure to be forgotten", isWell);
});

Deno.test("walk: an image is pulled on each start; without the registry the one here is used", async () => {
  const setting = await setUp();
  await using stack = new AsyncDisposableStack();
  stack.use(setting);
  const { node, registry, put } = setting;
  await put("shop", { pullImageOnStart: true }, { minInstances: 1 });
  const first = await imageOf((await node.hasContainers(1))[0]!);
  await node.run(["comp", "rm", "shop"]);
  await node.hasContainers(0);
  await registry.put("1");
  let from = node.log.length;
  await put("shop", { pullImageOnStart: true }, { minInstances: 1 });
  await node.seen(({ message }) => message === "instance serves", { from });
  const second = await imageOf((await node.hasContainers(1))[0]!);
  assert.notEqual(second, first, "the name leads to another image now");
  await registry[Symbol.asyncDispose]();
  from = node.log.length;
  await put("shop", { pullImageOnStart: true }, { minInstances: 1, maxConcurrency: 2 });
  await node.seen(({ message }) => /^cannot pull image, going on/.test(message), { from });
  await node.seen(({ message }) => message === "instance serves", { from });
  assert.equal(await imageOf((await node.hasContainers(1))[0]!), second);
});

Deno.test("walk: the registry's password pulls, is never shown, and survives get and put", async () => {
  await using setting = await setUp({}, {
    username: LOGIN.pullUsername,
    password: LOGIN.pullPassword,
  });
  const { node, registry, put } = setting;
  await put("shop", { ...LOGIN, pullPassword: "wrong-one" }, { minInstances: 1 });
  await node.seen(({ message }) =>
    /^Cannot start "shop": .*(unauthorized|basic auth)/i.test(message)
  );
  await put("shop", LOGIN, { minInstances: 1 });
  await node.hasContainers(1);
  const got = await node.run(["comp", "get", "shop"]);
  assert.match(got, /pullPassword: "\*\*\*"/);
  const json = await node.run(["comp", "get", "shop", "--json"]);
  const list = await node.run(["comp", "ls", "--json"]);
  const image = await registry.put("2");
  await node.run(["comp", "put", "-f", "-"], got.replace("team/tiny:1", "team/tiny:2"));
  await node.seen(({ message, version }) => message === "instance serves" && version === 3);
  assert.equal(registry.pulls("2"), 1, `${image} was pulled with the kept password`);
  const elsewhere = await node.cli(
    ["comp", "put", "-f", "-"],
    (await node.run(["comp", "get", "shop"])).replace(registry.address, "127.0.0.1:9"),
  );
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /the image comes from another registry; give the password itself/);
  const project = JSON.stringify({
    name: "p",
    components: { web: { image: registry.ref, httpport: 80, ...lowered(LOGIN) } },
  });
  const files = (await Array.fromAsync(Deno.readDir(node.dataDir)))
    .filter(({ name }) => name.startsWith("maelstrom.db"));
  const bytes = await Promise.all(
    files.map(({ name }) => Deno.readFile(`${node.dataDir}/${name}`)),
  );
  assert.ok(files.length > 0);
  const outputs = [
    ...bytes.map((part) => new TextDecoder("latin1").decode(part)),
    got,
    json,
    list,
    await node.run(["project", "put", "-f", "-", "--json"], project),
  ];
  const written = await node.run(["project", "get", "p"]);
  assert.match(await node.run(["project", "diff", "-f", "-"], written), /./);
  const { project: stored } = await api(node, "MaelstromService.GetProject", { name: "p" });
  outputs.push(written, JSON.stringify(stored), JSON.stringify(node.log));
  for (const output of outputs) assert.ok(!output.includes(LOGIN.pullPassword), output);
});

Deno.test("walk: a password that an older daemon stored in clear is sealed at the start, and pulls", async () => {
  await using setting = await setUp({}, {
    username: LOGIN.pullUsername,
    password: LOGIN.pullPassword,
  });
  const { node, registry, put } = setting;
  await put("shop", LOGIN, { minInstances: 1 });
  await node.hasContainers(1);
  await node.stop();
  const path = `${node.dataDir}/maelstrom.db`;
  const clear = `"pullPassword":"${LOGIN.pullPassword}"`;
  const database = new DatabaseSync(path);
  for (const table of ["component", "component_version"]) {
    const row = database.prepare(`select json from ${table}`).get()!;
    const json = String(row.json).replace(/"pullPassword":"sealed:[^"]*"/, clear);
    assert.ok(json.includes(clear));
    database.prepare(`update ${table} set json = ?`).run(json);
  }
  database.close();
  const from = node.log.length;
  await node.start();
  const sealed = await node.seen(({ message }) => message.startsWith("sealed the passwords"), {
    from,
  });
  assert.deepEqual(sealed.components, ["shop"]);
  assert.ok(!new TextDecoder("latin1").decode(await Deno.readFile(path)).includes(clear));
  assert.ok(!node.log.slice(from).some(({ message }) => message === "stopping instance"));
  await registry.put("2");
  const got = await node.run(["comp", "get", "shop"]);
  await node.run(["comp", "put", "-f", "-"], got.replace("team/tiny:1", "team/tiny:2"));
  await node.seen(({ message, version }) => message === "instance serves" && version === 2, {
    from,
  });
  assert.equal(registry.pulls("2"), 1, "pulled with the sealed password");
});

Deno.test("walk: an image for another kind of machine is refused with both platforms", async () => {
  await using setting = await setUp();
  const { node, registry, put } = setting;
  const [here, there] = [`linux/${ARCHITECTURE}`, `linux/${OTHER_ARCHITECTURE}`];
  const foreign = { architecture: OTHER_ARCHITECTURE };
  await put("listed", { image: await registry.put("listed", { ...foreign, isListed: true }) }, {
    minInstances: 1,
  });
  await put("plain", {
    image: await registry.put("plain", foreign),
    httpStartHealthCheckSeconds: 30,
  }, {
    minInstances: 1,
  });
  const listed = await node.seen(({ message }) => message.startsWith('Cannot start "listed"'));
  assert.match(
    listed.message,
    new RegExp(`does not have it for ${here}, which this machine is, only for ${there}$`),
  );
  const plain = await node.seen(({ message }) => /^Cannot start "plain"/.test(message));
  assert.match(
    plain.message,
    new RegExp(`; image ".*:plain" is for ${there}, this machine is ${here}$`),
  );
});

Deno.test("walk: a pull command runs only where the node allows it", async (t) => {
  await t.step("it is off unless the node says otherwise", async () => {
    await using setting = await setUp();
    await setting.put("shop", { pullCommand: PULL }, { minInstances: 1 });
    const told = await setting.node.seen(({ message }) => message.startsWith("Cannot start"));
    assert.match(
      told.message,
      /set MAEL_PULL_COMMAND=on for the daemon, or take the pullCommand out/,
    );
    assert.equal(setting.registry.pulls(), 0);
  });
  await t.step("it pulls, its lines are in the log, its password is not", async () => {
    await using setting = await setUp({ env: { MAEL_PULL_COMMAND: "on" } });
    const { node, registry, put } = setting;
    await put("shop", { pullCommand: PULL, ...LOGIN }, { minInstances: 1 });
    await node.hasContainers(1);
    assert.equal(registry.pulls(), 1);
    await node.seen(({ line }) => line === `pulls ${registry.ref} for anna`);
    await node.seen(({ line }) => line === "with ***");
  });
  await t.step("it is killed when the component is removed", async () => {
    await using setting = await setUp({ env: { MAEL_PULL_COMMAND: "on" } });
    const { node, put } = setting;
    await put("shop", { pullCommand: ["/bin/sh", "-c", "echo pid $$; exec sleep 600"] }, {
      minInstances: 1,
    });
    const { line } = await node.seen(({ line }) => String(line).startsWith("pid "));
    const pid = Number(String(line).slice(4));
    await node.run(["comp", "rm", "shop"]);
    await node.hasContainers(0);
    const endMs = performance.now() + 10_000;
    while (isAlive(pid)) {
      assert.ok(performance.now() < endMs, "the command still runs");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});

Deno.test("walk: a limit that the engine did not take fails the start", async () => {
  await using engine = await lyingEngine((said) => {
    said.HostConfig.CpuShares = 0;
    said.HostConfig.MemoryReservation = 0;
  });
  await using setting = await setUp({ dockerHost: engine.host });
  const { node, put } = setting;
  await put("plain", {}, { minInstances: 1 });
  await node.seen(({ message }) => message === "instance serves");
  await node.seen(({ message }) => message.startsWith("Docker did not take reserveMemoryMiB"));
  await put("shop", { cpuShares: 512 }, { minInstances: 1 });
  const told = await node.seen(({ message }) => message.startsWith('Cannot start "shop"'));
  assert.equal(
    told.message,
    'Cannot start "shop": Docker did not take cpuShares: asked for 512, it has nothing; ' +
      "take it out, or use an engine and kernel that know it (see docker info)",
  );
  await put("other", { reserveMemoryMiB: 64 }, { minInstances: 1 });
  await node.seen(({ message }) => /^Cannot start "other": .*reserveMemoryMiB/.test(message));
  assert.equal((await node.hasContainers(1)).length, 1, "what did not start is not left behind");
});

function lowered(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

async function imageOf(container: string): Promise<string> {
  return (await witness().getContainer(container).inspect()).Image;
}

// deno-lint-ignore no-explicit-any -- what the node says, looked at by each test as it likes
async function api(node: TestNode, method: string, input: object): Promise<any> {
  const proxy = { transport: "unix", path: `${node.dataDir}/control.sock` } as const;
  using client = Deno.createHttpClient({ proxy });
  const response = await fetch("http://127.0.0.1/_mael/v1", {
    client,
    method: "POST",
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: [input] }),
  });
  const { result, error } = await response.json();
  assert.equal(error, undefined);
  return result;
}
