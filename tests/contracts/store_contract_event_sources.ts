/** The contract of the store: event sources and their lists. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Store } from "../../daemon/store/store.ts";
import { eventSourceSchema, type EventSourceType } from "../../lib/contract/v1.ts";
import {
  type Contract,
  fails,
  numbered,
  twoComponentsWithSources,
} from "./store_contract_support.ts";
import { anyEventSource, component, eventSource } from "./store_values.ts";

/** Versions, fields, projects, switches. */
export function eventSources(test: Contract): void {
  test("putEventSource() refuses an unknown component", async (store) => {
    await assert.rejects(
      store.putEventSource(eventSource("shop_http", "shop")),
      fails("not_found", "eventSource.component not found: shop"),
    );
    assert.equal(await store.getEventSource("shop_http"), undefined);
  });

  test("putEventSource() refuses a wrong version and a taken name", async (store) => {
    await store.putComponent(component("shop"));
    const put = await store.putEventSource(eventSource("shop_http", "shop"));
    await assert.rejects(
      store.putEventSource(eventSource("shop_http", "shop")),
      fails("already_exists", "PutEventSource: already exists with key"),
    );
    for (const name of ["shop_http", "absent"]) {
      await assert.rejects(
        store.putEventSource({ ...put, name, version: 50_000 }),
        fails("stale_version", "PutEventSource: previousVersion is incorrect"),
      );
    }
  });

  test("putEventSource() keeps every field of any event source", async (store) => {
    await store.putComponent(component("shop", { projectName: "one" }));
    await fc.assert(
      fc.asyncProperty(anyEventSource("shop"), async (given) => {
        assert.deepEqual(eventSourceSchema.parse(given), given, "the generator strayed");
        const put = await store.putEventSource(given);
        assert.deepEqual(put, { ...given, projectName: "one", version: 1, modifiedAt: 5 });
        const want = { eventSource: put, enabled: true };
        assert.deepEqual(await store.getEventSource(given.name), want);
        assert.deepEqual((await store.listEventSources()).eventSources, [want]);
        assert.equal(await store.removeEventSource(given.name), true);
        assert.equal(await store.removeEventSource(given.name), false);
        assert.equal(await store.getEventSource(given.name), undefined);
      }),
      { numRuns: 50 },
    );
  }, { now: () => 5 });

  test("putEventSource() takes the project from the component", async (store) => {
    await store.putComponent(component("shop", { projectName: "one" }));
    await store.putComponent(component("free"));
    const given = eventSource("shop_http", "shop", {
      projectName: "lie",
      http: { pathPrefix: "/" },
    });
    const put = await store.putEventSource(given);
    assert.equal(put.projectName, "one");
    const moved = await store.putEventSource({ ...put, componentName: "free" });
    assert.equal("projectName" in moved, false);
    assert.deepEqual((await store.getEventSource("shop_http"))?.eventSource, moved);
    assert.deepEqual((await store.listEventSources({ projectName: "one" })).eventSources, []);
    await store.removeComponent("shop");
    assert.ok(await store.getEventSource("shop_http"), "it belongs to another component now");
  });

  test("putComponent() takes its event sources into another project", async (store) => {
    const shop = await store.putComponent(component("shop", { projectName: "one" }));
    await store.putComponent(component("cart", { projectName: "one" }));
    const source = await store.putEventSource(eventSource("shop_http", "shop"));
    await store.putEventSource(eventSource("cart_http", "cart"));
    const moved = await store.putComponent({ ...shop, projectName: "two" });
    assert.deepEqual((await store.getEventSource("shop_http"))?.eventSource, {
      ...source,
      projectName: "two",
    });
    assert.deepEqual(await sourceNames(store, { projectName: "two" }), ["shop_http"]);
    assert.deepEqual(await sourceNames(store, { projectName: "one" }), ["cart_http"]);
    const state = await store.desiredState();
    assert.equal(state.eventSources[1]?.eventSource.projectName, "two");
    const { projectName: _gone, ...alone } = moved;
    await store.putComponent(alone);
    const last = await store.getEventSource("shop_http");
    assert.equal(last && "projectName" in last.eventSource, false);
  });

  test("putEventSource() keeps the switch of one that is off", async (store) => {
    await store.putComponent(component("shop"));
    const put = await store.putEventSource(eventSource("es1", "shop"));
    await store.putEventSource(eventSource("es2", "shop"));
    assert.deepEqual(await store.toggleEventSources({ enabled: false, namePrefix: "es1" }), [
      "es1",
    ]);
    await store.putEventSource(put);
    const { eventSources } = await store.listEventSources();
    assert.deepEqual(eventSources.map(({ enabled }) => enabled), [false, true]);
    await store.removeEventSource("es1");
    await store.putEventSource(eventSource("es1", "shop"));
    assert.equal((await store.getEventSource("es1"))?.enabled, true);
  });

  test("toggleEventSources() names those that changed and leaves version and time", async (store) => {
    await twoComponentsWithSources(store);
    const before = await store.listEventSources();
    const cases = [
      { toggle: { enabled: true }, want: [] },
      { toggle: { enabled: false, eventSourceType: "cron" as const }, want: ["a_cron", "b_cron"] },
      { toggle: { enabled: false, componentName: "a" }, want: ["a_http1", "a_http2"] },
      { toggle: { enabled: false, projectName: "two" }, want: ["b_http"] },
      { toggle: { enabled: false }, want: [] },
      { toggle: { enabled: true, namePrefix: "a_h" }, want: ["a_http1", "a_http2"] },
      { toggle: { enabled: true, namePrefix: "a%" }, want: [] },
      { toggle: { enabled: true }, want: ["a_cron", "b_cron", "b_http"] },
    ];
    for (const { toggle, want } of cases) {
      assert.deepEqual(await store.toggleEventSources(toggle), want);
    }
    assert.deepEqual(await store.listEventSources(), before);
  });
}

async function sourceNames(
  store: Store,
  wanted: Parameters<Store["listEventSources"]>[0],
): Promise<string[]> {
  const { eventSources } = await store.listEventSources(wanted);
  return eventSources.map(({ eventSource }) => eventSource.name);
}

/** Filters and pages. */
export function eventSourceLists(test: Contract): void {
  test("listEventSources() joins its filters", async (store) => {
    await twoComponentsWithSources(store);
    const http: EventSourceType = "http";
    const cases = [
      { wanted: {}, want: ["a_cron", "a_http1", "a_http2", "b_cron", "b_http"] },
      { wanted: { namePrefix: "a_" }, want: ["a_cron", "a_http1", "a_http2"] },
      { wanted: { componentName: "b" }, want: ["b_cron", "b_http"] },
      { wanted: { eventSourceType: http }, want: ["a_http1", "a_http2", "b_http"] },
      { wanted: { projectName: "one", eventSourceType: http }, want: ["a_http1", "a_http2"] },
      { wanted: { componentName: "a", namePrefix: "b" }, want: [] },
      { wanted: { componentName: "absent" }, want: [] },
      { wanted: { eventSourceType: "sqs" as const }, want: [] },
    ];
    for (const { wanted, want } of cases) {
      assert.deepEqual(await sourceNames(store, wanted), want);
    }
  });

  test("listEventSources() pages and refuses foreign tokens", async (store) => {
    await store.putComponent(component("shop"));
    for (const name of numbered(6, "es")) await store.putEventSource(eventSource(name, "shop"));
    const sizes: number[] = [];
    let nextToken: string | undefined = "";
    while (nextToken !== undefined) {
      const page: Awaited<ReturnType<Store["listEventSources"]>> = await store.listEventSources({
        componentName: "shop",
        limit: 2,
        nextToken,
      });
      sizes.push(page.eventSources.length);
      nextToken = page.nextToken;
    }
    assert.deepEqual(sizes, [2, 2, 2]);
    await assert.rejects(store.listEventSources({ nextToken: "2" }), fails("invalid"));
  });
}
