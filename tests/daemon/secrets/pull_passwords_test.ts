import assert from "node:assert/strict";
import { componentMethods } from "../../../daemon/api/components.ts";
import { projectMethods } from "../../../daemon/api/projects.ts";
import { callRpc, type Methods } from "../../../daemon/api/rpc.ts";
import { PullPasswords, sealedPasswords } from "../../../daemon/secrets/pull_passwords.ts";
import { sealOldPasswords } from "../../../daemon/secrets/seal_old_passwords.ts";
import { SecretKey } from "../../../daemon/secrets/secret_key.ts";
import { Catalog } from "../../../daemon/store/catalog.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import type { Component } from "../../../lib/contract/v1.ts";
import { createLog } from "../../../lib/log.ts";
import { ADMINISTRATOR } from "../../../lib/rpc/caller.ts";
import { component } from "../../contracts/store_values.ts";
import { NO_FACTS } from "../../support/builders.ts";

const FIRST = "s3cret-of-anna";
const SECOND = "another-of-anna";

/** The methods on components and projects over a database of one test's own. */
async function setUp() {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-passwords-" });
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const said: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => said.push(line) });
  const driver = await openSqlite(`${path}/maelstrom.db`, { log });
  const store = stack.use(new Store(driver, { nodeId: "node-1" }));
  const catalog = stack.use(new Catalog(store, { log }));
  const { signal } = new AbortController();
  await catalog.start(signal);
  /** A node that has the key of `text`, or of the file when that is empty. */
  const node = async (text = "") => {
    const sealed = () =>
      catalog.current.components.flatMap(({ component }) => sealedPasswords(component));
    const passwords = new PullPasswords(
      await SecretKey.load(text, `${path}/secret.key`),
      sealed,
    );
    const methods = {
      ...componentMethods(store, catalog, passwords, NO_FACTS),
      ...projectMethods(store, catalog, passwords),
    } as Methods;
    const call = async (name: string, input: object) => {
      const body = { jsonrpc: "2.0", id: 1, method: `MaelstromService.${name}`, params: [input] };
      const context = { methods, log, caller: ADMINISTRATOR };
      const reply = await callRpc(JSON.stringify(body), context, signal);
      said.push(reply.body);
      return JSON.parse(reply.body);
    };
    return { passwords, call };
  };
  /** Everything in the files of the database, as one text. */
  const bytes = async () => {
    const files = (await Array.fromAsync(Deno.readDir(path)))
      .filter(({ name }) => name.startsWith("maelstrom.db"));
    const texts = files.map(({ name }) => Deno.readFile(`${path}/${name}`));
    return (await Promise.all(texts)).map((part) => new TextDecoder("latin1").decode(part)).join();
  };
  const stored = async (name: string) => (await store.getComponent(name))!.component;
  return {
    store,
    log,
    node,
    bytes,
    stored,
    said: () => said.join("\n"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function withPassword(name: string, pullPassword: string, version = 0, image = "shop:7") {
  const docker = { image, httpPort: 8080, pullUsername: "anna", pullPassword };
  return component(name, { version, docker });
}

function project(...components: Component[]) {
  return {
    name: "p",
    components: components.map((component) => ({ component, eventSources: [] })),
  };
}

Deno.test("PutComponent seals the password; neither file, answers nor log have it", async () => {
  await using setting = await setUp();
  const { call, passwords } = await setting.node();
  await call("PutComponent", { component: withPassword("shop", FIRST) });
  await call("PutComponent", { component: withPassword("shop", SECOND, 1) });
  await call("PutComponent", { component: withPassword("shop", "***", 2, "shop:8") });
  await call("PutProject", { project: project(withPassword("web", FIRST)) });
  const bytes = await setting.bytes();
  assert.match(bytes, /"pullPassword":"sealed:v1:/);
  await call("GetComponent", { name: "shop" });
  await call("ListComponents", {});
  await call("GetProject", { name: "p" });
  await call("ListComponentVersions", { name: "shop" });
  await call("RollbackComponent", { name: "shop", version: 1 });
  for (const password of [FIRST, SECOND]) {
    assert.ok(!bytes.includes(password), "the database has it");
    assert.ok(!setting.said().includes(password), "somebody was told");
  }
  assert.equal(passwords.textOf(await setting.stored("shop")), FIRST, "rolled back to it");
  assert.equal(passwords.textOf(await setting.stored("p_web")), FIRST);
});

Deno.test("PutComponent with *** keeps the sealed password, and the same one again is no change", async () => {
  await using setting = await setUp();
  const { call, passwords } = await setting.node();
  await call("PutComponent", { component: withPassword("shop", FIRST) });
  const { docker } = await setting.stored("shop");
  await call("PutComponent", { component: withPassword("shop", "***", 1) });
  await call("PutComponent", { component: withPassword("shop", FIRST, 2) });
  const now = await setting.stored("shop");
  assert.deepEqual(now.docker, docker);
  assert.equal(passwords.textOf(now), FIRST);
  const { result } = await call("ListComponentVersions", { name: "shop" });
  assert.deepEqual(result.versions.map(({ version }: { version: number }) => version), [3]);
});

Deno.test("PutProject compares passwords as they are, and tells none", async () => {
  await using setting = await setUp();
  const { call, passwords } = await setting.node();
  const put = async (password: string, diffOnly = false, image?: string) => {
    const input = project(withPassword("web", password, 0, image));
    const { result } = await call("PutProject", { project: input, diffOnly });
    return result.changes.flatMap(({ fields }: { fields: { path: string }[] }) =>
      fields.map(({ path }) => path)
    );
  };
  await put(FIRST);
  assert.deepEqual(await put(FIRST, true), []);
  assert.deepEqual(await put("***", true), []);
  assert.deepEqual(await put(SECOND, true), ["docker.pullPassword"]);
  assert.deepEqual(await put("***", false, "shop:8"), ["docker.image"]);
  assert.equal(passwords.textOf(await setting.stored("p_web")), FIRST);
  assert.deepEqual(await put(SECOND, false, "shop:8"), ["docker.pullPassword"]);
  assert.equal(passwords.textOf(await setting.stored("p_web")), SECOND);
  assert.ok(!`${setting.said()}${await setting.bytes()}`.includes(SECOND));
});

Deno.test("PutComponent takes a sealed text for a password like any other", async () => {
  await using setting = await setUp();
  const { call, passwords } = await setting.node();
  await call("PutComponent", { component: withPassword("shop", FIRST) });
  const { docker: { pullPassword = "" } } = await setting.stored("shop");
  await call("PutComponent", { component: withPassword("shop", pullPassword, 1, "evil:5000/x") });
  assert.equal(passwords.textOf(await setting.stored("shop")), pullPassword, "and opens it not");
});

Deno.test("a node with another key says which it lacks, keeps what it cannot open, seals nothing anew", async () => {
  await using setting = await setUp();
  const first = await setting.node(new Uint8Array(32).fill(1).toBase64());
  await first.call("PutComponent", { component: withPassword("shop", FIRST) });
  await first.call("PutProject", { project: project(withPassword("web", FIRST)) });
  const other = await setting.node();
  assert.equal(other.passwords.textOf(component("plain")), undefined);
  const sealed = await setting.stored("shop");
  assert.throws(() => other.passwords.textOf(sealed), {
    code: "start_failed",
    message: /^cannot open pullPassword of "shop": it is sealed with key \w{8}, this node has none/,
  });
  await other.call("PutComponent", { component: withPassword("shop", "***", 1, "shop:8") });
  await other.call("PutProject", { project: project(withPassword("web", "***", 0, "shop:8")) });
  assert.equal(first.passwords.textOf(await setting.stored("shop")), FIRST);
  assert.equal(first.passwords.textOf(await setting.stored("p_web")), FIRST);
  const { error } = await other.call("PutComponent", {
    component: withPassword("shop", SECOND, 2),
  });
  assert.match(error.message, /^Cannot seal: it is sealed with key /);
});

Deno.test("sealOldPasswords() seals what an older daemon stored, in every version and in the file", async () => {
  await using setting = await setUp();
  const { store, log } = setting;
  // As it was stored before passwords were sealed.
  let { version } = await store.putComponent(withPassword("shop", FIRST));
  ({ version } = await store.putComponent(withPassword("shop", FIRST, version, "shop:8")));
  await store.putComponent(withPassword("shop", SECOND, version));
  await store.putComponent(component("plain"));
  assert.ok((await setting.bytes()).includes(FIRST));
  const { passwords, call } = await setting.node();
  assert.equal(await sealOldPasswords(store, passwords, { mayMakeKey: false, log }), false);
  assert.match(setting.said(), /in clear: this node has no secret key/);
  assert.equal(passwords.textOf(await setting.stored("shop")), SECOND, "works as it is");
  assert.equal(await sealOldPasswords(store, passwords, { mayMakeKey: true, log }), true);
  const bytes = await setting.bytes();
  for (const password of [FIRST, SECOND]) assert.ok(!bytes.includes(password));
  const versions = await store.listComponentVersions("shop");
  assert.deepEqual(
    versions.map((one) => [one.version, passwords.textOf(one)]),
    [[3, SECOND], [2, FIRST], [1, FIRST]],
  );
  assert.equal((await setting.stored("shop")).version, 3, "nothing rolls out");
  assert.equal(await sealOldPasswords(store, passwords, { mayMakeKey: true, log }), false);
  const { result } = await call("RollbackComponent", { name: "shop" });
  assert.equal(result.restoredVersion, 2, "the newest that differs");
  assert.equal(passwords.textOf(await setting.stored("shop")), FIRST);
});
