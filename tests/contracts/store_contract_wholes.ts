/** The contract of the store: transactions, the whole state, nodes and roles. */
import assert from "node:assert/strict";
import type { Store } from "../../daemon/store/store.ts";
import {
  type Contract,
  fails,
  never,
  numbered,
  putAll,
  twoComponentsWithSources,
} from "./store_contract_support.ts";
import { component, eventSource, nodeStatus } from "./store_values.ts";

/** Counts calls of the store's listener, and waits for the next one. */
function countCalls(store: Store) {
  const counter = { calls: 0, next: Promise.withResolvers<void>(), end: () => {} };
  counter.end = store.subscribe(() => {
    counter.calls++;
    counter.next.resolve();
    counter.next = Promise.withResolvers();
  });
  return counter;
}

/** All or nothing, and telling of it. */
export function wholes(test: Contract): void {
  test("change() undoes everything when its work fails", async (store) => {
    const counter = countCalls(store);
    await twoComponentsWithSources(store);
    // Each of its changes is told, some perhaps after they were answered.
    while (counter.calls < 7) await counter.next.promise;
    const before = await store.desiredState();
    await assert.rejects(
      store.change(async (changes) => {
        await changes.putComponent(component("c"));
        await changes.removeComponent("a");
        await changes.toggleEventSources(false, {});
        await changes.putEventSource(eventSource("c_http", "c"));
        await changes.putComponent(component("b"));
      }),
      fails("already_exists"),
    );
    assert.deepEqual(await store.desiredState(), before);
    const told = counter.next.promise;
    await store.putComponent(component("d"));
    await told;
    assert.equal(counter.calls, 8);
  });

  test("change() makes several changes at once", async (store) => {
    await twoComponentsWithSources(store);
    const source = (await store.getEventSource("a_cron"))?.eventSource;
    assert.ok(source);
    await store.change(async (changes) => {
      await changes.putComponent(component("c", { projectName: "three" }));
      await changes.putEventSource({ ...source, componentName: "c" });
      await changes.removeComponent("a");
    });
    const state = await store.desiredState();
    assert.deepEqual(state.components.map((entry) => entry.component.name), ["b", "c"]);
    assert.deepEqual(
      state.eventSources.map(({ eventSource }) => [eventSource.name, eventSource.projectName]),
      [["a_cron", "three"], ["b_cron", "two"], ["b_http", "two"]],
    );
  });

  test("change() serves many writers, each whole", async (store) => {
    await Promise.all(
      numbered(200, "w").map((name) =>
        store.change(async (changes) => {
          await changes.putComponent(component(name));
          await changes.putEventSource(eventSource(name, name));
        })
      ),
    );
    const state = await store.desiredState();
    assert.deepEqual([state.components.length, state.eventSources.length], [200, 200]);
  });

  test("desiredState() never shows half of a change", async (store) => {
    await store.putComponent(component("shop"));
    let writing = true;
    const write = async () => {
      for (const name of numbered(60, "p")) {
        await store.change(async (changes) => {
          await changes.putComponent(component(name));
          await changes.putEventSource(eventSource(name, name));
        });
        if (name.endsWith("5")) await store.removeComponent(name);
      }
      writing = false;
    };
    const read = async () => {
      while (writing) {
        const { components, eventSources } = await store.desiredState();
        assert.equal(components.length - 1, eventSources.length);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    await Promise.all([write(), read()]);
  });

  test("desiredState() gives unchanged things as the same frozen objects", async (store) => {
    await twoComponentsWithSources(store);
    const first = await store.desiredState();
    assert.equal(await store.desiredState(), first);
    assert.ok(Object.isFrozen(first.components[0]?.component.docker));
    assert.ok(Object.isFrozen(first.eventSources));
    await store.toggleEventSources({ enabled: false, namePrefix: "a_cron" });
    const second = await store.desiredState();
    assert.equal(second.components[0], first.components[0]);
    assert.deepEqual(
      second.eventSources.map((source, index) => source === first.eventSources[index]),
      [false, true, true, true, true],
    );
    const { uid } = first.components[1] ?? {};
    await store.removeComponent("b");
    await store.putComponent(component("b", { projectName: "two" }));
    const third = await store.desiredState();
    assert.equal(third.components[1]?.component.name, "b");
    assert.notEqual(third.components[1]?.uid, uid);
    await store.removeComponent("a");
    await store.removeComponent("b");
    assert.deepEqual(await store.desiredState(), { components: [], eventSources: [], cfg: [] });
  });

  test("desiredState() is the same after the store was opened again", async (store, database) => {
    await twoComponentsWithSources(store);
    await store.toggleEventSources({ enabled: false, componentName: "a" });
    const before = await store.desiredState();
    await store[Symbol.asyncDispose]();
    await using again = await database.open();
    assert.deepEqual(await again.desiredState(), before);
  });

  test("subscribe() calls after changes of the desired state only", async (store) => {
    const counter = countCalls(store);
    const changes = [
      () => store.putComponent(component("shop")),
      () => store.putEventSource(eventSource("shop_http", "shop")),
      () => store.toggleEventSources({ enabled: false }),
      () => store.removeEventSource("shop_http"),
      () => store.removeComponent("shop"),
    ];
    const nothing = [
      () => store.toggleEventSources({ enabled: false, componentName: "absent" }),
      () =>
        store.toggleEventSources({
          enabled: true,
          namePrefix: "shop_http",
          eventSourceType: "sqs",
        }),
      () => store.removeComponent("absent"),
      () => store.removeEventSource("absent"),
      () => store.putNodeStatus(nodeStatus("n", 1)),
      () => store.putComponent(component("absent", { version: 2 })).catch(() => {}),
    ];
    for (const [index, change] of changes.entries()) {
      for (const act of nothing) await act();
      const told = counter.next.promise;
      await change();
      await told;
      assert.equal(counter.calls, index + 1);
    }
    counter.end();
    await store.putComponent(component("last"));
    assert.equal(counter.calls, changes.length);
  });

  test("subscribe() calls when the change can be seen, once for a whole change", async (store) => {
    const seen: Promise<unknown>[] = [];
    const told = Promise.withResolvers<void>();
    store.subscribe(() => {
      seen.push(store.getComponent("b"));
      told.resolve();
    });
    await putAll(store, ["a", "b", "c"]);
    await told.promise;
    assert.equal(seen.length, 1);
    assert.ok(await seen[0]);
  });

  test("asyncDispose() refuses later work and may be repeated", async (store) => {
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.getComponent("shop"), fails("stopping"));
    await assert.rejects(store.putComponent(component("shop")), fails("stopping"));
    await assert.rejects(store.claimRole("cron", never), fails("stopping"));
  });

  test(
    "asyncDispose() finishes the write under way and refuses the rest",
    async (store, database) => {
      const puts = numbered(20, "c").map((name) => store.putComponent(component(name)));
      const settled = Promise.allSettled(puts);
      await store[Symbol.asyncDispose]();
      const results = await settled;
      for (const put of results) if (put.status === "rejected") fails("stopping")(put.reason);
      await using again = await database.open();
      const done = results.filter((put) => put.status === "fulfilled").length;
      assert.equal((await again.desiredState()).components.length, done);
    },
  );
}

/** Status rows. */
export function nodes(test: Contract): void {
  test("putNodeStatus() inserts, replaces, and lists by node id", async (store) => {
    const longId = "WXYZ:".repeat(11) + "ABCD";
    assert.deepEqual(await store.listNodeStatus(), []);
    await store.putNodeStatus(nodeStatus(longId, 10));
    await store.putNodeStatus(nodeStatus("AAAA", 20));
    await store.putNodeStatus({ ...nodeStatus(longId, 30), freeMemoryMiB: 0 });
    assert.deepEqual(await store.listNodeStatus(), [
      nodeStatus("AAAA", 20),
      { ...nodeStatus(longId, 30), freeMemoryMiB: 0 },
    ]);
    assert.equal(await store.removeNodeStatus("AAAA"), true);
    assert.equal(await store.removeNodeStatus("AAAA"), false);
  });

  test("removeSilentNodes() removes the old rows of nodes that nobody hears", async (store) => {
    for (const [id, observedAt] of [["a", 10], ["b", 20], ["c", 30]] as const) {
      await store.putNodeStatus(nodeStatus(id, observedAt));
    }
    await using claim = await store.claimRole("placement", never);
    const owner = { role: "placement", epoch: claim!.epoch };
    const remove = (beforeMs: number, ...kept: string[]) =>
      store.removeSilentNodes(owner, { beforeMs, kept: new Set(kept) });
    assert.deepEqual(await remove(10), []);
    assert.deepEqual(await remove(30, "a"), ["b"]);
    assert.deepEqual(await remove(31), ["a", "c"]);
    assert.deepEqual(await store.listNodeStatus(), []);
  });

  test("removeSilentNodes() removes nothing for an owner who was replaced", async (store) => {
    await store.putNodeStatus(nodeStatus("a", 10));
    const first = await store.claimRole("placement", never);
    await first![Symbol.asyncDispose]();
    await using _second = await store.claimRole("placement", never);
    const owner = { role: "placement", epoch: first!.epoch };
    const removal = store.removeSilentNodes(owner, { beforeMs: 99, kept: new Set() });
    await assert.rejects(removal, fails("stale_epoch"));
    assert.equal((await store.listNodeStatus()).length, 1);
  });

  test("listNodeStatus() returns two hundred nodes as they were put", async (store) => {
    const all = numbered(200, "node-").map((id, index) => nodeStatus(id, index));
    await Promise.all(all.toReversed().map((status) => store.putNodeStatus(status)));
    assert.deepEqual(await store.listNodeStatus(), all);
  });
}

/** One owner at a time, in epochs. */
export function roles(test: Contract): void {
  test("claimRole() grants each role to one of many at a time", async (store) => {
    const claims = await Promise.all(
      numbered(60, "role").flatMap((role) =>
        Array.from({ length: 5 }, () => store.claimRole(role, never))
      ),
    );
    const granted = claims.filter((claim) => claim !== undefined);
    assert.equal(granted.length, 60);
    for (const claim of granted) {
      assert.equal(claim.epoch, 1);
      await claim[Symbol.asyncDispose]();
    }
  });

  test("claimRole() grants a role handed back, in a later epoch", async (store, database) => {
    const first = await store.claimRole("cron", never);
    assert.equal(await store.claimRole("cron", never), undefined);
    await using other = await store.claimRole("placement", never);
    assert.deepEqual([first?.epoch, other?.epoch], [1, 1]);
    await first?.[Symbol.asyncDispose]();
    const second = await store.claimRole("cron", never);
    assert.equal(second?.epoch, 2);
    await first?.[Symbol.asyncDispose]();
    assert.equal(await store.claimRole("cron", never), undefined, "handed back by an old claim");
    assert.equal(second?.lost.aborted, false);
    await store[Symbol.asyncDispose]();
    assert.equal(second?.lost.aborted, true);
    await using again = await database.open();
    await using third = await again.claimRole("cron", never);
    assert.equal(third?.epoch, 3);
  });

  test("claimRole() rejects when its signal has aborted", async (store) => {
    await assert.rejects(store.claimRole("cron", AbortSignal.abort()), { name: "AbortError" });
    await using claim = await store.claimRole("cron", never);
    assert.ok(claim);
  });
}
