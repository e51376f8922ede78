import assert from "node:assert/strict";
import { Relays } from "../../../daemon/gateway/relay.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { Doors, KEY } from "../../support/doors.ts";
import { answering, RawBackend } from "../../support/http/raw.ts";
import { freePorts } from "../../support/ports.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const get = (path: string, fields = "") =>
  `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${fields}\r\n`;
const status = (answer: string) => Number(answer.split(" ")[1]);
const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

/** A backend that answers 200 and remembers the heads it saw. */
function recording() {
  const heads: string[] = [];
  const backend = answering(({ head }) => {
    heads.push(head);
    return OK;
  });
  return { heads, backend };
}

Deno.test("Gateway answers its health path at both doors, with a query too", async () => {
  await using doors = new Doors();
  for (const port of [doors.publicPort, doors.privatePort]) {
    const answer = await doors.exchange(get("/_mael_health_check?x"), port);
    assert.equal(status(answer), 200);
    assert.equal(bodyOf(answer), "OK");
  }
});

Deno.test("Gateway answers 404 without a rule", async () => {
  await using doors = new Doors({ sources: [{ http: { hostname: "b.example" } }] });
  const answer = await doors.exchange(get("/"));
  assert.equal(status(answer), 404);
  assert.equal(bodyOf(answer), "No component matches the request");
});

Deno.test("Gateway tells the instance who asked, and drops what the client says of itself", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors();
  doors.attach(backend.port);
  const lies = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n" +
    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nMAELSTROM-DEADLINE-NANO: 1\r\n" +
    "Maelstrom_Relay_Path: x\r\nConnection: X-Forwarded-For\r\nKept: yes\r\n";
  assert.equal(status(await doors.exchange(get("/x", lies))), 200);
  const [head] = heads;
  assert.match(
    head!,
    /\r\nKept: yes\r\nX-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\n/,
  );
  assert.match(head!, /\r\nX-Forwarded-Host: a\.example\r\n/);
  assert.doesNotMatch(head!, /6\.6\.6\.6|evil|relay|NANO: 1\r/i);
  const nano = /MAELSTROM-DEADLINE-NANO: (\d+)000000\r\n/.exec(head!)?.[1];
  assert.ok(Math.abs(Number(nano) - Date.now() - 300_000) < 5000, nano);
});

Deno.test("Gateway believes a trusted proxy and adds to what it says", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors({ gateway: { trusted: (address) => address === "127.0.0.1" } });
  doors.attach(backend.port);
  const fields = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
  await doors.exchange(get("/", fields));
  assert.match(heads[0]!, /\r\nX-Forwarded-For: 192\.0\.2\.7, 127\.0\.0\.1\r\n/);
  assert.match(heads[0]!, /\r\nX-Forwarded-Proto: https\r\n/);
  assert.equal(heads[0]!.match(/X-Forwarded-Proto/g)?.length, 1);
});

const paths: [string, { pathPrefix: string; stripPrefix?: boolean }, string][] = [
  ["/a/b?c=%2f", { pathPrefix: "/" }, "/a/b?c=%2f"],
  ["/foo/x?y", { pathPrefix: "/foo", stripPrefix: true }, "/x?y"],
  ["/foo/", { pathPrefix: "/foo/", stripPrefix: true }, "/"],
  ["/foo?y", { pathPrefix: "/foo", stripPrefix: true }, "/?y"],
  ["/foo/a%2fb%20c", { pathPrefix: "/foo", stripPrefix: true }, "/a%2Fb%20c"],
  ["/foo/./x/%2e%2e/y", { pathPrefix: "/foo" }, "/foo/y"],
  ["http://a.example/z?q", { pathPrefix: "/" }, "/z?q"],
];

for (const [path, http, want] of paths) {
  Deno.test(`Gateway sends ${path} under ${JSON.stringify(http)} as ${want}`, async () => {
    const { heads, backend } = recording();
    await using _ = backend;
    await using doors = new Doors({ sources: [{ http }] });
    doors.attach(backend.port);
    assert.equal(status(await doors.exchange(get(path))), 200);
    assert.equal(heads[0]?.split(" ")[1], want);
  });
}

Deno.test("Gateway matches rules on the normal form, so that no spelling gets round them", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors({ sources: [{ http: { pathPrefix: "/public/" } }] });
  doors.attach(backend.port);
  for (const path of ["/public/../admin", "/public/%2e%2e/admin", "/public/..%2f../admin/.."]) {
    const answer = await doors.exchange(get(path));
    assert.ok(status(answer) === 404 || heads.every((head) => head.includes(" /public/")), path);
  }
  for (const path of ["/public/%00", "/public/%zz", "/public/../../x"]) {
    assert.equal(status(await doors.exchange(get(path))), 400, path);
  }
});

Deno.test("Gateway holds a request until an instance comes, and says how long", async () => {
  const { backend } = recording();
  await using _ = backend;
  await using doors = new Doors({ accessLog: 1 });
  const waiting = doors.exchange(get("/"));
  while (doors.woken.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  doors.attach(backend.port);
  const answer = await waiting;
  assert.equal(status(answer), 200);
  assert.match(answer, /\r\nMaelstrom-Cold-Start: \d+\r\n/);
  const warm = await doors.exchange(get("/"));
  assert.doesNotMatch(warm, /Cold-Start/);
  const [cold] = await doors.told();
  assert.equal(cold?.status, 200);
  assert.equal(cold?.instance, "a");
  assert.ok(Number(cold?.waitMs) > 0);
});

Deno.test("Gateway says why no instance can be had, with an id that is in the log", async () => {
  const error = new MaelstromError("start_failed", 'Cannot start "shop": no such image');
  await using doors = new Doors({ router: { blocked: () => error } });
  const answer = await doors.exchange(get("/"));
  assert.equal(status(answer), 503);
  assert.match(answer, /\r\nRetry-After: 1\r\n/);
  const id = /\(id (\w+)\)/.exec(bodyOf(answer))?.[1];
  assert.match(bodyOf(answer), /^Cannot start "shop": no such image\n/);
  assert.ok(doors.log.some((line) => line.id === id && line.component === "shop"));
});

const forms: [string, string, RegExp][] = [
  [
    "text/html,application/xhtml+xml,*/*;q=0.8",
    "text/html; charset=utf-8",
    /^<!doctype html>.*&lt;b&gt;/,
  ],
  ["application/json", "application/json", /^\{"status":503,"message":"<b>","id":"\w+"\}\n$/],
  ["application/problem+json, */*", "application/json", /^\{/],
  ["*/*", "text/plain; charset=utf-8", /^<b>\n\(id \w+\)\n$/],
];

for (const [accept, type, body] of forms) {
  Deno.test(`Gateway answers ${accept} with ${type}`, async () => {
    const error = new MaelstromError("start_failed", "<b>");
    await using doors = new Doors({ router: { blocked: () => error } });
    const answer = await doors.exchange(get("/", `Accept: ${accept}\r\n`));
    assert.ok(answer.includes(`\r\nContent-Type: ${type}\r\n`), answer);
    assert.match(bodyOf(answer), body);
  });
}

Deno.test("Gateway answers 503 when the queue is full", async () => {
  await using doors = new Doors({ router: { queueMax: 1 } });
  const first = doors.exchange(get("/"));
  while (doors.woken.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const answer = await doors.exchange(get("/"));
  assert.equal(status(answer), 503);
  assert.match(answer, /\r\nRetry-After: 1\r\n/);
  doors.routers.of("shop").fail(new MaelstromError("start_failed", "x"));
  await first;
});

Deno.test("Gateway answers 504 when a request waited as long as it may", async () => {
  await using doors = new Doors({ components: [{ queueTimeoutSeconds: 1 }] });
  const answer = await doors.exchange(get("/"));
  assert.equal(status(answer), 504);
  assert.match(bodyOf(answer), /^gateway: Timeout proxying component: shop\n/);
});

Deno.test("Gateway answers 504 when no answer began in time", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.rest();
  });
  await using doors = new Doors({ components: [{ firstByteTimeoutSeconds: 1 }] });
  doors.attach(backend.port);
  assert.equal(status(await doors.exchange(get("/"))), 504);
});

Deno.test("Gateway lets an answer that began in time take longer", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await peer.send("k");
  });
  await using doors = new Doors({ components: [{ firstByteTimeoutSeconds: 1 }] });
  doors.attach(backend.port);
  assert.match(await doors.exchange(get("/")), /\r\n\r\nok$/);
});

Deno.test("Gateway offers a request to another instance when one cannot be reached", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors();
  doors.attach(freePorts(1)[0]!, { id: "dead" });
  doors.attach(backend.port, { id: "alive" });
  for (let n = 0; n < 2; n++) {
    const answer = await doors.exchange(
      "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert.equal(status(answer), 200);
  }
  assert.equal(heads.length, 2);
  assert.deepEqual(doors.verified, ["dead"]);
});

Deno.test("Gateway answers 502 when the instance breaks off, and sends nothing again", async () => {
  let seen = 0;
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    seen += 1;
    peer.close();
  });
  await using doors = new Doors();
  doors.attach(backend.port);
  const answer = await doors.exchange(get("/"));
  assert.equal(status(answer), 502);
  assert.match(bodyOf(answer), /^gateway: No answer from component: shop\n/);
  assert.equal(seen, 1);
});

Deno.test("Gateway answers 413 to a body over the component's limit, told or not", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors({ components: [{ maxBodyBytes: 4 }] });
  doors.attach(backend.port);
  const post = (fields: string, body: string) =>
    doors.exchange(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n${body}`);
  assert.equal(status(await post("Content-Length: 4\r\n", "four")), 200);
  assert.equal(status(await post("Content-Length: 5\r\n", "fives")), 413);
  const chunked = "Transfer-Encoding: chunked\r\n";
  assert.equal(status(await post(chunked, "4\r\nfour\r\n0\r\n\r\n")), 200);
  assert.equal(status(await post(chunked, "5\r\nfives\r\n0\r\n\r\n")), 413);
  assert.equal(status(await post("Content-Length: 5\r\nExpect: 100-continue\r\n", "")), 413);
  // The backend of this test takes the end of a chunked body for a head of its own.
  assert.equal(heads.filter((head) => head.startsWith("POST")).length, 2, heads.join());
});

Deno.test("Gateway shows browsers a waiting page when the component asks for it", async () => {
  await using doors = new Doors({ components: [{ onColdStart: "page" }] });
  const answer = await doors.exchange(get("/", "Accept: text/html\r\n"));
  assert.equal(status(answer), 503);
  assert.match(answer, /\r\nRefresh: 1\r\n/);
  assert.match(bodyOf(answer), /shop is starting/);
  assert.deepEqual(doors.woken, ["shop"]);
  assert.equal(doors.routers.queued("shop"), 1, "counts as one who waits");
});

Deno.test("Gateway fails at once when the component asks for it, and wakes it", async () => {
  await using doors = new Doors({ components: [{ onColdStart: "fail" }] });
  const answer = await doors.exchange(get("/"));
  assert.equal(status(answer), 503);
  assert.match(answer, /\r\nRetry-After: 1\r\n/);
  assert.deepEqual(doors.woken, ["shop"]);
});

Deno.test("Gateway refuses TRACE and honours Max-Forwards of OPTIONS", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors();
  doors.attach(backend.port);
  const ask = (method: string, fields = "") =>
    doors.exchange(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);
  assert.equal(status(await ask("TRACE")), 501);
  assert.equal(status(await ask("OPTIONS", "Max-Forwards: 0\r\n")), 204);
  assert.equal(status(await ask("OPTIONS", "Max-Forwards: 3\r\n")), 200);
  assert.match(heads[0]!, /\r\nMax-Forwards: 2\r\n/);
  assert.doesNotMatch(heads[0]!, /Max-Forwards: 3/);
  assert.equal(heads.length, 1);
});

Deno.test("Gateway's public door routes no request by its component's name", async () => {
  await using doors = new Doors({ sources: [] });
  const fields = "MAELSTROM-COMPONENT: shop\r\n";
  assert.equal(status(await doors.exchange(get("/", fields))), 404);
});

Deno.test("Gateway's private door takes requests that name a component, with their clock", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors({ sources: [] });
  doors.attach(backend.port);
  const nano = `${Date.now() + 60_000}000000`;
  const fields = `MAELSTROM-COMPONENT: Shop\r\nMAELSTROM-DEADLINE-NANO: ${nano}\r\n`;
  assert.equal(status(await doors.exchange(get("/", fields), doors.privatePort)), 200);
  const passed = Number(/DEADLINE-NANO: (\d+)/.exec(heads[0]!)?.[1]);
  assert.ok(Math.abs(passed - Number(nano)) < 5e9);
  const late = `MAELSTROM-COMPONENT: shop\r\nMAELSTROM-DEADLINE-NANO: ${Date.now() - 1}000000\r\n`;
  assert.equal(status(await doors.exchange(get("/", late), doors.privatePort)), 504);
});

Deno.test("Gateway lets only a node tell a component of messages, and hides how it shows that", async () => {
  const { heads, backend } = recording();
  await using _ = backend;
  await using doors = new Doors();
  doors.attach(backend.port);
  const said = "MAELSTROM-COMPONENT: shop\r\nMael-Message-Id: 7\r\n";
  await doors.exchange(get("/x", said));
  await doors.exchange(get("/x", said), doors.privatePort);
  const relays = new Relays({ nodeId: "one", clusterKey: KEY, now: () => Date.now() });
  const pass = `MAELSTROM-RELAY-PASS: ${relays.pass()}\r\n`;
  assert.equal(status(await doors.exchange(get("/x", said + pass), doors.privatePort)), 200);
  assert.deepEqual(heads.map((head) => head.includes("Mael-Message-Id: 7")), [false, false, true]);
  assert.doesNotMatch(heads[2]!, /RELAY|COMPONENT/i);
});

Deno.test("Gateway's access log tells of each request, and of a client that left", async () => {
  const { backend } = recording();
  await using _ = backend;
  await using doors = new Doors({ accessLog: 1 });
  doors.attach(backend.port);
  await doors.exchange(get("/cart?x=1"));
  doors.routers.follow("a", undefined);
  const leaving = doors.exchange(get("/left"));
  while (doors.woken.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  doors.routers.of("shop").fail(new MaelstromError("start_failed", "x"));
  await leaving;
  const [first, second] = await doors.told();
  assert.equal(first?.method, "GET");
  assert.equal(first?.target, "/cart?x=1");
  assert.equal(first?.host, "a.example");
  assert.equal(first?.client, "127.0.0.1");
  assert.equal(first?.component, "shop");
  assert.equal(first?.status, 200);
  assert.equal(second?.status, 503);
  assert.ok(second?.id);
});
