/** The part of the store's contract about versions one may go back to, and about named values. */
import assert from "node:assert/strict";
import { VERSIONS_KEPT } from "../../daemon/store/versions.ts";
import type { Store } from "../../daemon/store/store.ts";
import type { Component } from "../../lib/contract/v1.ts";
import { type Contract, fails } from "./store_contract_support.ts";
import { component, eventSource } from "./store_values.ts";

function image(name: string): Partial<Component> {
  return { docker: { image: name, httpPort: 8080 } };
}

/** Puts component `shop` with these images, one after the other. */
async function putImages(store: Store, images: readonly string[]): Promise<void> {
  const before = await store.getComponent("shop");
  let version = before?.component.version ?? 0;
  for (const name of images) {
    ({ version } = await store.putComponent(component("shop", { ...image(name), version })));
  }
}

/** `[version, image]` of each kept version, newest first. */
async function keptOf(store: Store): Promise<[number, string][]> {
  const kept = await store.listComponentVersions("shop");
  return kept.map(({ version, docker }) => [version, docker.image]);
}

/** A component whose variable `A` is `value`. */
function using(name: string, value: string): Component {
  return component(name, { environment: [{ name: "A", value }] });
}

const plain = (name: string, value: string) => ({ name, value, secret: false });

/** Versions and rollback. */
export function versions(test: Contract): void {
  test("listComponentVersions() keeps the last ten contents that differ", async (store) => {
    assert.deepEqual(await store.listComponentVersions("shop"), []);
    await putImages(store, ["a", "b", "b", "c", "a"]);
    assert.deepEqual(await keptOf(store), [[5, "a"], [4, "c"], [3, "b"]]);
    const many = Array.from({ length: VERSIONS_KEPT + 2 }, (_, index) => `i${index}`);
    await putImages(store, many);
    const kept = await keptOf(store);
    assert.deepEqual(kept.map(([, name]) => name), many.reverse().slice(0, VERSIONS_KEPT));
    assert.deepEqual((await store.listKeptImages()).sort(), kept.map(([, name]) => name).sort());
  });

  test("listComponentVersions() sees no difference in the order of fields", async (store) => {
    const { version } = await store.putComponent(component("shop", { minInstances: 1 }));
    const { docker, ...rest } = component("shop", { version });
    await store.putComponent({ docker: { ...docker }, minInstances: 1, ...rest });
    assert.equal((await store.listComponentVersions("shop")).length, 1);
  });

  test("listComponentVersions() forgets with the component", async (store) => {
    await putImages(store, ["a", "b"]);
    await store.removeComponent("shop");
    assert.deepEqual(await store.listKeptImages(), []);
    await putImages(store, ["c"]);
    assert.deepEqual(await keptOf(store), [[1, "c"]]);
  });

  test("rollbackComponent() puts an earlier content as the next version", async (store) => {
    await putImages(store, ["a", "b", "c"]);
    await store.putEventSource(eventSource("shop_http", "shop"));
    const sources = await store.listEventSources();
    const back = await store.rollbackComponent("shop");
    assert.deepEqual(
      [back.component.version, back.restored.version, back.replaced.version],
      [4, 2, 3],
    );
    const stored = await store.getComponent("shop");
    assert.deepEqual(stored?.component, back.component);
    assert.equal(stored?.component.docker.image, "b");
    assert.deepEqual(await keptOf(store), [[4, "b"], [3, "c"], [1, "a"]]);
    assert.deepEqual(await store.listEventSources(), sources);
    await store.rollbackComponent("shop");
    assert.deepEqual(await keptOf(store), [[5, "c"], [4, "b"], [1, "a"]]);
    await store.rollbackComponent("shop", 1);
    assert.deepEqual(await keptOf(store), [[6, "a"], [5, "c"], [4, "b"]]);
  });

  test("rollbackComponent() says what there is instead of the version asked for", async (store) => {
    await assert.rejects(store.rollbackComponent("shop"), fails("not_found"));
    await putImages(store, ["a"]);
    const act = 'Cannot roll back "shop": ';
    const none = fails("not_found", `${act}no other version is kept`);
    await assert.rejects(store.rollbackComponent("shop"), none);
    await putImages(store, ["b", "c"]);
    await assert.rejects(
      store.rollbackComponent("shop", 9),
      fails("not_found", `${act}version 9 is not kept; kept are 2, 1`),
    );
    await assert.rejects(
      store.rollbackComponent("shop", 3),
      fails("invalid", `${act}version 3 is the current one; kept are 2, 1`),
    );
    assert.equal((await store.getComponent("shop"))?.component.version, 3);
  });

  test("rollbackComponent() and a put at the same time leave one after the other", async (store) => {
    await putImages(store, ["a", "b"]);
    const put = store.putComponent(component("shop", { ...image("c"), version: 2 }));
    const [rolled, stale] = await Promise.allSettled([store.rollbackComponent("shop"), put]);
    assert.equal(rolled.status, "fulfilled");
    const { component: current } = (await store.getComponent("shop"))!;
    if (stale.status === "rejected") fails("stale_version")(stale.reason);
    assert.equal(current.version, stale.status === "rejected" ? 3 : 4);
    assert.equal((await keptOf(store))[0]?.[0], current.version);
  });
}

/** Named values. */
export function namedValues(test: Contract): void {
  test("change() puts values, counts their versions, lists and removes them", async (store) => {
    assert.deepEqual(await store.listCfg(), []);
    await store.change((changes) => changes.putCfg(plain("b", "1")));
    const put = await store.change(async (changes) => [
      await changes.putCfg({ name: "B", value: "v1:sealed", secret: true }),
      await changes.putCfg(plain("b", "größe\n")),
      (await changes.getCfg("b"))?.value,
      await changes.getCfg("absent"),
    ]);
    assert.deepEqual(put, [1, 2, "größe\n", undefined]);
    const listed = (await store.listCfg()).map(({ modifiedAt: _time, ...rest }) => rest);
    assert.deepEqual(listed, [
      { name: "B", secret: true, value: "v1:sealed", version: 1 },
      { name: "b", secret: false, value: "größe\n", version: 2 },
    ]);
    assert.deepEqual((await store.desiredState()).cfg, [
      { name: "B", secret: true, value: "v1:sealed" },
      { name: "b", secret: false, value: "größe\n" },
    ]);
    assert.equal(await store.removeCfg("b"), true);
    assert.equal(await store.removeCfg("b"), false);
    assert.deepEqual((await store.desiredState()).cfg.map(({ name }) => name), ["B"]);
  });

  test("putComponent() refuses a reference to a value there is not", async (store) => {
    await store.change((changes) => changes.putCfg(plain("HOST", "h")));
    const missing = 'Cannot put "shop": its environment refers to ${cfg:PASS}, ${cfg:host}, and ' +
      "there is no such value; set it with 'maelstrom cfg put'";
    const wrong = using("shop", "x://${cfg:PASS}@${cfg:HOST}/${cfg:host}");
    await assert.rejects(store.putComponent(wrong), fails("invalid", missing));
    assert.equal(await store.getComponent("shop"), undefined);
    await store.putComponent(using("shop", "x://${cfg:HOST} and $${cfg:PASS}"));
  });

  test("removeCfg() refuses while components use the value", async (store) => {
    await store.change((changes) => changes.putCfg(plain("A_B", "1")));
    await store.putComponent(using("two", "${cfg:A_B}"));
    await store.putComponent(using("one", "x${cfg:A_B}y"));
    await store.putComponent(using("other", "$${cfg:A_B} ${cfg_A_B}"));
    const used = fails("in_use", 'Cannot remove value "A_B": used by one, two');
    await assert.rejects(store.removeCfg("A_B"), used);
    await store.removeComponent("one");
    await store.removeComponent("two");
    assert.equal(await store.removeCfg("A_B"), true);
  });

  test("renewComponentsUsing() gives users the next version of the same content", async (store) => {
    await store.change(async (changes) => {
      for (const name of ["A", "B", "a"]) await changes.putCfg(plain(name, "1"));
    });
    for (const [name, value] of [["both", "${cfg:A}${cfg:B}"], ["lower", "${cfg:a}"]] as const) {
      await store.putComponent(using(name, value));
    }
    const kept = await store.listComponentVersions("both");
    const renewed = await store.change((changes) => changes.renewComponentsUsing(["A", "B"]));
    assert.deepEqual(renewed.map(({ name, version }) => [name, version]), [["both", 2]]);
    const [now, ...older] = await store.listComponentVersions("both");
    assert.deepEqual(older, []);
    assert.deepEqual([kept[0]?.version, now?.version], [1, 2]);
    assert.equal((await store.getComponent("lower"))?.component.version, 1);
  });

  test("rollbackComponent() refuses a content whose value is gone", async (store) => {
    await store.change((changes) => changes.putCfg(plain("A", "1")));
    await store.putComponent(using("shop", "${cfg:A}"));
    await store.putComponent({ ...using("shop", "plain"), version: 1 });
    assert.equal(await store.removeCfg("A"), true);
    await assert.rejects(store.rollbackComponent("shop"), fails("invalid"));
    assert.equal((await store.getComponent("shop"))?.component.version, 2);
  });

  test("change() undoes values and new versions together", async (store) => {
    await store.change((changes) => changes.putCfg(plain("A", "1")));
    await store.putComponent(using("shop", "${cfg:A}"));
    const before = await store.desiredState();
    await assert.rejects(
      store.change(async (changes) => {
        await changes.putCfg(plain("A", "2"));
        await changes.renewComponentsUsing(["A"]);
        throw new Error("changed my mind");
      }),
      /changed my mind/,
    );
    assert.equal(await store.desiredState(), before);
  });
}
