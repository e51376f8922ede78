import assert from "node:assert/strict";
import { labelled } from "../../support/docker/labelled.ts";
import { witness } from "../../support/docker/witness.ts";

type Test = ReturnType<typeof labelled>;

/** Starts the application and gives its address once it listens. */
async function startApp(test: Test, Env: string[] = []): Promise<{ id: string; url: string }> {
  const id = await test.run({ Env });
  const { docker, signal } = test;
  for await (const { line } of docker.containerLogs(id, { follow: true, signal })) {
    if (line.startsWith("listening")) break;
  }
  const address = (await docker.inspectContainer(id, signal))?.addresses.bridge;
  return { id, url: `http://${address}:8080` };
}

async function get(url: string): Promise<[number, string]> {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

Deno.test("app answers each of its pages", async () => {
  await using test = labelled();
  const { id, url } = await startApp(test, [
    "MAELSTROM_COMPONENT_NAME=shop",
    "MAELSTROM_COMPONENT_VERSION=7",
  ]);
  const hostname = id.slice(0, 12);
  assert.deepEqual(await get(`${url}/`), [
    200,
    `hello from shop version 7, container ${hostname}, request 1\n`,
  ]);
  assert.deepEqual(JSON.parse((await get(`${url}/whoami`))[1]), {
    component: "shop",
    version: 7,
    hostname,
    requests: 2,
  });
  assert.deepEqual(await get(`${url}/count`), [200, "3\n"]);
  assert.deepEqual(await get(`${url}/sleep?ms=1`), [200, "slept 1 ms\n"]);
  assert.deepEqual(await get(`${url}/sleep?seconds=0`), [200, "slept 0 ms\n"]);
  assert.equal((await get(`${url}/status?code=418`))[0], 418);
  assert.equal((await get(`${url}/status?code=204`))[0], 204);
  assert.equal((await get(`${url}/fail`))[0], 500);
  assert.equal((await get(`${url}/nowhere`))[0], 404);
  assert.equal((await get(`${url}/toString`))[0], 404);
  assert.deepEqual(await get(`${url}/env?name=DENO_DIR`), [200, "/tmp/deno\n"]);
  assert.equal((await get(`${url}/env?name=NOT_THERE`))[0], 404);
  const headers = await (await fetch(`${url}/headers`, { headers: { "x-mine": "1" } })).json();
  assert.equal(headers["x-mine"], "1");
  assert.equal((await get(`${url}/bytes?n=200001`))[1].length, 200_001);
  assert.equal((await get(`${url}/bytes?n=0`))[1], "");
  assert.deepEqual(await get(`${url}/log?text=a%20line`), [200, "logged\n"]);
  const lines = await test.docker.lastLogLines(id, 5, test.signal);
  assert.deepEqual(lines, ["listening on 8080", "a line"]);
});

Deno.test("app says that it is down when told, and up again", async () => {
  await using test = labelled();
  const { url } = await startApp(test);
  assert.equal((await get(`${url}/health`))[0], 200);
  assert.equal((await get(`${url}/health?set=down`))[0], 200);
  assert.equal((await get(`${url}/health`))[0], 503);
  assert.equal((await get(`${url}/`))[0], 200);
  await get(`${url}/health?set=up`);
  assert.equal((await get(`${url}/health`))[0], 200);
});

Deno.test("app streams in both directions", async () => {
  await using test = labelled();
  const { url } = await startApp(test);
  const upload = new TransformStream<Uint8Array, Uint8Array>();
  const writer = upload.writable.getWriter();
  const request = fetch(`${url}/echo`, { method: "POST", body: upload.readable });
  await writer.write(new TextEncoder().encode("first"));
  const reader = (await request).body?.getReader();
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), "first");
  await writer.close();
  assert.equal((await reader?.read())?.done, true);
  const stream = await fetch(`${url}/stream?pieces=2&everyMs=1`);
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  assert.equal(await stream.text(), "id: 0\ndata: piece 0\n\nid: 1\ndata: piece 1\n\n");
});

Deno.test("app echoes WebSocket messages", async () => {
  await using test = labelled();
  const { url } = await startApp(test);
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
  const echoed = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send("hi");
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error("socket failed"));
  });
  assert.equal(echoed, "hi");
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  assert.equal((await get(`${url}/ws`))[0], 426);
});

Deno.test("app finishes requests on SIGTERM, ends its streams, and ends with 0", async () => {
  await using test = labelled();
  const { id, url } = await startApp(test);
  const endless = await fetch(`${url}/stream?pieces=1000000&everyMs=600000`);
  const reader = endless.body?.getReader();
  await reader?.read();
  const slow = get(`${url}/sleep?ms=300`);
  // The stream, the slow one, and each of these looks.
  await until(async (looks) => Number((await get(`${url}/count`))[1]) === 2 + looks);
  await test.docker.stopContainer(id, { graceSeconds: 30, signal: test.signal });
  assert.deepEqual(await slow, [200, "slept 300 ms\n"]);
  assert.equal((await reader?.read())?.done, true);
  assert.equal((await witness().getContainer(id).inspect()).State.ExitCode, 0);
});

Deno.test("app ends with the code it is told", async () => {
  await using test = labelled();
  const { id, url } = await startApp(test);
  await assert.rejects(get(`${url}/exit?code=9`));
  assert.equal((await witness().getContainer(id).wait()).StatusCode, 9);
});

Deno.test("app can fail to start, be slow to start, and never get well", async () => {
  await using test = labelled();
  const fails = await test.run({ Env: ["APP_EXIT_AT_START=6"] });
  assert.equal((await witness().getContainer(fails).wait()).StatusCode, 6);
  assert.deepEqual(await test.docker.lastLogLines(fails, 5, test.signal), [
    "ends at once with code 6",
  ]);
  const slow = await test.run({ Env: ["APP_START_DELAY_MS=600000"] });
  const { url } = await startApp(test, ["APP_NEVER_HEALTHY=1"]);
  for (const path of ["/", "/health"]) assert.equal((await get(url + path))[0], 503);
  assert.equal((await get(`${url}/count`))[0], 200);
  assert.deepEqual(await test.docker.lastLogLines(slow, 5, test.signal), []);
  await test.docker.stopContainer(slow, { graceSeconds: 30, signal: test.signal });
  assert.equal((await witness().getContainer(slow).inspect()).State.ExitCode, 0);
});

/** Resolves when `condition` holds; each look is a request, so there is nothing to wait for. */
async function until(condition: (looks: number) => Promise<boolean>): Promise<void> {
  for (let looks = 1; looks <= 1000; looks++) if (await condition(looks)) return;
  assert.fail("the condition never held");
}
