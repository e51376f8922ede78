import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

const IMAGE = { image: "maelstrom-sample:none", httpPort: 8080 };

Deno.test("walk: bad input is refused with its place and changes nothing", async (t) => {
  await using node = await TestNode.start();
  const good = JSON.stringify({ name: "good", docker: IMAGE });
  await node.run(["comp", "put", "-f", "-"], good);
  const before = await node.run(["comp", "ls", "--json"]);

  const cases: [string, string | Uint8Array, RegExp][] = [
    ["an unknown field", '{"name":"x","docker":{"imag":"a","httpPort":1}}', /did you mean "image"/],
    ["a wrong type", '{"name":"x","docker":{"image":"a","httpPort":"80"}}', /httpPort must be a/],
    ["a name with spaces", '{"name":"a b","docker":{"image":"a","httpPort":1}}', /name is invalid/],
    ["no docker", '{"name":"x"}', /docker is required/],
    ["a document of 10 MB", `{"name":"${"x".repeat(10 * 2 ** 20)}"}`, /1 MiB|larger than/],
    ["invalid UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), /UTF-8/],
    ["half a document", '{"name":', /./],
    ["nothing", "", /./],
    ["a list of numbers", "[1,2]", /./],
  ];
  for (const [name, document, message] of cases) {
    await t.step(name, async () => {
      const { code, stderr, stdout } = await node.cli(["comp", "put", "-f", "-"], document);
      assert.ok(code === 1 || code === 2, `exit ${code}`);
      assert.match(stderr, /^maelstrom: /);
      assert.match(stderr, message);
      assert.equal(stdout, "");
      assert.ok(stderr.length < 2000, "an error is read by people");
    });
  }

  await t.step("straight to the API", async () => {
    const token = (await node.run(["token", "create", "test", "--scope", "deploy"])).trim();
    const post = async (body: BodyInit) => {
      const response = await fetch(`http://127.0.0.1:${node.privatePort}/_mael/v1`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body,
      });
      return await response.json();
    };
    const put = (component: unknown) =>
      post(JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "MaelstromService.PutComponent",
        params: [{ component }],
      }));
    assert.equal((await put({ name: "x", docker: { ...IMAGE, httpPort: 0 } })).error.code, 1001);
    assert.equal((await put({ name: "good", docker: IMAGE })).error.code, 1002);
    assert.equal((await put({ name: "good", version: 9, docker: IMAGE })).error.code, 1004);
    assert.equal((await put(null)).error.code, 1001);
    assert.equal((await post("{")).error.code, -32700);
    assert.equal((await post(new Uint8Array([0xff]))).error.code, 1001);
    assert.equal((await post(" ".repeat(10 * 2 ** 20))).error.code, 1006);
    assert.equal((await post('{"method":"No.Such"}')).error.code, -32601);
  });

  assert.equal(await node.run(["comp", "ls", "--json"]), before);
});

Deno.test("walk: an image that does not exist gives 503 with the reason", async () => {
  await using node = await TestNode.start();
  await node.putSample("ghost", { image: "maelstrom-sample:none" });
  await node.putSample("hello");
  for (let n = 0; n < 2; n++) {
    const response = await fetch(`${node.url}/ghost/`);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "1");
    assert.match(await response.text(), /^Cannot start "ghost": .*maelstrom-sample:none/);
  }
  const response = await fetch(`${node.url}/hello/`);
  assert.equal(response.status, 200);
  await response.body?.cancel();
  assert.equal((await node.containers()).length, 1);
});

Deno.test("walk: a process that exits at once gives 503 with its last words", async () => {
  await using node = await TestNode.start();
  const environment = [{ name: "APP_EXIT_AT_START", value: "3" }];
  await node.putSample("brief", {}, { environment });
  const begun = performance.now();
  const response = await fetch(`${node.url}/brief/`);
  assert.equal(response.status, 503);
  assert.match(await response.text(), /^Cannot start "brief": process exited with code 3, last/);
  assert.ok(performance.now() - begun < 10_000, "not at the start limit, but when it exits");
  await node.hasContainers(0);
});

Deno.test("walk: one that never becomes healthy gives 504 and goes", async () => {
  await using node = await TestNode.start();
  const environment = [{ name: "APP_NEVER_HEALTHY", value: "1" }];
  await node.putSample("sick", { httpStartHealthCheckSeconds: 2 }, { environment });
  const response = await fetch(`${node.url}/sick/`);
  assert.equal(response.status, 504);
  assert.match(await response.text(), /not healthy within 2 s, last check: status 503/);
  await node.hasContainers(0);
  const words = node.log.filter(({ message }) => message === "last words");
  assert.ok(words.length > 0, "its last log lines are in the daemon's log");
  assert.equal(words[0]!.component, "sick");
});

Deno.test("walk: a command the engine cannot run gives 503 with the engine's reason", async () => {
  await using node = await TestNode.start();
  await node.putSample("typo", { command: ["/no/such/program"], entrypoint: [] });
  const response = await fetch(`${node.url}/typo/`);
  assert.equal(response.status, 503);
  assert.match(await response.text(), /^Cannot start "typo": .*no such file/);
  await node.hasContainers(0);
});
