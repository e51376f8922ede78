import assert from "node:assert/strict";
import { apiHandler } from "../../../daemon/api/api.ts";
import { queueEndpoint, queueMethods, QueueSender } from "../../../daemon/api/queues.ts";
import type { Methods } from "../../../daemon/api/rpc.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import type { Catalog } from "../../../daemon/store/catalog.ts";
import type { Scope } from "../../../lib/contract/scopes.ts";
import type { QueueEventSource } from "../../../lib/contract/v1.ts";
import { silentLog } from "../../../lib/log.ts";
import { TestQueues } from "../../contracts/queue_contract.ts";
import { eventSource } from "../../support/builders.ts";

/** The API over empty queues that `sources` read. */
async function setUp(sources: readonly QueueEventSource[]) {
  const stack = new AsyncDisposableStack();
  const path = await Deno.makeTempDir({ prefix: "maelstrom-queues-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const driver = stack.use(await openSqlite(`${path}/maelstrom.db`, { log: silentLog }));
  const queues = stack.use(new TestQueues(driver));
  const eventSources = sources.map((queue) => {
    const { http: _, ...source } = eventSource({ name: `${queue.name}_source`, queue });
    return { eventSource: source, enabled: false };
  });
  const catalog = { current: { eventSources } } as unknown as Catalog;
  let nowMs = 0;
  const options = { store: queues.store, admin: queues.admin, catalog, now: () => nowMs };
  const sender = new QueueSender(options);
  const methods = queueMethods(options, sender) as Methods;
  const handler = apiHandler(methods, silentLog, { "/queues/": queueEndpoint(sender) });
  const ask = async (path: string, init: RequestInit, scope: Scope) => {
    const response = await handler(new Request(`http://node${path}`, init), { scope, name: "me" });
    return { status: response.status, body: await response.json() };
  };
  return {
    queues,
    pass: (ms: number) => nowMs += ms,
    post: (path: string, init: RequestInit = {}, scope: Scope = "deploy") =>
      ask(path, { method: "POST", body: "{}", ...init }, scope),
    async call(method: string, input: object, scope: Scope = "admin") {
      const call = { jsonrpc: "2.0", id: 1, method: `MaelstromService.${method}`, params: [input] };
      const { body } = await ask(
        "/_mael/v1",
        { method: "POST", body: JSON.stringify(call) },
        scope,
      );
      return body;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const JOBS = { name: "jobs", path: "/" };

Deno.test("queueEndpoint() keeps a message with its attributes, and answers when it is on disk", async () => {
  await using api = await setUp([JOBS]);
  const headers = {
    "content-type": "application/json",
    "mael-attribute-kind": "jpeg",
    "x-other": "no",
  };
  const path = "/queues/JOBS?delay=60&priority=4";
  const { status, body } = await api.post(path, { body: '{"a":1}', headers });
  assert.equal(status, 201);
  const { result: { messages: [message] } } = await api.call("PeekQueue", { queue: "jobs" });
  assert.equal(message.id, body.id);
  assert.equal(message.body, '{"a":1}');
  assert.equal(message.priority, 4);
  assert.deepEqual(message.attributes, { "content-type": "application/json", kind: "jpeg" });
  assert.ok(Math.abs(message.visibleAt - message.sentAt - 60_000) < 2);
});

Deno.test("queueEndpoint() lets callers without credentials send to open queues only", async () => {
  await using api = await setUp([JOBS, { name: "mail", path: "/", open: true }]);
  const cases: [string, Scope, number][] = [
    ["/queues/mail", "anybody", 201],
    ["/queues/mail", "read", 201],
    ["/queues/jobs", "anybody", 403],
    ["/queues/jobs", "read", 403],
    ["/queues/jobs", "deploy", 201],
    ["/queues/absent", "anybody", 403],
    ["/queues/mail-dead", "anybody", 403],
    ["/queues/absent", "deploy", 404],
    ["/queues/jobs-dead", "deploy", 404],
    ["/queues/", "deploy", 404],
    ["/queues/a/b", "deploy", 404],
  ];
  for (const [path, scope, want] of cases) {
    const { status, body } = await api.post(path, {}, scope);
    assert.equal(status, want, `${path} as ${scope}: ${JSON.stringify(body)}`);
  }
  const closed = await api.post("/queues/jobs", {}, "anybody");
  assert.match(
    closed.body.error.message,
    /^Cannot send to queue "jobs": it is not open and needs scope "deploy", me has "anybody"$/,
  );
});

Deno.test("methods are not for callers without credentials", async () => {
  await using api = await setUp([{ name: "mail", path: "/", open: true }]);
  for (const method of ["SendMessages", "ListQueues", "PeekQueue", "PurgeQueue", "RedriveQueue"]) {
    const { error } = await api.call(method, { queue: "mail" }, "anybody");
    assert.match(error.message, /Cannot use \/_mael\/v1: it needs scope "read"/);
  }
  for (const method of ["SendMessages", "PurgeQueue", "RedriveQueue"]) {
    const { error } = await api.call(method, { queue: "mail" }, "read");
    assert.match(error.message, /it needs scope "deploy"/);
  }
});

Deno.test("queueEndpoint() refuses what cannot be a message", async () => {
  await using api = await setUp([JOBS]);
  const cases: [string, RequestInit, number, RegExp][] = [
    ["", { body: "x".repeat(256 * 1024 + 1) }, 413, /larger than 262144 bytes/],
    ["", { body: new Uint8Array([0xff]) }, 400, /not valid UTF-8/],
    ["", { body: "a\0b" }, 400, /message\.body must not contain a NUL character/],
    ["?delay=x", {}, 400, /takes \?delay=SECONDS and \?priority=N, found "delay"="x"/],
    ["?dealy=1", {}, 400, /found "dealy"="1"/],
    ["?delay=99999999", {}, 400, /message\.delaySeconds must be at most 604800/],
    ["?priority=10", {}, 400, /message\.priority must be at most 9/],
    ["", { headers: { "mael-attribute-a": "é" } }, 400, /printable characters of ASCII/],
  ];
  for (const [query, init, status, says] of cases) {
    const answer = await api.post(`/queues/jobs${query}`, init);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.error.message, says);
  }
  assert.equal((await api.post("/queues/jobs", { body: "x".repeat(256 * 1024) })).status, 201);
  assert.equal((await api.call("ListQueues", {})).result.queues[0].ready, 1);
});

Deno.test("QueueSender.send() refuses more than the queue may hold, until there is room", async () => {
  await using api = await setUp([{ ...JOBS, maxLength: 5 }]);
  const send = (count: number) =>
    api.call("SendMessages", {
      queue: "jobs",
      messages: Array.from({ length: count }, (_, index) => ({ body: String(index) })),
    });
  assert.equal((await send(4)).result.ids.length, 4);
  const { error } = await send(2);
  assert.deepEqual([error.code, error.message], [
    1010,
    'Cannot send to queue "jobs": it holds 4 messages, its maxLength is 5',
  ]);
  assert.equal((await send(1)).result.ids.length, 1);
  assert.equal((await api.post("/queues/jobs")).status, 503);
  await api.queues.taken(5);
  api.pass(1001);
  assert.equal((await send(1)).error.code, 1010, "what is being handled counts");
  await api.queues.admin.purge("jobs");
  api.pass(1001);
  assert.equal((await send(5)).result.ids.length, 5);
});

Deno.test("methods list, purge and redrive queues, and know which there are", async () => {
  await using api = await setUp([JOBS, { name: "mail", path: "/", deadLetterQueue: "lost" }]);
  await api.call("SendMessages", { queue: "jobs", messages: [{ body: "a" }, { body: "b" }] });
  const [first] = await api.queues.store.take("jobs", 1, 60_000);
  const end = { to: "jobs-dead", keptMs: 60_000, failure: "status 500" };
  await api.queues.store.giveUp(first!, end);
  const { queues } = (await api.call("ListQueues", {}, "read")).result;
  assert.deepEqual(
    queues.map(({ oldestSentAt: _, ...queue }: { oldestSentAt: number }) => queue),
    [
      { name: "jobs", ready: 1, delayed: 0, inFlight: 0, dead: 1, eventSources: ["jobs_source"] },
      { name: "jobs-dead", ready: 1, delayed: 0, inFlight: 0, dead: 0, eventSources: [] },
      { name: "lost", ready: 0, delayed: 0, inFlight: 0, dead: 0, eventSources: [] },
      { name: "mail", ready: 0, delayed: 0, inFlight: 0, dead: 0, eventSources: ["mail_source"] },
    ],
  );
  const dead = await api.call("PeekQueue", { queue: "jobs", dead: true }, "read");
  assert.equal(dead.result.messages[0].failure, "status 500");
  assert.deepEqual((await api.call("RedriveQueue", { queue: "Jobs" })).result, {
    queue: "jobs",
    moved: 1,
  });
  assert.equal((await api.call("PurgeQueue", { queue: "jobs" })).result.removed, 2);
  assert.equal((await api.call("PurgeQueue", { queue: "jobs" })).result.removed, 0);
  for (const method of ["PeekQueue", "PurgeQueue", "RedriveQueue"]) {
    const { error } = await api.call(method, { queue: "absent" });
    assert.deepEqual([error.code, error.message], [1003, "No queue found with name: absent"]);
  }
});
