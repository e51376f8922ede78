import assert from "node:assert/strict";
import { ensureSampleImage } from "../../examples/quickstart/image.ts";
import { TestNode } from "../support/node.ts";

Deno.test("walk: a project is put, compared, changed and removed", async (t) => {
  await using node = await TestNode.start();
  const signal = AbortSignal.timeout(60_000);
  const image = await ensureSampleImage(node.docker, { say: () => {}, signal });
  const file = `${node.dataDir}/shop.yml`;
  const yaml = `
name: shop
environment: [MODE=a]
components:
  web:
    image: ${image}
    httpport: 8080
    httphealthcheckpath: /health
    maxconcurrency: 100
    eventsources:
      web_http:
        http: { pathprefix: /web/, stripprefix: true }
  job: { image: "${image}", httpport: 8080, crontab: "0 3 * * * /nightly" }
`;
  const write = (text: string) => Deno.writeTextFile(file, text);
  const project = (...args: string[]) => node.cli(["project", ...args]);

  await t.step("a diff shows everything as new and changes nothing", async () => {
    await write(yaml);
    const diff = await project("diff", "-f", file);
    assert.equal(diff.code, 1, diff.stderr);
    assert.match(diff.stdout, /^EventSource {2}shop_web_http +Added$/m);
    assert.equal(await node.run(["project", "ls"]), "No projects found\n");
  });

  await t.step("a put serves requests", async () => {
    await node.run(["project", "put", "-f", file]);
    const response = await fetch(`${node.url}/web/`, { signal });
    assert.equal(response.status, 200, await response.text());
    assert.equal((await project("diff", "-f", file)).code, 0);
  });

  await t.step("what get prints is no change", async () => {
    await write(await node.run(["project", "get", "shop"]));
    const diff = await project("diff", "-f", file);
    assert.equal(diff.code, 0, diff.stdout + diff.stderr);
  });

  await t.step("a change is told and put, and what the file no longer has goes", async () => {
    await write(yaml.replace("MODE=a", "MODE=b").replace(/^ {2}job.*$/m, ""));
    const { stdout } = await project("put", "-f", file);
    assert.match(
      stdout,
      /^Component +shop_web +Updated\n {2}environment\.MODE: \*\*\* -> \*\*\*$/m,
    );
    assert.match(stdout, /^Component +shop_job +Removed\nEventSource +shop_job-cron-0 +Removed$/m);
    const response = await fetch(`${node.url}/web/`, { signal });
    assert.equal(response.status, 200, await response.text());
  });

  await t.step("a file that is not right changes nothing", async () => {
    const before = await node.run(["comp", "ls", "--json"]);
    await write(yaml.replace("httpport: 8080", "httpprt: 8080"));
    const put = await project("put", "-f", file);
    assert.equal(put.code, 1);
    assert.match(put.stderr, /shop\.yml:7:5: .*\(did you mean "httpport"\?\)/);
    assert.equal((await project("diff", "-f", file)).code, 2);
    assert.equal(await node.run(["comp", "ls", "--json"]), before);
  });

  await t.step("a removal stops what ran", async () => {
    assert.equal(await node.run(["project", "rm", "shop"]), "Project removed: shop\n");
    await node.hasContainers(0);
    assert.equal((await project("rm", "shop")).code, 3);
    assert.equal(
      await fetch(`${node.url}/web/`, { signal }).then(async (response) => {
        await response.body?.cancel();
        return response.status;
      }),
      404,
    );
  });

  await t.step("the example's file works as its page says", async () => {
    const example = new URL("../../examples/hello/maelstrom.yml", import.meta.url).pathname;
    await Deno.writeTextFile(`${node.dataDir}/hello.env`, `IMAGE=${image}\n`);
    const env = ["--env", `${node.dataDir}/hello.env`];
    await node.run(["project", "put", "--file", example, ...env]);
    const response = await fetch(`${node.url}/hello/`, { signal });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /^hello from hello_web version 1/);
    assert.equal((await project("put", "--file", example, ...env, "--diffonly")).code, 0);
  });
});
