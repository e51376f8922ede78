import assert from "node:assert/strict";
import fc from "fast-check";
import type { Component, EventSource, Project, ProjectChanges } from "../../../lib/contract/v1.ts";
import { hasChanges, namedProject } from "../../../lib/project/plan.ts";
import { settingsOf } from "../../../lib/project/settings.ts";
import { component } from "../../contracts/store_values.ts";
import { TestApi } from "../../support/api.ts";
import { anyProject, cronSource, project } from "../../support/project/builders.ts";

const SHOP = project("Shop", {
  web: { image: "web:1", sources: { http: "@daily", other: "@hourly" } },
  db: { image: "db:1" },
});

function put(api: TestApi, project: unknown, fields: object = {}): Promise<ProjectChanges> {
  return api.result("PutProject", { project, ...fields });
}

async function stored(api: TestApi, name: string): Promise<Project> {
  return (await api.result("GetProject", { name })).project;
}

function versions(project: Project): Record<string, number> {
  return Object.fromEntries(
    project.components.flatMap(({ component, eventSources }) => [
      [component.name, component.version],
      ...eventSources.map(({ eventSource }) => [eventSource.name, eventSource.version]),
    ]),
  );
}

Deno.test("PutProject creates, GetProject gives it back, RemoveProject removes it", async () => {
  await using node = await TestApi.start();
  const plan = await put(node, SHOP);
  assert.equal(plan.name, "shop");
  assert.deepEqual(plan.componentsAdded.map(({ name }: { name: string }) => name), [
    "shop_web",
    "shop_db",
  ]);
  assert.equal(plan.componentsAdded[0]?.version, 0);
  assert.ok(node.catalog.current.componentByName.has("shop_web"), "in effect once answered");
  const { result } = await node.call("GetProject", { name: "SHOP" });
  assert.deepEqual(versions(result.project), {
    shop_db: 1,
    shop_web: 1,
    shop_http: 1,
    shop_other: 1,
  });
  for (const { component, eventSources } of result.project.components) {
    assert.equal(component.projectName, "shop");
    for (const { eventSource, enabled } of eventSources) {
      assert.equal(eventSource.projectName, "shop");
      assert.equal(eventSource.componentName, component.name);
      assert.equal(enabled, true);
    }
  }
  const removed = { name: "shop", found: true };
  assert.deepEqual((await node.call("RemoveProject", { name: "Shop" })).result, removed);
  assert.equal(node.catalog.current.componentByName.size, 0);
  assert.equal((await node.call("GetProject", { name: "shop" })).error.code, 1003);
  const again = await node.call("RemoveProject", { name: "shop" });
  assert.deepEqual(again.result, { name: "shop", found: false });
});

Deno.test("PutProject says what changed, and nothing for what GetProject gave", async () => {
  await using node = await TestApi.start();
  await put(node, SHOP);
  const { project: stored } = (await node.call("GetProject", { name: "shop" })).result;
  const same = await put(node, stored);
  assert.deepEqual(same, {
    name: "shop",
    componentsAdded: [],
    componentsUpdated: [],
    componentsRemoved: [],
    eventSourcesAdded: [],
    eventSourcesUpdated: [],
    eventSourcesRemoved: [],
    changes: [],
  });
  const next = project("shop", {
    web: { image: "web:2", sources: { http: "@daily" } },
    job: { image: "job:1", sources: { other: "@hourly" } },
  });
  const preview = await put(node, next, { diffOnly: true });
  assert.deepEqual(versions((await node.call("GetProject", { name: "shop" })).result.project), {
    shop_db: 1,
    shop_web: 1,
    shop_http: 1,
    shop_other: 1,
  });
  assert.deepEqual(await put(node, next), preview, "a preview is what the put does");
  assert.deepEqual(preview.componentsRemoved, ["shop_db"]);
  assert.deepEqual(preview.changes[0], {
    kind: "component",
    name: "shop_web",
    fields: [{ path: "docker.image", change: "changed", old: "web:1", new: "web:2" }],
  });
  const { project: after } = (await node.call("GetProject", { name: "shop" })).result;
  assert.deepEqual(versions(after), { shop_job: 1, shop_other: 2, shop_web: 2, shop_http: 1 });
});

Deno.test("PutProject keeps an event source that leaves a removed component", async () => {
  await using node = await TestApi.start();
  await put(node, project("p", { a: { image: "i", sources: { es: "@daily" } } }));
  await node.store.toggleEventSources({ enabled: false });
  const plan = await put(node, project("p", { b: { image: "i", sources: { es: "@daily" } } }));
  assert.deepEqual(plan.eventSourcesRemoved, []);
  const found = await node.store.getEventSource("p_es");
  assert.equal(found?.eventSource.componentName, "p_b");
  assert.equal(found.enabled, false, "a put never flips the switch");
});

const REFUSED: readonly { title: string; project: unknown; says: RegExp }[] = [
  ...["", " ", "\t\n", "hello)", "toolong00000000000000"].map((name) => ({
    title: `the name ${JSON.stringify(name)}`,
    project: { ...SHOP, name },
    says: /^input\.project\.name (is required|is invalid|exceeds max length of 20 bytes)/,
  })),
  {
    title: "no components",
    project: { name: "shop", components: [] },
    says: /^input\.project\.components array cannot be empty$/,
  },
  {
    title: "a bad component name",
    project: project("shop", { "co!@mponentName": { image: "i" } }),
    says: /^input\.project\.components\[0\]\.component\.name is invalid/,
  },
  {
    title: "an event source without a sub-type",
    project: {
      name: "shop",
      components: [{
        component: component("web"),
        eventSources: [{ eventSource: { name: "es", componentName: "web" }, enabled: true }],
      }],
    },
    says: /components\[0\]\.eventSources\[0\]\.eventSource No event source sub-type provided/,
  },
  {
    title: "an event source without a component",
    project: {
      name: "shop",
      components: [{
        component: component("web"),
        eventSources: [{ eventSource: { ...cronSource("es", "", "@daily") } }],
      }],
    },
    says: /eventSource\.componentName is required/,
  },
  {
    title: "names that become equal",
    project: project("shop", { web: { image: "i" }, shop_web: { image: "i" } }),
    says: /is given twice: "shop_web"/,
  },
  {
    title: "an unknown field",
    project: { ...SHOP, componets: [] },
    says: /^input\.project\.componets is not a known field \(did you mean "components"\?\)/,
  },
];

for (const { title, project, says } of REFUSED) {
  Deno.test(`PutProject refuses ${title}`, async () => {
    await using node = await TestApi.start();
    const { error } = await node.call("PutProject", { project });
    assert.equal(error.code, 1001);
    assert.match(error.message, says);
    assert.deepEqual((await node.call("ListProjects", {})).result, { projects: [] });
  });
}

for (const name of ["aBc", "92dak_-9s9"]) {
  Deno.test(`PutProject accepts the name ${name}`, async () => {
    await using node = await TestApi.start();
    const restartOrder = { ...component("web"), restartOrder: "startstop" };
    const plan = await put(node, { name, components: [{ component: restartOrder }] });
    assert.equal(plan.componentsAdded[0]?.name, `${name.toLowerCase()}_web`);
    assert.equal(plan.componentsAdded[0]?.RestartOrder, "startstop");
  });
}

Deno.test("PutProject refuses a name of another project and writes nothing", async () => {
  await using node = await TestApi.start();
  await put(node, project("a_b", { c: { image: "i" } }));
  const wanted = project("a", { new: { image: "i" }, b_c: { image: "i" } });
  const { error } = await node.call("PutProject", { project: wanted });
  assert.equal(error.code, 1002);
  assert.match(error.message, /"a_b_c" exists already and belongs to project "a_b"/);
  assert.equal((await node.call("GetProject", { name: "a" })).error.code, 1003);
});

Deno.test("PutProject that loses a race changes nothing and says 1004", async () => {
  await using node = await TestApi.start();
  await put(node, SHOP);
  const { change } = node.store;
  // Somebody else puts between the comparison and the write.
  node.store.change = async (work) => {
    node.store.change = change;
    const web = await node.store.getComponent("shop_web");
    await node.store.putComponent({ ...web!.component, maxConcurrency: 9 });
    return await change.call(node.store, work) as Awaited<ReturnType<typeof work>>;
  };
  const wanted = project("shop", { new: { image: "i" }, web: { image: "web:2" } });
  const { error } = await node.call("PutProject", { project: wanted });
  assert.equal(error.code, 1004);
  const { project: after } = (await node.call("GetProject", { name: "shop" })).result;
  assert.deepEqual(versions(after), { shop_db: 1, shop_web: 2, shop_http: 1, shop_other: 1 });
});

Deno.test("PutProject puts one at a time of a project: together they never mix", async () => {
  await using node = await TestApi.start();
  const replies = await Promise.all(
    ["a", "b", "c"].map((name) =>
      node.call("PutProject", { project: project("shop", { [name]: { image: "i" } }) })
    ),
  );
  const won = replies.filter(({ error }) => error === undefined);
  assert.equal(won.length, 1);
  assert.ok(replies.every(({ error }) => error === undefined || error.code === 1004));
  const { project: after } = (await node.call("GetProject", { name: "shop" })).result;
  assert.deepEqual(Object.keys(versions(after)), [won[0]?.result.componentsAdded[0]?.name]);
});

Deno.test("GetProject and RemoveProject need a name, and remove nothing without", async () => {
  await using node = await TestApi.start();
  await put(node, SHOP);
  for (const method of ["GetProject", "RemoveProject"] as const) {
    for (const input of [{}, { name: "" }, { name: " " }, { name: "a)" }]) {
      const { error } = await node.call(method, input);
      assert.equal(error.code, 1001, `${method} ${JSON.stringify(input)}`);
      assert.match(error.message, /^input\.name is /);
    }
  }
  assert.equal((await node.call("ListProjects", {})).result.projects.length, 1);
});

Deno.test("ListProjects counts, sorts and filters", async () => {
  await using node = await TestApi.start();
  await put(node, SHOP);
  await put(node, project("a_b", { c: { image: "i" } }));
  await node.store.putComponent(component("loose"));
  const shop = { projectName: "shop", componentCount: 2, eventSourceCount: 2 };
  const ab = { projectName: "a_b", componentCount: 1, eventSourceCount: 0 };
  const loose = { projectName: "", componentCount: 1, eventSourceCount: 0 };
  const list = async (input: object) => (await node.call("ListProjects", input)).result.projects;
  assert.deepEqual(await list({}), [loose, ab, shop]);
  assert.deepEqual(await list({ namePrefix: "Sh" }), [shop]);
  assert.deepEqual(await list({ namePrefix: "a%" }), []);
});

Deno.test("PutProject and RemoveProject are not cut at a page of 1000", async () => {
  await using node = await TestApi.start();
  const names = Array.from({ length: 1200 }, (_, i) => `c${i}`);
  const large = project("p", Object.fromEntries(names.map((name) => [name, { image: "i" }])));
  await put(node, large);
  const { project: stored } = (await node.call("GetProject", { name: "p" })).result;
  assert.equal(stored.components.length, 1200);
  assert.equal(
    (await put(node, project("p", { c7: { image: "i" } }))).componentsRemoved.length,
    1199,
  );
  await put(node, large);
  await node.call("RemoveProject", { name: "p" });
  assert.deepEqual((await node.call("ListProjects", {})).result.projects, []);
});

/** What of the project is in effect, with its secrets. */
function inEffect({ catalog, passwords }: TestApi, project: string): (Component | EventSource)[] {
  const { components, eventSources } = catalog.current;
  return [
    ...components.map(({ component }) => passwords.open(component)),
    ...eventSources.map(({ eventSource }) => eventSource),
  ].filter(({ projectName }) => projectName === project);
}

/** What each of `items` says, by kind and name. */
function settings(items: readonly (Component | EventSource)[]) {
  const keyOf = (item: Component | EventSource) =>
    `${"docker" in item ? "component" : "source"} ${item.name}`;
  return new Map(items.map((item) => [keyOf(item), settingsOf(item)]));
}

Deno.test("PutProject does what its preview says, and leaves what is wanted and nothing else", async () => {
  await using node = await TestApi.start();
  const others = project("other", { web: { image: "i", sources: { http: "@daily" } } });
  await put(node, others);
  const untouched = await stored(node, "other");
  const anyPair = fc.tuple(anyProject, anyProject);
  await fc.assert(
    fc.asyncProperty(anyPair, async ([old, wanted]) => {
      await node.result("RemoveProject", { name: "demo" });
      await put(node, old);
      const before = versions(await stored(node, "demo"));
      const preview = await put(node, wanted, { diffOnly: true });
      assert.deepEqual(versions(await stored(node, "demo")), before, "a preview changes nothing");
      assert.deepEqual(await put(node, wanted), preview);

      const named = namedProject(wanted).components;
      assert.deepEqual(
        settings([
          ...named.map(({ component }) => component),
          ...named.flatMap(({ eventSources }) => eventSources.map((entry) => entry.eventSource)),
        ]),
        settings(inEffect(node, "demo")),
      );
      const after = await stored(node, "demo");
      const updated = new Set(
        [...preview.componentsUpdated, ...preview.eventSourcesUpdated].map(({ name }) => name),
      );
      for (const [name, version] of Object.entries(versions(after))) {
        assert.equal(version, (before[name] ?? 0) + Number(updated.has(name) || !before[name]));
      }
      assert.equal(hasChanges(await put(node, wanted)), false);
      assert.equal(hasChanges(await put(node, after)), false, "what was got is what is there");
    }),
    { numRuns: 40 },
  );
  assert.deepEqual(await stored(node, "other"), untouched);
});
