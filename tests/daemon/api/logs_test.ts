import assert from "node:assert/strict";
import { apiHandler } from "../../../daemon/api/api.ts";
import { logsEndpoint } from "../../../daemon/api/logs.ts";
import type { Methods } from "../../../daemon/api/rpc.ts";
import { Members } from "../../../daemon/cluster/members.ts";
import { Logs } from "../../../daemon/logs/logs.ts";
import { silentLog } from "../../../lib/log.ts";
import { ADMINISTRATOR } from "../../../lib/rpc/caller.ts";
import { fact, ScriptedEngine } from "../../support/logs.ts";

const NOW_MS = Date.UTC(2024, 4, 1, 12);

function parts(options: { bufferCharsMax?: number; stallMs?: number } = {}) {
  const engine = new ScriptedEngine();
  const members = new Members();
  const context = { docker: engine, members, nodeId: "n1", log: silentLog, now: () => NOW_MS };
  const logs = new Logs({ ...context, ...options });
  const names = () => ["shop", "blog"];
  const handler = apiHandler({} as Methods, silentLog, {
    "/_mael/logs": logsEndpoint({ logs, names, now: () => NOW_MS }),
  });
  const get = (query: string) =>
    handler(new Request(`http://node/_mael/logs${query}`), ADMINISTRATOR);
  return { engine, members, logs, get, handler };
}

/** Text as it arrives, until it holds `enough`. */
async function readUntil(response: Response, enough: RegExp): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes, { stream: true });
    if (enough.test(text)) return text;
  }
  throw new Error(`the stream ended: ${text}`);
}

const refused: readonly [query: string, status: number, message: RegExp][] = [
  ["?follow=maybe", 400, /Cannot read follow: must be true or false, found "maybe"/],
  ["?follow=true&since=soon", 400, /Cannot read since: .*, found "soon"/],
  ["?since=soon", 400, /Cannot read since/],
  ["?follow=true&components=shpo", 404, /no component "shpo", did you mean "shop"\?/],
];
for (const [query, status, message] of refused) {
  Deno.test(`logsEndpoint() refuses ${query} with ${status}`, async () => {
    const response = await parts().get(query);
    assert.equal(response.status, status);
    assert.match((await response.json()).error.message, message);
  });
}

Deno.test("logsEndpoint() takes GET only", async () => {
  const request = new Request("http://node/_mael/logs", { method: "POST" });
  assert.equal((await parts().handler(request, ADMINISTRATOR)).status, 405);
});

Deno.test("logsEndpoint() gives what is there as NDJSON", async () => {
  const { engine, members, get, logs } = parts();
  engine.container("i1").write('say "hi"', "stderr");
  members.report(fact("i1", "shop", 7));
  const response = await get("?follow=false&since=10m&components=shop,b*");
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  assert.equal(
    await response.text(),
    '{"node":"n1","component":"shop","instance":"i1","version":7,"stream":"stderr",' +
      '"line":"say \\"hi\\""}\n',
  );
  assert.equal(engine.asked[0]?.sinceMs, NOW_MS - 600_000);
  assert.equal(logs.size, 0);
});

Deno.test("logsEndpoint() speaks as the ancestor did when asked as its client asks", async () => {
  const { engine, members, get, logs } = parts();
  engine.container("i1").write("hello ");
  engine.container("i1").write("ouch", "stderr");
  members.report(fact("i1", "shop"));
  const response = await get("?components=*sho*,*,&since=");
  const text = await readUntil(response, /PING\r\n$/);
  assert.equal(
    text,
    '{"Component":"shop","Stream":"stdout","Data":"hello "}\r\n' +
      '{"Component":"shop","Stream":"stderr","Data":"ouch"}\r\nPING\r\n',
  );
  assert.equal(engine.asked[0]?.sinceMs, NOW_MS - 60_000);
  assert.equal(logs.size, 0, "the client has left");
});

Deno.test("logsEndpoint() tells a reader that stopped how many lines it missed", async () => {
  for (
    const [query, want] of [
      ["?follow=true", /"dropped":95\}\n/],
      ["", /"Stream":"stderr","Data":"maelstrom: 95 lines dropped"\}\r\n/],
    ] as const
  ) {
    const { engine, members, get } = parts({ bufferCharsMax: 500, stallMs: 0 });
    const container = engine.container("i1");
    for (let i = 0; i < 100; i++) container.write("x");
    container.end();
    members.report(fact("i1", "shop"));
    const response = await get(query);
    while (engine.asked.length === 0 || engine.open > 0) await new Promise((r) => setTimeout(r, 0));
    assert.match(await readUntil(response, /dropped/), want);
  }
});

Deno.test("logsEndpoint() ends its streams when the node stops", async () => {
  const { engine, members, get, logs } = parts();
  engine.container("i1").write("x");
  members.report(fact("i1", "shop"));
  const response = await get("?follow=true");
  const reading = response.text();
  await logs[Symbol.asyncDispose]();
  await reading;
  assert.equal((await get("?follow=true")).status, 503);
});
