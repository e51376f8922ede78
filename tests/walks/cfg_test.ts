import assert from "node:assert/strict";
import { until } from "../support/cluster.ts";
import { type LogLine, TestNode } from "../support/node.ts";

const FIRST = "hunter2-the-first";
const SECOND = "hunter2-the-second";
const THIRD = "hunter2-the-third";

/** What the instance of `hello` has in its variable `PASS`. */
async function pass(node: TestNode): Promise<string> {
  return await (await fetch(`${node.url}/hello/env?name=PASS`)).text();
}

Deno.test("walk: a secret reaches the container, and nothing that is shown", async (t) => {
  await using node = await TestNode.start();
  const shown: string[] = [];
  const run = async (args: readonly string[], stdin?: string) => {
    const { code, stdout, stderr } = await node.cli(args, stdin);
    shown.push(stdout, stderr);
    return { code, stdout, stderr };
  };
  const environment = [
    { name: "PASS", value: "x://u:${cfg:DB_PASSWORD}@db $${cfg:DB_PASSWORD}" },
  ];
  const putHello = () => node.putSample("hello", {}, { RestartOrder: "startstop", environment });

  await t.step("a component that names a missing value is refused with its name", async () => {
    await assert.rejects(putHello(), /refers to \$\{cfg:DB_PASSWORD\}, and there is no such value/);
    assert.deepEqual(JSON.parse(await node.run(["comp", "ls", "--json"])), []);
  });

  await t.step("the container gets the value, and the escaped reference as it is", async () => {
    const put = await run(["cfg", "put", "DB_PASSWORD", "-", "--secret"], `${FIRST}\n`);
    assert.equal(put.stdout, "Value put: DB_PASSWORD version 1 (secret)\n");
    await putHello();
    assert.equal(await pass(node), `x://u:${FIRST}@db $\{cfg:DB_PASSWORD}\n`);
    assert.equal((await Deno.stat(`${node.dataDir}/secret.key`)).mode! & 0o777, 0o600);
  });

  await t.step("its output shows the value to nobody", async () => {
    const response = await fetch(`${node.url}/hello/log?text=pass+${FIRST}+end`);
    assert.equal(response.status, 200, await response.text());
    assert.match((await run(["logs", "hello"])).stdout, /\tpass \*\*\* end$/m);
  });

  await t.step("a changed value rolls out, and the old one stays out of sight", async () => {
    const from = node.log.length;
    const begun = performance.now();
    const put = await run(["cfg", "put", "DB_PASSWORD", "-", "--secret", "--wait"], SECOND);
    assert.equal(
      put.stdout,
      "Value put: DB_PASSWORD version 2 (secret)\nComponent rolls out: hello version 2\n",
    );
    const isServing = (line: LogLine) => line.message === "instance serves" && line.version === 2;
    assert.ok(node.log.slice(from).some(isServing), "it was waited for");
    assert.match(put.stderr, /^hello version 2: serves with 1 instance/m);
    console.log(`  rolled out in ${Math.round(performance.now() - begun)} ms`);
    await node.hasContainers(1);
    assert.equal(await pass(node), `x://u:${SECOND}@db $\{cfg:DB_PASSWORD}\n`);
    for (const secret of [FIRST, SECOND]) {
      const response = await fetch(`${node.url}/hello/log?text=${secret}`);
      assert.equal(response.status, 200, await response.text());
    }
    assert.equal((await run(["logs", "hello"])).stdout.match(/\t\*\*\*$/gm)?.length, 2);
  });

  await t.step("a value in use is not removed, a secret not printed", async () => {
    const removed = await run(["cfg", "rm", "DB_PASSWORD"]);
    assert.deepEqual([removed.code, removed.stderr], [
      5,
      'maelstrom: Cannot remove value "DB_PASSWORD": used by hello\n',
    ]);
    assert.equal((await run(["cfg", "get", "DB_PASSWORD"])).code, 4);
    assert.match((await run(["cfg", "ls"])).stdout, /^DB_PASSWORD +\(secret\) +2 +hello$/m);
  });

  await t.step("the last words of a container that fails are told without it", async () => {
    await run(["cfg", "put", "CODE", "-", "--secret"], "0012");
    await node.putSample("fails", {}, {
      environment: [{ name: "APP_EXIT_AT_START", value: "${cfg:CODE}" }],
    });
    const response = await fetch(`${node.url}/fails/`);
    const text = await response.text();
    assert.match(text, /process exited with code 12, last line: ends at once with code \*\*\*/);
    await node.seen(({ message, line }) =>
      message === "last words" && /\*\*\*$/.test(String(line))
    );
    shown.push(text);
  });

  await t.step("an answered put survives a kill, and is what the instance gets", async () => {
    await run(["cfg", "put", "DB_PASSWORD", "-", "--secret"], THIRD);
    await node.kill();
    await node.start();
    assert.equal(JSON.parse(await node.run(["cfg", "ls", "--json"]))[1].version, 3);
    // The instance of before serves until the one with the new value does.
    const wanted = `x://u:${THIRD}@db $\{cfg:DB_PASSWORD}\n`;
    await until(30_000, "the new value", async () => await pass(node) === wanted || undefined);
  });

  await t.step("no command and no line of the daemon's log shows a secret", async () => {
    for (
      const args of [
        ["comp", "get", "hello"],
        ["comp", "ls", "--json"],
        ["ps", "--json"],
        [
          "node",
          "ls",
          "--json",
        ],
        ["comp", "versions", "hello", "--json"],
        ["cfg", "ls", "--json"],
      ]
    ) {
      assert.equal((await run(args)).code, 0, args.join(" "));
    }
    const all = [...shown, ...node.log.map((line) => JSON.stringify(line))].join("\n");
    assert.ok(!all.includes("hunter2") && !all.includes("0012"), all);
  });
});

Deno.test("walk: a node with another key says so and starts everything else", async () => {
  await using node = await TestNode.start();
  await node.run(["cfg", "put", "--secret", `PASS=${FIRST}`]);
  const environment = [{ name: "PASS", value: "${cfg:PASS}" }];
  await node.putSample("hello", {}, { environment });
  await node.putSample("other");
  await node.stop();
  await Deno.remove(`${node.dataDir}/secret.key`);
  await node.start();
  const failed = await fetch(`${node.url}/hello/`);
  assert.equal(failed.status, 503);
  const text = await failed.text();
  assert.match(
    text,
    /Cannot start "hello": cannot open secret "PASS": it is sealed with key [0-9a-f]{8}/,
  );
  assert.ok(text.includes(`this node has none; copy that key to ${node.dataDir}/secret.key`), text);
  const response = await fetch(`${node.url}/other/`);
  assert.equal(response.status, 200, await response.text());
  const { code, stderr } = await node.cli(["cfg", "put", "--secret", "NEW=another"]);
  assert.equal(code, 1);
  assert.match(stderr, /or make a new one there and put every secret again$/m);
});
