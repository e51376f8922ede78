import assert from "node:assert/strict";
import { Resolver } from "../../../daemon/gateway/resolver.ts";
import type { EventSource, EventSourceType } from "../../../lib/contract/v1.ts";
import { component, eventSource } from "../../contracts/store_values.ts";
import { TestApi } from "../../support/api.ts";

const KINDS: Readonly<Record<EventSourceType, Partial<EventSource>>> = {
  http: { http: { hostname: "shop.example.com", pathPrefix: "/a", stripPrefix: true } },
  cron: {
    cron: {
      schedule: "0 3 * * *",
      timezone: "Europe/Berlin",
      overlap: "queue",
      missed: "all",
      missedMax: 3,
      jitterSeconds: 5,
      retries: 2,
      retryDelaySeconds: 7,
      http: {
        method: "POST",
        path: "/nightly?full=1",
        data: "{}",
        headers: [{ name: "X-By", value: "cron" }],
      },
    },
  },
  sqs: {
    sqs: {
      queueName: "images",
      nameAsPrefix: true,
      path: "/image",
      maxConcurrency: 7,
      messagesPerPoll: 3,
      concurrencyPerPoller: 2,
      visibilityTimeout: 60,
      batch: true,
      region: "eu-west-1",
      endpoint: "http://127.0.0.1:9",
    },
  },
  awsstepfunc: {
    awsstepfunc: {
      activityName: "resize",
      path: "/resize",
      maxConcurrency: 4,
      concurrencyPerPoller: 2,
      heartbeatSeconds: 30,
      region: "eu-west-1",
      endpoint: "http://127.0.0.1:9",
    },
  },
  queue: {
    queue: {
      name: "tasks",
      path: "/task",
      maxConcurrency: 4,
      concurrencyPerPoller: 2,
      visibilitySeconds: 30,
      maxReceives: 3,
      deadLetterQueue: "lost",
      retentionSeconds: 3600,
      maxLength: 100,
      batch: true,
      open: true,
    },
  },
};

/** An API with the components `a` of project `one` and `b` of `two`. */
async function withComponents(): Promise<TestApi> {
  const api = await TestApi.start();
  for (const [name, projectName] of [["a", "one"], ["b", "two"]] as const) {
    await api.result("PutComponent", { component: component(name, { projectName }) });
  }
  return api;
}

/** An API with six event sources: three kinds for each component. */
async function withSources(): Promise<TestApi> {
  const api = await withComponents();
  for (const owner of ["a", "b"]) {
    for (const kind of ["http", "cron", "sqs"] as const) {
      const source = eventSource(`${owner}_${kind}`, owner, KINDS[kind]);
      await api.result("PutEventSource", { eventSource: source });
    }
  }
  return api;
}

async function names(api: TestApi, input: object): Promise<string[]> {
  const { eventSources, nextToken } = await api.result("ListEventSources", input);
  assert.equal(nextToken, undefined);
  return eventSources.map(({ eventSource }) => eventSource.name);
}

for (const [kind, fields] of Object.entries(KINDS)) {
  Deno.test(`PutEventSource keeps every field of ${kind}, GetEventSource gives it back`, async () => {
    await using api = await withComponents();
    const given = eventSource(" My-Source ", "A", { projectName: "lie", ...fields });
    const begunMs = Date.now();
    assert.deepEqual(await api.result("PutEventSource", { eventSource: given }), {
      name: "my-source",
      version: 1,
    });
    const { eventSource: got } = await api.result("GetEventSource", { name: "MY-source" });
    const { modifiedAt, ...rest } = got;
    const named = { name: "my-source", componentName: "a", projectName: "one", version: 1 };
    assert.deepEqual({ ...rest, modifiedAt: 0 }, { ...given, ...named });
    assert.ok(modifiedAt >= begunMs && modifiedAt <= Date.now());
    assert.deepEqual(await names(api, { eventSourceType: kind }), ["my-source"]);

    const found = await api.result("RemoveEventSource", { name: "My-Source" });
    assert.deepEqual(found, { name: "my-source", found: true });
    const absent = /^No event source found with name: my-source$/;
    await api.refuses("GetEventSource", { name: "my-source" }, 1003, absent);
    const again = await api.result("RemoveEventSource", { name: "my-source" });
    assert.deepEqual(again, { name: "my-source", found: false });
  });
}

const HTTP = KINDS.http;
const AT = "input\\.eventSource";
const REFUSED: readonly { title: string; source: unknown; code?: number; says: RegExp }[] = [
  ...["", " ", "tab\ttext", "bad&chars%here"].flatMap((name) => [
    {
      title: `the name ${JSON.stringify(name)}`,
      source: eventSource(name, "a", HTTP),
      says: /^input\.eventSource\.name (is required|is invalid \(only)/,
    },
    {
      title: `the component name ${JSON.stringify(name)}`,
      source: eventSource("es", name, HTTP),
      says: /^input\.eventSource\.componentName (is required|is invalid \(only)/,
    },
  ]),
  {
    title: "no sub-type",
    source: eventSource("es", "a", {}),
    says: new RegExp(`^${AT} No event source sub-type provided \\(e\\.g\\. http\\)`),
  },
  {
    // The ancestor keeps both and uses the first.
    title: "two sub-types",
    source: eventSource("es", "a", { ...HTTP, ...KINDS.sqs }),
    says: new RegExp(`^${AT} must have exactly one of http, .*found http and sqs`),
  },
  {
    title: "neither host nor path",
    source: eventSource("es", "a", { http: { hostname: " ", pathPrefix: "" } }),
    says: new RegExp(`^${AT}\\.http hostname or pathPrefix must be provided`),
  },
  {
    title: "a relative path prefix",
    source: eventSource("es", "a", { http: { pathPrefix: "a" } }),
    says: new RegExp(`^${AT}\\.http\\.pathPrefix must start with "/", found "a"`),
  },
  ...["method", "path"].map((field) => ({
    title: `cron without its ${field}`,
    source: eventSource("es", "a", {
      cron: { schedule: "@daily", http: { method: "GET", path: "/", [field]: "" } },
    }),
    says: new RegExp(`^${AT}\\.cron\\.http\\.${field} must be provided`),
  })),
  {
    title: "a schedule that is none",
    source: eventSource("es", "a", {
      cron: { schedule: "TZ=UTC", http: { method: "GET", path: "/" } },
    }),
    says: new RegExp(`^${AT}\\.cron\\.schedule `),
  },
  {
    title: "a queue without a name",
    source: eventSource("es", "a", { sqs: { queueName: "", path: "/" } }),
    says: new RegExp(`^${AT}\\.sqs\\.queueName is required`),
  },
  {
    title: "an activity without a path",
    source: eventSource("es", "a", { awsstepfunc: { activityName: "x", path: "" } }),
    says: new RegExp(`^${AT}\\.awsstepfunc\\.path must be provided`),
  },
  {
    title: "an unknown component",
    source: eventSource("es", "absent", HTTP),
    code: 1003,
    says: /^eventSource\.component not found: absent$/,
  },
  {
    title: "a version of what is not there",
    source: eventSource("es", "a", { ...HTTP, version: 50_000 }),
    code: 1004,
    says: /^PutEventSource: previousVersion is incorrect$/,
  },
];

for (const { title, source, code = 1001, says } of REFUSED) {
  Deno.test(`PutEventSource refuses ${title}`, async () => {
    await using api = await withComponents();
    await api.refuses("PutEventSource", { eventSource: source }, code, says);
    assert.deepEqual(await names(api, {}), []);
  });
}

Deno.test("PutEventSource goes by versions", async () => {
  await using api = await withComponents();
  const put = (version: number) =>
    api.call("PutEventSource", { eventSource: eventSource("es", "a", { ...HTTP, version }) });
  assert.equal((await put(0)).result.version, 1);
  assert.equal((await put(0)).error.code, 1002);
  assert.equal((await put(2)).error.code, 1004);
  assert.equal((await put(1)).result.version, 2);
});

Deno.test("ListEventSources joins its filters", async () => {
  await using api = await withSources();
  const all = ["a_cron", "a_http", "a_sqs", "b_cron", "b_http", "b_sqs"];
  const cases: readonly [object, string[]][] = [
    [{}, all],
    [{ namePrefix: "A_" }, all.slice(0, 3)],
    [{ namePrefix: "_" }, []],
    [{ componentName: "B" }, all.slice(3)],
    [{ projectName: "One" }, all.slice(0, 3)],
    [{ eventSourceType: "cron" }, ["a_cron", "b_cron"]],
    [{ eventSourceType: "awsstepfunc" }, []],
    [{ componentName: "b", eventSourceType: "sqs" }, ["b_sqs"]],
    [{ componentName: "b", namePrefix: "a" }, []],
    [{ projectName: "two", namePrefix: "b_", eventSourceType: "http" }, ["b_http"]],
  ];
  for (const [input, want] of cases) {
    assert.deepEqual(await names(api, input), want, JSON.stringify(input));
  }
  await api.refuses("ListEventSources", { eventSourceType: "htp" }, 1001, /must be one of "http"/);
});

Deno.test("ListEventSources pages through what its filters mean", async () => {
  await using api = await withSources();
  const pages: string[][] = [];
  let nextToken: string | undefined;
  do {
    const page = await api.result("ListEventSources", { limit: 2, nextToken, namePrefix: "" });
    pages.push(page.eventSources.map(({ eventSource }) => eventSource.name));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  assert.deepEqual(pages, [["a_cron", "a_http"], ["a_sqs", "b_cron"], ["b_http", "b_sqs"]]);
});

Deno.test("ToggleEventSources switches what its filters mean, names what was not so, keeps versions", async () => {
  await using api = await withSources();
  const before = await api.result("ListEventSources", {});
  const cases: readonly [object, string[]][] = [
    [{ enabled: true }, []],
    [{ enabled: false, eventSourceType: "cron" }, ["a_cron", "b_cron"]],
    [{ enabled: false, componentName: "A" }, ["a_http", "a_sqs"]],
    [{ enabled: false, projectName: "TWO", namePrefix: "B_h" }, ["b_http"]],
    [{ enabled: false, namePrefix: "absent" }, []],
    [{ enabled: false }, ["b_sqs"]],
    [{ enabled: false }, []],
    [{ enabled: true }, ["a_cron", "a_http", "a_sqs", "b_cron", "b_http", "b_sqs"]],
  ];
  for (const [input, eventSourceNames] of cases) {
    const { enabled } = input as { enabled: boolean };
    assert.deepEqual(
      await api.result("ToggleEventSources", input),
      { enabled, eventSourceNames },
      JSON.stringify(input),
    );
  }
  assert.deepEqual(await api.result("ListEventSources", {}), before);
});

Deno.test("ToggleEventSources needs to be told which way, and refuses an unknown type", async () => {
  await using api = await withSources();
  await api.refuses("ToggleEventSources", {}, 1001, /^input\.enabled is required/);
  const input = { enabled: false, eventSourceType: "htp" };
  await api.refuses("ToggleEventSources", input, 1001, /^input\.eventSourceType must be one of/);
  assert.equal(
    (await api.result("ToggleEventSources", { enabled: true })).eventSourceNames.length,
    0,
  );
});

Deno.test("ToggleEventSources is in effect once answered: routing stops, and comes back", async () => {
  await using api = await withSources();
  const resolver = new Resolver(api.catalog);
  const find = () => resolver.byRule("shop.example.com", "/a/x")?.component;
  assert.equal(find(), "a");
  await api.result("ToggleEventSources", { enabled: false, componentName: "a" });
  assert.equal(find(), "b", "the next rule that matches");
  await api.result("ToggleEventSources", { enabled: false });
  assert.equal(find(), undefined);
  assert.equal(resolver.byName("a")?.component, "a", "a component is reached by its name");
  await api.result("ToggleEventSources", { enabled: true, namePrefix: "a_http" });
  assert.equal(find(), "a");
});
