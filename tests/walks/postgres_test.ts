import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";
import { lacksPostgres, PostgresServer } from "../support/postgres.ts";

Deno.test("walk: a node on PostgreSQL serves while the database is away", {
  ignore: lacksPostgres(),
}, async (t) => {
  await using server = await PostgresServer.start();
  await using database = await server.database();
  const env = { MAEL_SQL_DSN: database.dsn, MAEL_SQL_DRIVER: "postgres" };
  await using node = await TestNode.start({ env });
  await node.putSample("hello");
  const visit = async () => {
    const response = await fetch(`${node.url}/hello/whoami`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()).hostname;
  };
  let container = "";

  await t.step("a request starts a container", async () => {
    container = await visit();
    assert.equal(await database.sql("select name from component"), "hello");
  });

  await t.step(
    "without the database it is still served, and a put is refused at once",
    async () => {
      await server.stop("immediate");
      assert.equal(await visit(), container);
      const beginMs = performance.now();
      const put = await node.cli(["es", "rm", "hello_http"]);
      assert.ok(performance.now() - beginMs < 8000);
      assert.notEqual(put.code, 0);
      assert.match(put.stderr, /Cannot use the database postgres:\/\/127\.0\.0\.1:/);
      assert.equal(await visit(), container);
    },
  );

  await t.step("with the database back, everything works again", async () => {
    await server.resume();
    await node.seen((line) => line.message === "database session restored");
    await node.putSample("later");
    assert.equal((await fetch(`${node.url}/later/whoami`)).status, 200);
    assert.equal(await visit(), container);
  });

  await t.step("killed and started again, it knows everything", async () => {
    await node.kill();
    await node.start();
    assert.equal(await visit(), container);
  });

  await t.step("neither the log nor the command line shows the password", async () => {
    const { stdout, stderr } = await node.cli(["node", "ls"]);
    assert.doesNotMatch(JSON.stringify(node.log) + stdout + stderr, /w@rd|w%40rd/);
  });
});

Deno.test(
  "walk: a node says why it cannot use its database",
  { ignore: lacksPostgres() },
  async (t) => {
    const cases = [
      { dsn: "postgres://me:secret@127.0.0.1:1/shop", found: /cannot be reached/ },
      { dsn: "mysql://me:secret@127.0.0.1/shop", found: /found scheme "mysql"/ },
      { dsn: "postgres://me:secret@db/shop?x=1", found: /found something else/ },
    ];
    for (const { dsn, found } of cases) {
      await t.step(dsn.split(":")[0]!, async () => {
        await assert.rejects(TestNode.start({ env: { MAEL_SQL_DSN: dsn } }), (error: Error) => {
          assert.match(error.message, found);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        });
      });
    }
  },
);
