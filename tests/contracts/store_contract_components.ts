/** The contract of the store: components and their lists. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Store } from "../../daemon/store/store.ts";
import { componentSchema } from "../../lib/contract/v1.ts";
import { type Contract, fails, numbered, putAll } from "./store_contract_support.ts";
import { anyComponent, anyName, component, eventSource } from "./store_values.ts";

/** Versions, fields, races. */
export function components(test: Contract): void {
  test("putComponent() refuses version 0 for a name that is taken", async (store) => {
    await store.putComponent(component("shop"));
    await assert.rejects(
      store.putComponent(component("shop")),
      fails("already_exists", "PutComponent: already exists with key"),
    );
  });

  for (const [found, version] of [["older", 1], ["newer", 3], ["wild", 50_000]] as const) {
    test(`putComponent() refuses a version ${found} than the stored one`, async (store) => {
      await store.putComponent(await store.putComponent(component("shop")));
      const before = await store.getComponent("shop");
      await assert.rejects(
        store.putComponent(component("shop", { version, maxConcurrency: 9 })),
        fails("stale_version", "PutComponent: previousVersion is incorrect"),
      );
      assert.deepEqual(await store.getComponent("shop"), before);
    });
  }

  test("putComponent() refuses a version other than 0 for an absent name", async (store) => {
    await assert.rejects(
      store.putComponent(component("shop", { version: 1 })),
      fails("stale_version"),
    );
    assert.equal(await store.getComponent("shop"), undefined);
  });

  test("putComponent() returns what is stored: next version, and the time", async (store) => {
    const first = await store.putComponent(component("shop", { modifiedAt: 1 }));
    assert.deepEqual(first, component("shop", { version: 1, modifiedAt: 1_700_000_000_000 }));
    const second = await store.putComponent({ ...first, maxConcurrency: 5 });
    assert.deepEqual(second, { ...first, version: 2, maxConcurrency: 5 });
    assert.deepEqual((await store.getComponent("shop"))?.component, second);
  }, { now: () => 1_700_000_000_000 });

  test("putComponent() keeps every field of any component", async (store) => {
    await fc.assert(
      fc.asyncProperty(anyComponent, async (given) => {
        assert.deepEqual(componentSchema.parse(given), given, "the generator strayed");
        const put = await store.putComponent(given);
        assert.deepEqual(put, { ...given, version: 1, modifiedAt: 5 });
        assert.deepEqual((await store.getComponent(given.name))?.component, put);
        assert.deepEqual((await store.listComponents()).components, [put]);
        assert.equal(await store.removeComponent(given.name), true);
      }),
      { numRuns: 100 },
    );
  }, { now: () => 5 });

  test("putComponent() lets one of many who replace the same version through", async (store) => {
    const first = await store.putComponent(component("shop"));
    const puts = await Promise.allSettled(
      Array.from(
        { length: 30 },
        (_, index) => store.putComponent({ ...first, maxConcurrency: index }),
      ),
    );
    const done = puts.filter((put) => put.status === "fulfilled");
    assert.equal(done.length, 1);
    for (const put of puts) {
      if (put.status === "rejected") fails("stale_version")(put.reason);
    }
    assert.deepEqual((await store.getComponent("shop"))?.component, done[0]?.value);
  });

  test("putComponent() lets one of many who create the same name through", async (store) => {
    const puts = await Promise.allSettled(
      Array.from({ length: 30 }, () => store.putComponent(component("shop"))),
    );
    assert.equal(puts.filter((put) => put.status === "fulfilled").length, 1);
    for (const put of puts) {
      if (put.status === "rejected") fails("already_exists")(put.reason);
    }
  });

  test("putComponent() loses no update of writers who try again", async (store) => {
    await store.putComponent(component("shop", { maxConcurrency: 0 }));
    const addOne = async () => {
      for (;;) {
        const found = await store.getComponent("shop");
        assert.ok(found);
        const { component: current } = found;
        try {
          return await store.putComponent({
            ...current,
            maxConcurrency: current.maxConcurrency + 1,
          });
        } catch (error) {
          fails("stale_version")(error);
        }
      }
    };
    await Promise.all(Array.from({ length: 10 }, addOne));
    const last = (await store.getComponent("shop"))?.component;
    assert.deepEqual([last?.maxConcurrency, last?.version], [10, 11]);
  });

  test("getComponent() tells a component created again from the old one", async (store) => {
    const put = await store.putComponent(component("shop"));
    const first = await store.getComponent("shop");
    await store.putComponent(put);
    assert.equal((await store.getComponent("shop"))?.uid, first?.uid);
    await store.removeComponent("shop");
    await store.putComponent(component("shop"));
    const again = await store.getComponent("shop");
    assert.ok(first?.uid && again?.uid && first.uid !== again.uid);
  });

  test("removeComponent() finds it once, and takes its event sources along", async (store) => {
    await store.putComponent(component("shop"));
    await store.putComponent(component("other"));
    await store.putEventSource(eventSource("shop_http", "shop"));
    await store.putEventSource(eventSource("other_http", "other"));
    assert.equal(await store.removeComponent("shop"), true);
    assert.equal(await store.removeComponent("shop"), false);
    assert.equal(await store.getComponent("shop"), undefined);
    assert.equal(await store.getEventSource("shop_http"), undefined);
    assert.ok(await store.getEventSource("other_http"));
  });
}

async function names(store: Store, wanted: Parameters<Store["listComponents"]>[0]) {
  const { components, nextToken } = await store.listComponents(wanted);
  return { names: components.map(({ name }) => name), nextToken };
}

/** Filters, pages, tokens. */
export function componentLists(test: Contract): void {
  for (
    const token of [
      "garbage",
      "5",
      "\0",
      "%%%",
      "a".repeat(5000),
      btoa("shop"),
      btoa("after:"),
      btoa("after:Shop"),
      btoa("after:a b"),
      btoa("after:" + "a".repeat(61)),
    ]
  ) {
    test(`listComponents() refuses the token ${JSON.stringify(token.slice(0, 20))}`, async (store) => {
      await assert.rejects(store.listComponents({ nextToken: token }), fails("invalid"));
    });
  }

  test("listComponents() sorts, filters by prefix, and ends without token", async (store) => {
    await putAll(store, ["other1", "list-4", "list-0", "list-3", "list-1", "list-2"]);
    const list = ["list-0", "list-1", "list-2", "list-3", "list-4"];
    const cases = [
      { wanted: {}, want: [...list, "other1"] },
      { wanted: { namePrefix: "", nextToken: "" }, want: [...list, "other1"] },
      { wanted: { namePrefix: "list" }, want: list },
      { wanted: { namePrefix: "other" }, want: ["other1"] },
      { wanted: { namePrefix: "list-4" }, want: ["list-4"] },
      { wanted: { namePrefix: "bogus" }, want: [] },
      { wanted: { namePrefix: "list\0" }, want: [] },
      { wanted: { namePrefix: "%" }, want: [] },
      { wanted: { namePrefix: "l".repeat(100_000) }, want: [] },
    ];
    for (const { wanted, want } of cases) {
      assert.deepEqual(await names(store, wanted), { names: want, nextToken: undefined });
    }
  });

  test("listComponents() pages as the ancestor does", async (store) => {
    await putAll(store, ["other1", "list-0", "list-1", "list-2", "list-3", "list-4"]);
    const first = await names(store, { limit: 2 });
    const second = await names(store, { limit: 2, nextToken: first.nextToken ?? "" });
    const third = await names(store, { limit: 4, nextToken: second.nextToken ?? "" });
    assert.deepEqual(first.names, ["list-0", "list-1"]);
    assert.deepEqual(second.names, ["list-2", "list-3"]);
    assert.deepEqual(third, { names: ["list-4", "other1"], nextToken: undefined });
  });

  test("listComponents() gives a thousand rows for a limit out of range", async (store) => {
    await putAll(store, numbered(1003, "c"));
    for (const limit of [undefined, 0, -5, 1000, 1001, 1_000_000]) {
      const page = await store.listComponents(limit === undefined ? {} : { limit });
      assert.equal(page.components.length, 1000);
      const rest = await store.listComponents({ nextToken: page.nextToken ?? "" });
      assert.deepEqual(rest.components.map(({ name }) => name), ["c1000", "c1001", "c1002"]);
      assert.equal(rest.nextToken, undefined);
    }
    assert.equal((await store.desiredState()).components.length, 1003);
  });

  test("listComponents() takes _ and - in a prefix for themselves", async (store) => {
    await putAll(store, ["my_a", "my_b", "myxa", "my-a", "my", "my_", "mz"]);
    assert.deepEqual((await names(store, { namePrefix: "my_" })).names, ["my_", "my_a", "my_b"]);
    assert.deepEqual((await names(store, { namePrefix: "my-" })).names, ["my-a"]);
    assert.deepEqual((await names(store, { namePrefix: "_" })).names, []);
    assert.deepEqual(
      (await names(store, { namePrefix: "my" })).names,
      ["my", "my-a", "my_", "my_a", "my_b", "myxa"],
    );
  });

  test("listComponents() filters by project, and follows a changed one", async (store) => {
    const shop = await store.putComponent(component("shop", { projectName: "one" }));
    await store.putComponent(component("cart", { projectName: "one" }));
    await store.putComponent(component("free"));
    await store.putComponent({ ...shop, projectName: "two" });
    assert.deepEqual((await names(store, { projectName: "one" })).names, ["cart"]);
    assert.deepEqual((await names(store, { projectName: "two" })).names, ["shop"]);
    assert.deepEqual((await names(store, { projectName: "tw" })).names, []);
    assert.deepEqual((await names(store, { projectName: "two", namePrefix: "c" })).names, []);
  });

  test("listComponents() shows each name once though rows come and go", async (store) => {
    await putAll(store, ["a", "c", "e", "g"]);
    const first = await names(store, { limit: 2 });
    await putAll(store, ["b", "f"]);
    await store.removeComponent("c");
    const rest = await names(store, { nextToken: first.nextToken ?? "" });
    assert.deepEqual([first.names, rest.names], [["a", "c"], ["e", "f", "g"]]);
  });

  test("listComponents() pages any names whole, in byte order", async (store) => {
    const anyNames = fc.uniqueArray(anyName, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyNames, fc.integer({ min: 1, max: 5 }), async (given, limit) => {
        await putAll(store, given);
        const seen: string[] = [];
        let nextToken: string | undefined = "";
        while (nextToken !== undefined) {
          const page = await names(store, { limit, nextToken });
          assert.ok(page.names.length > 0 || given.length === 0, "an empty page");
          seen.push(...page.names);
          nextToken = page.nextToken;
        }
        assert.deepEqual(seen, given.toSorted());
        await store.change(async (changes) => {
          for (const name of given) await changes.removeComponent(name);
        });
      }),
      { numRuns: 40 },
    );
  });
}
