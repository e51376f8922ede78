import assert from "node:assert/strict";
import type { Method, Outputs } from "../../lib/contract/v1.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 30_000;

/** Statuses of `count` requests at once, each on a connection of its own. */
async function statuses(url: string, count = 12): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, async () => {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const response = await fetch(url, { headers: { connection: "close" }, signal });
    await response.body?.cancel();
    return response.status;
  }));
  return [...new Set(answers)];
}

for (const workers of ["1", "3"]) {
  Deno.test(`walk: event sources are switched off and on at once (workers: ${workers})`, async (t) => {
    await using node = await TestNode.start({ env: { MAEL_PROXY_WORKERS: workers } });
    await node.putSamples(["hello", "other"]);
    const es = (...args: string[]) => node.run(["es", ...args]);
    const status = async (name: string) => {
      const sources = JSON.parse(await es("ls", "--prefix", name, "--json"));
      return sources.map(({ enabled }: { enabled: boolean }) => enabled);
    };

    await t.step("those of one component, and no others", async () => {
      assert.deepEqual(await statuses(`${node.url}/hello/`), [200]);
      for (let n = 0; n < 3; n++) {
        const off = await es("disable", "--component", "hello");
        assert.match(off, /^Event Source +Status *\n-+\nhello_http +Disabled *\n$/);
        assert.deepEqual(await statuses(`${node.url}/hello/`), [404]);
        assert.deepEqual(await statuses(`${node.url}/other/`), [200]);
        assert.match(await es("enable", "--prefix", "HELLO_"), /^hello_http +Enabled *$/m);
        assert.deepEqual(await statuses(`${node.url}/hello/`), [200]);
      }
      assert.equal(await es("enable", "--type", "http"), "No event sources updated\n");
    });

    await t.step("all of them, and none for a flag that is empty", async () => {
      const empty = await node.cli(["es", "disable", "--component", ""]);
      assert.deepEqual([empty.code, empty.stdout], [2, ""]);
      assert.deepEqual(await statuses(`${node.url}/hello/`, 1), [200]);
      const all = await es("disable");
      assert.match(all, /^Toggling ALL event sources to Disabled\n\nEvent Source/);
      assert.match(all, /^hello_http +Disabled *\nother_http +Disabled *\n$/m);
      assert.deepEqual(await statuses(`${node.url}/other/`), [404]);
    });

    await t.step("what is off stays off through a put and a kill", async () => {
      const rule = ["--component", "hello", "--path", "/hello/", "--strip-prefix"];
      await es("put", "hello_http", ...rule);
      await node.kill();
      await node.start();
      assert.deepEqual(await status("hello"), [false]);
      assert.deepEqual(await statuses(`${node.url}/hello/`), [404]);
      await es("enable", "--component", "hello");
      assert.deepEqual(await statuses(`${node.url}/hello/`), [200]);
    });
  });
}

Deno.test("walk: a project that is put again leaves its switches as they are", async () => {
  await using node = await TestNode.start();
  const file = (image: string) => `
name: shop
components:
  web:
    image: ${image}
    httpport: 80
    eventsources:
      http: { http: { pathprefix: /web/ } }
    crontab: "@daily /nightly"
`;
  await node.run(["project", "put", "-f", "-"], file("web:1"));
  const off = await node.run(["es", "disable", "--project", "shop", "--type", "cron"]);
  assert.match(off, /^shop_web-cron-0 +Disabled *$/m);
  const same = await node.cli(["project", "diff", "-f", "-"], file("web:1"));
  assert.equal(same.code, 0, same.stdout);
  const put = await node.run(["project", "put", "-f", "-"], file("web:2"));
  assert.doesNotMatch(put, /EventSource/);
  const { components } = JSON.parse(await node.run(["project", "get", "shop", "--json"]));
  assert.deepEqual(
    components[0].eventSources.map((
      { eventSource, enabled }: {
        eventSource: { name: string; version: number };
        enabled: boolean;
      },
    ) => [eventSource.name, eventSource.version, enabled]),
    [["shop_http", 1, true], ["shop_web-cron-0", 1, false]],
  );
});

Deno.test("walk: lists are filtered and paged on the wire, and scopes hold", async (t) => {
  await using node = await TestNode.start();
  const all = ["list-0", "list-1", "list-2", "list-3", "list-4", "other1"];
  const documents = (list: readonly object[]) =>
    list.map((it) => JSON.stringify(it)).join("\n---\n");
  const docker = { image: "none:1", httpPort: 80 };
  await node.run(["comp", "put", "-f", "-"], documents(all.map((name) => ({ name, docker }))));
  await node.run(
    ["es", "put", "-f", "-"],
    documents(all.map((name, i) => ({
      name: `${name}_es`,
      componentName: name,
      ...(i % 2 ? { sqs: { queueName: "q", path: "/" } } : { http: { pathPrefix: `/${i}/` } }),
    }))),
  );
  const callAs = async (scope: string) => {
    const token = (await node.run(["token", "create", scope, "--scope", scope])).trim();
    return async <M extends Method>(method: M, input: object) => {
      const response = await fetch(`http://127.0.0.1:${node.privatePort}/_mael/v1`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: "1", method, params: [input] }),
      });
      const { result, error } = await response.json();
      return { status: response.status, result: result as Outputs[M], error };
    };
  };
  const read = await callAs("read");
  const components = async (input: object) => {
    const { result } = await read("MaelstromService.ListComponents", input);
    return { names: result.components.map(({ name }) => name), nextToken: result.nextToken };
  };

  await t.step("pages of components", async () => {
    const first = await components({ limit: 2 });
    assert.deepEqual(first.names, all.slice(0, 2));
    const second = await components({ limit: 2, nextToken: first.nextToken });
    assert.deepEqual(second.names, all.slice(2, 4));
    const last = await components({ limit: 4, nextToken: second.nextToken });
    assert.deepEqual(last, { names: all.slice(4), nextToken: undefined });
  });

  await t.step("filters of event sources, also on each page", async () => {
    const method = "MaelstromService.ListEventSources";
    const input = { namePrefix: "list", eventSourceType: "http", limit: 2 };
    const first = await read(method, input);
    const second = await read(method, { ...input, nextToken: first.result.nextToken });
    const found = [first, second].map(({ result }) =>
      result.eventSources.map(({ eventSource }) => eventSource.name)
    );
    assert.deepEqual(found, [["list-0_es", "list-2_es"], ["list-4_es"]]);
    assert.equal(second.result.nextToken, undefined);
  });

  await t.step("who may read may not switch; who may deploy may", async () => {
    const method = "MaelstromService.ToggleEventSources";
    const input = { enabled: false, eventSourceType: "sqs" };
    const refused = await read(method, input);
    assert.equal(refused.status, 403);
    assert.match(refused.error.message, /it needs scope "deploy"/);
    const deploy = await callAs("deploy");
    const { result } = await deploy(method, input);
    assert.deepEqual(result, {
      enabled: false,
      eventSourceNames: ["list-1_es", "list-3_es", "other1_es"],
    });
  });
});
