import assert from "node:assert/strict";
import { cfgMethods } from "../../../daemon/api/cfg.ts";
import { componentMethods } from "../../../daemon/api/components.ts";
import { projectMethods } from "../../../daemon/api/projects.ts";
import { callRpc, type Methods } from "../../../daemon/api/rpc.ts";
import { NamedValues } from "../../../daemon/secrets/named_values.ts";
import { PullPasswords } from "../../../daemon/secrets/pull_passwords.ts";
import { SecretKey } from "../../../daemon/secrets/secret_key.ts";
import { Catalog } from "../../../daemon/store/catalog.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import { createLog } from "../../../lib/log.ts";
import { ADMINISTRATOR } from "../../../lib/rpc/caller.ts";
import { component } from "../../contracts/store_values.ts";
import { NO_FACTS } from "../../support/builders.ts";

/** The methods on values, components and projects over an empty database of one test's own. */
async function setUp() {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-cfg-" });
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const logged: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => logged.push(line) });
  const driver = await openSqlite(`${path}/maelstrom.db`, { log });
  const store = stack.use(new Store(driver, { nodeId: "node-1" }));
  const catalog = stack.use(new Catalog(store, { log }));
  const { signal } = new AbortController();
  await catalog.start(signal);
  const key = await SecretKey.load("", `${path}/secret.key`);
  const sealed = () => catalog.current.cfg.filter(({ secret }) => secret).map(({ value }) => value);
  const named = new NamedValues(key, log, sealed);
  const passwords = new PullPasswords(key, sealed);
  catalog.subscribe(() => named.use(catalog.current.cfg));
  const methods = {
    ...cfgMethods(store, catalog, named),
    ...componentMethods(store, catalog, passwords, NO_FACTS),
    ...projectMethods(store, catalog, passwords),
  } as Methods;
  const replies: string[] = [];
  const call = async (name: string, input: object) => {
    const body = { jsonrpc: "2.0", id: 1, method: `MaelstromService.${name}`, params: [input] };
    const context = { methods, log, caller: ADMINISTRATOR };
    const reply = await callRpc(JSON.stringify(body), context, signal);
    replies.push(reply.body);
    return JSON.parse(reply.body);
  };
  const put = (...values: object[]) => call("PutCfg", { values });
  return {
    path,
    store,
    catalog,
    named,
    call,
    put,
    said: () => [...replies, ...logged].join("\n"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function using(name: string, value: string) {
  return { component: component(name, { environment: [{ name: "A", value }] }) };
}

Deno.test("PutCfg gives the users of a changed value new versions, in effect once answered", async () => {
  await using node = await setUp();
  await node.put({ name: "A", value: "1" }, { name: "B", value: "1" });
  await node.call("PutComponent", using("both", "${cfg:A}${cfg:B}"));
  await node.call("PutComponent", using("none", "$${cfg:A}"));
  const { result } = await node.put({ name: "A", value: "2" }, { name: "B", value: "2" });
  assert.deepEqual(result, {
    changed: [{ name: "A", secret: false, version: 2 }, { name: "B", secret: false, version: 2 }],
    components: [{ name: "both", version: 2 }],
  });
  assert.equal(node.catalog.current.componentByName.get("both")?.component.version, 2);
  assert.equal(node.named.resolve("${cfg:A}"), "2");
  const same = await node.put({ name: "A", value: "2" });
  assert.deepEqual(same.result, { changed: [], components: [] });
});

Deno.test("ListCfg tells versions and users", async () => {
  await using node = await setUp();
  await node.put({ name: "A", value: "1" });
  await node.put({ name: "A", value: "2" });
  await node.call("PutComponent", using("shop", "${cfg:A}"));
  const { result } = await node.call("ListCfg", {});
  const [{ modifiedAt, ...info }] = result.values;
  assert.ok(Math.abs(Date.now() - modifiedAt) < 60_000);
  assert.deepEqual(info, { name: "A", value: "2", secret: false, version: 2, usedBy: ["shop"] });
  assert.deepEqual((await node.call("GetCfg", { name: "A" })).result.cfg.value, "2");
  assert.equal((await node.call("GetCfg", { name: "B" })).error.code, 1003);
});

Deno.test("A secret is sealed in the database and in no answer, error or log", async () => {
  await using node = await setUp();
  const secrets = ["hunter2-first", "hunter2-second", "hunter2\0nul", "hunter2".repeat(10_000)];
  await node.put({ name: "PASS", value: secrets[0], secret: true });
  await node.call("PutComponent", using("shop", "x${cfg:PASS}y"));
  assert.equal(node.named.resolve("x${cfg:PASS}y"), "xhunter2-firsty");
  await node.put({ name: "PASS", value: secrets[1], secret: true });
  await node.put({ name: "PASS", value: secrets[1], secret: "yes" });
  for (const value of secrets.slice(2)) {
    assert.equal((await node.put({ name: "PASS", value, secret: true })).error.code, 1001);
  }
  await node.put({ name: "1 bad", value: secrets[0], secret: true });
  await node.call("PutComponent", using("other", "${cfg:MISSING}"));
  for (const method of ["ListCfg", "GetComponent", "ListComponents", "ListComponentVersions"]) {
    await node.call(method, { name: "shop" });
  }
  await node.call("RollbackComponent", { name: "shop" });
  assert.equal((await node.call("GetCfg", { name: "PASS" })).error.code, 1005);
  assert.ok(!node.said().includes("hunter2"), node.said());
  const [stored] = await node.store.listCfg();
  assert.deepEqual([stored?.secret, stored?.version], [true, 2]);
  await node.store[Symbol.asyncDispose]();
  for await (const { name, isFile } of Deno.readDir(node.path)) {
    if (!isFile) continue;
    const bytes = await Deno.readFile(`${node.path}/${name}`);
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes("hunter2"), name);
  }
});

Deno.test("PutCfg of the same secret changes nothing, though each seal differs", async () => {
  await using node = await setUp();
  await node.put({ name: "PASS", value: "hunter2", secret: true });
  await node.call("PutComponent", using("shop", "${cfg:PASS}"));
  const before = await node.store.listCfg();
  const again = await node.put({ name: "PASS", value: "hunter2", secret: true });
  assert.deepEqual(again.result, { changed: [], components: [] });
  assert.deepEqual(await node.store.listCfg(), before);
});

Deno.test("PutCfg without the flag leaves a secret alone, whether or not the value is its", async () => {
  await using node = await setUp();
  await node.put({ name: "PASS", value: "hunter2", secret: true });
  const before = await node.store.listCfg();
  for (const value of ["hunter2", "other"]) {
    assert.equal(
      (await node.put({ name: "PASS", value })).error.message,
      'Cannot put value "PASS": it is secret; put it with --secret, or remove it first',
    );
  }
  assert.deepEqual(await node.store.listCfg(), before);
});

Deno.test("PutCfg that only makes a value secret rolls nothing out", async () => {
  await using node = await setUp();
  await node.put({ name: "PASS", value: "hunter2" });
  await node.call("PutComponent", using("shop", "${cfg:PASS}"));
  const { result } = await node.put({ name: "PASS", value: "hunter2", secret: true });
  assert.deepEqual(result, {
    changed: [{ name: "PASS", secret: true, version: 2 }],
    components: [],
  });
  assert.equal(node.named.redact("hunter2"), "***");
});

Deno.test("PutCfg puts all or nothing and refuses a name given twice", async () => {
  await using node = await setUp();
  const short = await node.put({ name: "A", value: "1" }, {
    name: "B",
    value: "abc",
    secret: true,
  });
  assert.match(short.error.message, /^Cannot put secret "B": must have at least 4 characters/);
  const twice = await node.put({ name: "A", value: "1" }, { name: "A", value: "2" });
  assert.equal(twice.error.message, 'input.values[1].name is given twice: "A"');
  assert.deepEqual((await node.call("ListCfg", {})).result.values, []);
});

Deno.test("RemoveCfg is refused while used, PutComponent and PutProject while missing", async () => {
  await using node = await setUp();
  const missing = await node.call("PutComponent", using("shop", "${cfg:A}"));
  assert.equal(missing.error.code, 1001);
  assert.match(missing.error.message, /refers to \$\{cfg:A\}, and there is no such value/);
  const project = {
    name: "p",
    components: [{ component: using("web", "${cfg:A}").component, eventSources: [] }],
  };
  for (const diffOnly of [true, false]) {
    const { error } = await node.call("PutProject", { project, diffOnly });
    assert.match(error.message, /^Cannot put "p_web": .*\$\{cfg:A\}/);
  }
  await node.put({ name: "A", value: "1" });
  assert.equal((await node.call("PutProject", { project })).error, undefined);
  const used = await node.call("RemoveCfg", { name: "A" });
  assert.deepEqual([used.error.code, used.error.message], [
    1007,
    'Cannot remove value "A": used by p_web',
  ]);
  await node.call("RemoveProject", { name: "p" });
  assert.deepEqual((await node.call("RemoveCfg", { name: "A" })).result, {
    name: "A",
    found: true,
  });
  assert.equal((await node.call("RemoveCfg", { name: "A" })).result.found, false);
});

Deno.test("RollbackComponent and ListComponentVersions tell what changed", async () => {
  await using node = await setUp();
  const environment = [{ name: "PASS", value: "shown to nobody" }];
  await node.call("PutComponent", { component: component("shop") });
  const docker = { image: "shop:8", httpPort: 8080 };
  await node.call("PutComponent", {
    component: component("Shop", { version: 1, docker, environment }),
  });
  const versions = (await node.call("ListComponentVersions", { name: "SHOP" })).result.versions;
  assert.deepEqual(
    versions.map(({ version, image }: { version: number; image: string }) => [
      version,
      image,
    ]),
    [[2, "shop:8"], [1, "shop:7"]],
  );
  assert.deepEqual(versions[0].changes, [
    { path: "docker.image", change: "changed", old: "shop:7", new: "shop:8" },
    { path: "environment.PASS", change: "added", secret: true },
  ]);
  const { result } = await node.call("RollbackComponent", { name: "shop" });
  assert.deepEqual([result.version, result.restoredVersion, result.replacedVersion], [3, 1, 2]);
  assert.deepEqual(result.changes[0], {
    path: "docker.image",
    change: "changed",
    old: "shop:8",
    new: "shop:7",
  });
  assert.equal(node.catalog.current.componentByName.get("shop")?.component.docker.image, "shop:7");
  for (
    const [input, code] of [
      [{ name: "absent" }, 1003],
      [{ name: "shop", version: 9 }, 1003],
      [{ name: "shop", version: 3 }, 1001],
      [{ name: "shop", version: 0 }, 1001],
      [{}, 1001],
    ] as const
  ) {
    assert.equal((await node.call("RollbackComponent", input)).error.code, code);
  }
  assert.equal((await node.call("ListComponentVersions", { name: "absent" })).error.code, 1003);
});
