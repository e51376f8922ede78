import assert from "node:assert/strict";
import fc from "fast-check";
import { hidePassword } from "../../../lib/contract/pull_password.ts";
import {
  type Component,
  componentSchema,
  dockerComponentSchema,
} from "../../../lib/contract/v1.ts";
import { anyComponent, component } from "../../contracts/store_values.ts";
import { TestApi } from "../../support/api.ts";

async function names(api: TestApi, input: object): Promise<string[]> {
  const { components, nextToken } = await api.result("ListComponents", input);
  assert.equal(nextToken, undefined);
  return components.map(({ name }) => name);
}

Deno.test("PutComponent creates, GetComponent gives it back, RemoveComponent removes it", async () => {
  await using api = await TestApi.start();
  const given = component(" Shop ", { projectName: "Demo", maxConcurrency: 3 });
  const begunMs = Date.now();
  assert.deepEqual(await api.result("PutComponent", { component: given }), {
    name: "shop",
    version: 1,
  });
  assert.ok(api.catalog.current.componentByName.has("shop"), "in effect once answered");
  const { component: got, status } = await api.result("GetComponent", { name: "SHOP" });
  const { modifiedAt = 0, ...rest } = got;
  assert.deepEqual(rest, { ...given, name: "shop", projectName: "demo", version: 1 });
  assert.ok(modifiedAt >= begunMs && modifiedAt <= Date.now());
  assert.deepEqual(status, { instances: [], failures: [] });

  assert.deepEqual(await api.result("RemoveComponent", { name: "sHop" }), {
    name: "shop",
    found: true,
  });
  assert.equal(api.catalog.current.componentByName.size, 0);
  await api.refuses("GetComponent", { name: "shop" }, 1003, /^No Component found with name: shop$/);
  assert.deepEqual(await api.result("RemoveComponent", { name: "shop" }), {
    name: "shop",
    found: false,
  });
});

Deno.test("PutComponent keeps every field of any component", async () => {
  await using api = await TestApi.start();
  const tried = new Set<string>();
  await fc.assert(
    fc.asyncProperty(anyComponent, async (given) => {
      for (const key of Object.keys(given)) tried.add(key);
      for (const key of Object.keys(given.docker)) tried.add(`docker.${key}`);
      // A run that failed may have left it.
      await api.result("RemoveComponent", { name: given.name });
      await api.result("PutComponent", { component: given });
      const { component: got } = await api.result("GetComponent", { name: given.name });
      const kept = { ...given, version: 1, modifiedAt: got.modifiedAt };
      assert.deepEqual(got, hidePassword(kept));
    }),
    { numRuns: 150, seed: 7 },
  );
  const fields = [
    ...Object.keys(componentSchema.shape),
    ...Object.keys(dockerComponentSchema.shape).map((key) => `docker.${key}`),
  ];
  assert.deepEqual(fields.filter((field) => !tried.has(field)), [], "fields that nobody tried");
});

const REFUSED: readonly { title: string; component: unknown; says: RegExp }[] = [
  ...["", " ", "\t\n", "hello)", "x".repeat(61)].map((name) => ({
    title: `the name ${JSON.stringify(name)}`,
    component: component(name),
    says: /^input\.component\.name (is required|is invalid \(only|exceeds max length of 60 bytes)/,
  })),
  {
    // The ancestor stores it, and dies of it.
    title: "no docker",
    component: { ...component("a"), docker: undefined },
    says: /^input\.component\.docker is required/,
  },
  {
    title: "a port outside its range",
    component: component("a", { docker: { image: "i", httpPort: 65536 } }),
    says: /^input\.component\.docker\.httpPort must be at most 65535, found 65536/,
  },
  {
    title: "a word that is none of those allowed",
    component: { ...component("a"), startParallelism: "all" },
    says: /^input\.component\.startParallelism must be one of "parallel", .*found "all"/,
  },
  {
    title: "null for a list",
    component: { ...component("a"), environment: null },
    says: /^input\.component\.environment must be a list, found null/,
  },
  {
    title: "an environment entry without a value",
    component: { ...component("a"), environment: [{ name: "A" }] },
    says: /^input\.component\.environment\[0\]\.value is required/,
  },
];

for (const { title, component, says } of REFUSED) {
  Deno.test(`PutComponent refuses ${title}`, async () => {
    await using api = await TestApi.start();
    await api.refuses("PutComponent", { component }, 1001, says);
    assert.deepEqual(await names(api, {}), []);
  });
}

Deno.test("GetComponent and RemoveComponent refuse what is no name", async () => {
  await using api = await TestApi.start();
  for (const name of ["", "  ", "hello)", undefined, 7]) {
    await api.refuses("GetComponent", { name }, 1001, /^input\.name /);
    await api.refuses("RemoveComponent", { name }, 1001, /^input\.name /);
  }
});

Deno.test("PutComponent goes by versions", async () => {
  await using api = await TestApi.start();
  const put = (version: number, name = "aBc") =>
    api.call("PutComponent", { component: component(name, { version }) });
  assert.deepEqual((await put(0)).result, { name: "abc", version: 1 });
  assert.deepEqual((await put(0, "92dak_-9s9")).result, { name: "92dak_-9s9", version: 1 });
  assert.deepEqual((await put(0)).error, {
    code: 1002,
    message: "PutComponent: already exists with key",
    data: { code: "already_exists", name: "abc" },
  });
  for (const [version, name] of [[2, "abc"], [5, "absent"]] as const) {
    const { error } = await put(version, name);
    assert.equal(error.code, 1004);
    assert.equal(error.message, "PutComponent: previousVersion is incorrect");
  }
  const first = await api.result("GetComponent", { name: "abc" });
  assert.deepEqual((await put(1)).result, { name: "abc", version: 2 });
  const second = await api.result("GetComponent", { name: "abc" });
  assert.ok(second.component.modifiedAt! >= first.component.modifiedAt!);
});

Deno.test("ListComponents filters by prefix and project, and in a prefix nothing is a wildcard", async () => {
  await using api = await TestApi.start();
  const put = (name: string, projectName?: string) =>
    api.result("PutComponent", {
      component: component(name, projectName === undefined ? {} : { projectName }),
    });
  assert.deepEqual(await names(api, {}), []);
  await put("list_1", "one");
  await put("list-0", "one");
  await put("listX2");
  await put("other");
  const cases: readonly [object, string[]][] = [
    [{}, ["list-0", "list_1", "listx2", "other"]],
    [{ namePrefix: "LIST" }, ["list-0", "list_1", "listx2"]],
    [{ namePrefix: "list_" }, ["list_1"]],
    [{ namePrefix: "%" }, []],
    [{ namePrefix: "bogus" }, []],
    [{ projectName: "One" }, ["list-0", "list_1"]],
    [{ projectName: "one", namePrefix: "list-" }, ["list-0"]],
    [{ projectName: "two" }, []],
  ];
  for (const [input, want] of cases) {
    assert.deepEqual(await names(api, input), want, JSON.stringify(input));
  }
});

Deno.test("ListComponents pages: the limit may change, and the last page has no token", async () => {
  await using api = await TestApi.start();
  const all = ["list-0", "list-1", "list-2", "list-3", "list-4", "other1"];
  for (const name of all.toReversed()) {
    await api.result("PutComponent", { component: component(name) });
  }
  const page = async (limit: number, nextToken?: string) => {
    const found = await api.result("ListComponents", { limit, nextToken });
    const nameOf = ({ name }: Component) => name;
    return { names: found.components.map(nameOf), nextToken: found.nextToken };
  };
  const first = await page(2);
  assert.deepEqual(first.names, all.slice(0, 2));
  const second = await page(2, first.nextToken);
  assert.deepEqual(second.names, all.slice(2, 4));
  assert.deepEqual(await page(4, second.nextToken), {
    names: all.slice(4),
    nextToken: undefined,
  });
  for (const limit of [0, -1, 1001]) {
    assert.deepEqual(await page(limit, ""), { names: all, nextToken: undefined });
  }
  // The ancestor takes any text for the beginning; a list that starts again would never end.
  await api.refuses("ListComponents", { nextToken: "2" }, 1001, /^input\.nextToken is not a token/);
});

Deno.test("RemoveComponent takes its event sources along", async () => {
  await using api = await TestApi.start();
  for (const name of ["shop", "cart"]) {
    await api.result("PutComponent", { component: component(name) });
    const http = { pathPrefix: `/${name}/` };
    const eventSource = { name: `${name}_http`, componentName: name, http };
    await api.result("PutEventSource", { eventSource });
  }
  await api.result("RemoveComponent", { name: "shop" });
  const { eventSources } = await api.result("ListEventSources", {});
  assert.deepEqual(eventSources.map(({ eventSource }) => eventSource.name), ["cart_http"]);
});
