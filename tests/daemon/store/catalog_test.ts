import assert from "node:assert/strict";
import { Catalog } from "../../../daemon/store/catalog.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { type DesiredState, Store } from "../../../daemon/store/store.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { createLog, silentLog } from "../../../lib/log.ts";
import { component, eventSource } from "../../contracts/store_values.ts";

const never = new AbortController().signal;

async function openStore(): Promise<AsyncDisposable & { readonly store: Store }> {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-catalog-" });
  const driver = await openSqlite(`${path}/maelstrom.db`, { log: silentLog });
  const store = new Store(driver, { nodeId: "n" });
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await Deno.remove(path, { recursive: true });
    },
  };
}

/** Resolves at the catalog's next replacement. */
function replaced(catalog: Catalog): Promise<void> {
  return new Promise((resolve) => {
    const end = catalog.subscribe(() => {
      end();
      resolve();
    });
  });
}

/** A store of which a test decides what each read gives, and when. */
class ScriptedStore {
  readonly reads: PromiseWithResolvers<DesiredState>[] = [];
  #listener = () => {};
  #begun = Promise.withResolvers<void>();

  desiredState(): Promise<DesiredState> {
    const read = Promise.withResolvers<DesiredState>();
    this.reads.push(read);
    this.#begun.resolve();
    this.#begun = Promise.withResolvers();
    return read.promise;
  }

  subscribe(listener: () => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = () => {};
    };
  }

  announce(): void {
    this.#listener();
  }

  /** The read with this index, as soon as it has begun. */
  async read(index: number): Promise<PromiseWithResolvers<DesiredState>> {
    for (;;) {
      const read = this.reads[index];
      if (read) return read;
      await this.#begun.promise;
    }
  }
}

function state(...names: string[]): DesiredState {
  return {
    components: names.map((name) => ({ component: component(name), uid: name })),
    eventSources: [],
    cfg: [],
  };
}

function down(): MaelstromError {
  return new MaelstromError("store_unavailable", "Cannot use the database: it is a test");
}

function logLines() {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line) });
  return { log, messages: () => lines.map((line) => String(JSON.parse(line).message)) };
}

Deno.test("Catalog.current throws before the start", async () => {
  await using catalog = new Catalog(new ScriptedStore(), { log: silentLog });
  assert.throws(() => catalog.current, /has not started/);
});

Deno.test("Catalog.start() fails when the first read does", async () => {
  const store = new ScriptedStore();
  await using catalog = new Catalog(store, { log: silentLog });
  const start = assert.rejects(catalog.start(never), { code: "store_unavailable" });
  (await store.read(0)).reject(down());
  await start;
});

Deno.test("Catalog.start() and refresh() end with their signal", async () => {
  const store = new ScriptedStore();
  await using catalog = new Catalog(store, { log: silentLog });
  const leave = new AbortController();
  const start = assert.rejects(catalog.start(leave.signal), { name: "AbortError" });
  leave.abort();
  await start;
  await assert.rejects(catalog.refresh(leave.signal), { name: "AbortError" });
  (await store.read(0)).resolve(state());
});

Deno.test("Catalog.current follows the store", async () => {
  await using place = await openStore();
  const { store } = place;
  await store.putComponent(component("shop"));
  await using catalog = new Catalog(store, { log: silentLog });
  await catalog.start(never);
  const first = catalog.current;
  assert.deepEqual([...first.componentByName.keys()], ["shop"]);
  const change = replaced(catalog);
  await store.putEventSource(eventSource("shop_http", "shop"));
  await change;
  const second = catalog.current;
  assert.equal(second.eventSourceByName.get("shop_http"), second.eventSources[0]);
  assert.equal(second.componentByName.get("shop"), first.componentByName.get("shop"));
  assert.deepEqual(first.eventSources, [], "a snapshot in use is never edited");
});

Deno.test("Catalog.refresh() puts an acknowledged put in effect", async () => {
  await using place = await openStore();
  await using catalog = new Catalog(place.store, { log: silentLog });
  await catalog.start(never);
  await Promise.all(Array.from({ length: 50 }, async (_, index) => {
    await place.store.putComponent(component(`c${index}`));
    await catalog.refresh(never);
    assert.ok(catalog.current.componentByName.has(`c${index}`));
  }));
});

Deno.test("Catalog.refresh() is not content with a read that began before it", async () => {
  const store = new ScriptedStore();
  await using catalog = new Catalog(store, { log: silentLog });
  const start = catalog.start(never);
  (await store.read(0)).resolve(state());
  await start;
  store.announce();
  const early = await store.read(1);
  let isDone = false;
  const refresh = catalog.refresh(never).then(() => (isDone = true));
  const change = replaced(catalog);
  early.resolve(state("old"));
  await change;
  const late = await store.read(2);
  assert.equal(isDone, false);
  late.resolve(state("new"));
  await refresh;
  assert.deepEqual([...catalog.current.componentByName.keys()], ["new"]);
});

Deno.test("Catalog.subscribe() is silent when a read finds nothing new", async () => {
  await using place = await openStore();
  await using catalog = new Catalog(place.store, { log: silentLog });
  await catalog.start(never);
  const { current } = catalog;
  let calls = 0;
  const end = catalog.subscribe(() => calls++);
  await catalog.refresh(never);
  assert.deepEqual([calls, catalog.current === current], [0, true]);
  await place.store.putComponent(component("shop"));
  await catalog.refresh(never);
  assert.equal(calls, 1);
  end();
  await place.store.putComponent(component("cart"));
  await catalog.refresh(never);
  assert.equal(calls, 1);
});

Deno.test("Catalog.current stays while the store is down, which is logged once", async () => {
  const store = new ScriptedStore();
  const { log, messages } = logLines();
  await using catalog = new Catalog(store, { log, retryMs: 1 });
  const start = catalog.start(never);
  (await store.read(0)).resolve(state("shop"));
  await start;
  const refresh = assert.rejects(catalog.refresh(never), { code: "store_unavailable" });
  for (const index of [1, 2, 3]) (await store.read(index)).reject(down());
  await refresh;
  assert.deepEqual([...catalog.current.componentByName.keys()], ["shop"]);
  const change = replaced(catalog);
  (await store.read(4)).resolve(state("shop", "cart"));
  await change;
  assert.deepEqual([...catalog.current.componentByName.keys()], ["shop", "cart"]);
  assert.deepEqual(messages(), [
    "store unreadable, serving what was read last",
    "store readable again",
  ]);
});

Deno.test("Catalog looks again on its timer though nobody announced anything", async () => {
  const store = new ScriptedStore();
  await using catalog = new Catalog(store, { log: silentLog, everyMs: 1 });
  const start = catalog.start(never);
  (await store.read(0)).resolve(state());
  await start;
  const change = replaced(catalog);
  (await store.read(1)).resolve(state("shop"));
  await change;
  assert.ok(catalog.current.componentByName.has("shop"));
  (await store.read(2)).resolve(state("shop"));
});

Deno.test("Catalog.asyncDispose() ends whoever waits and keeps the snapshot", async () => {
  const store = new ScriptedStore();
  const catalog = new Catalog(store, { log: silentLog });
  const start = catalog.start(never);
  (await store.read(0)).resolve(state("shop"));
  await start;
  const refresh = assert.rejects(catalog.refresh(never), { name: "AbortError" });
  const read = await store.read(1);
  const stop = catalog[Symbol.asyncDispose]();
  await refresh;
  read.resolve(state("shop"));
  await stop;
  assert.ok(catalog.current.componentByName.has("shop"));
  await assert.rejects(catalog.refresh(never), { name: "AbortError" });
});
