/** Opening a PostgreSQL database: what is refused and with which words, and many nodes at once. */
import assert from "node:assert/strict";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { type Migration, migrations } from "../../../daemon/store/schema/migrations.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { freePorts } from "../../support/ports.ts";
import {
  lacksPostgres,
  type PostgresDatabase,
  PostgresServer,
  sharedPostgres,
} from "../../support/postgres.ts";
import { makePair, TestDirectory } from "../../support/tls/certificates.ts";

const log = silentLog;
const ignore = lacksPostgres();

/** An error of ours that has all of `parts`, and nothing of a password. */
function says(...parts: string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MaelstromError, `not ours: ${error}`);
    assert.equal(error.code, "store_unavailable");
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    assert.doesNotMatch(
      `${error.message} ${JSON.stringify(error.detail)} ${error.cause}`,
      /w@rd|w%40/,
    );
    return true;
  };
}

function test(name: string, work: (database: PostgresDatabase) => Promise<void>, options = "") {
  Deno.test(`openPostgres() ${name}`, { ignore }, async () => {
    await using database = await (await sharedPostgres()).database(options);
    await work(database);
  });
}

Deno.test("openPostgres() says that nobody listens", async () => {
  const [port] = freePorts(1);
  await assert.rejects(
    openPostgres(`postgres://me:pa%3Ass%2Fw%40rd@127.0.0.1:${port}/shop`, { log }),
    says(`Cannot use the database postgres://127.0.0.1:${port}/shop: it cannot be reached (`),
  );
});

Deno.test("openPostgres() gives up on a server that accepts and says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const beginMs = performance.now();
  await assert.rejects(
    openPostgres(`postgres://me@127.0.0.1:${listener.addr.port}/shop`, { log }),
    says("no answer within"),
  );
  assert.ok(performance.now() - beginMs < 5500);
  (await accepted).close();
});

Deno.test("openPostgres() gives up on something that closes each connection", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let accepted = 0;
  const closing = (async () => {
    for await (const connection of listener) {
      accepted++;
      connection.close();
    }
  })();
  for (const mode of ["disable", "require"]) {
    await assert.rejects(
      openPostgres(`postgres://me@127.0.0.1:${listener.addr.port}/shop?sslmode=${mode}`, { log }),
      says("cannot be reached"),
    );
  }
  assert.equal(accepted, 2);
  listener.close();
  await closing;
});

test("says that the password is wrong", async ({ dsn }) => {
  await assert.rejects(
    openPostgres(dsn.replace("w%40rd", "w%40rd2"), { log }),
    says("the server refuses this user or password; check MAEL_SQL_DSN and pg_hba.conf"),
  );
});

test("says that there is no such database", async ({ dsn, name }) => {
  await assert.rejects(
    openPostgres(dsn.replace(name, "absent"), { log }),
    says("there is no such database; create it"),
  );
});

test("refuses an encoding that cannot keep every text", async ({ dsn }) => {
  await assert.rejects(
    openPostgres(dsn, { log }),
    says("its encoding is LATIN1; create one with encoding 'UTF8'"),
  );
}, "template template0 encoding 'LATIN1' locale 'C'");

test("says that its user may not make tables", async ({ dsn, sql, name }) => {
  await sql(`alter database ${name} owner to postgres`);
  await assert.rejects(
    openPostgres(dsn, { log }),
    says("this user may not do that; make it the owner of the database"),
  );
});

test("says that its search path names no schema", async ({ dsn }) => {
  await assert.rejects(
    openPostgres(`${dsn}?search_path=absent`, { log }),
    says("its search_path names no schema; create one"),
  );
});

test("refuses the schema of a newer executable and changes nothing", async ({ dsn, sql }) => {
  await (await openPostgres(dsn, { log }))[Symbol.asyncDispose]();
  await sql("insert into schema_migration values (99, 'later', 'x', 0)");
  await assert.rejects(
    openPostgres(dsn, { log }),
    says("its schema is version 99, this executable knows", "install the newer executable"),
  );
});

test("leaves nothing of a step that fails", async ({ dsn, sql }) => {
  const broken: Migration = {
    version: migrations.length + 1,
    name: "broken",
    script: "create table b (x text);\ncreate table role (x text);\n",
  };
  await assert.rejects(
    openPostgres(dsn, { log, steps: [...migrations, broken] }),
    /already exists/,
  );
  assert.equal(
    await sql("select to_regclass('b'), max(version) from schema_migration"),
    `|${migrations.length}`,
  );
  await (await openPostgres(dsn, { log }))[Symbol.asyncDispose]();
});

test("lets ten nodes begin at once in an empty database", async ({ dsn, sql }) => {
  const drivers = await Promise.all(Array.from({ length: 10 }, () => openPostgres(dsn, { log })));
  for (const driver of drivers) assert.deepEqual(await driver.all("select * from role", []), []);
  assert.equal(await sql("select count(*) from schema_migration"), String(migrations.length));
  await Promise.all(drivers.map((driver) => driver[Symbol.asyncDispose]()));
});

test("takes four connections at most and leaves none", async ({ dsn, name, sql }) => {
  const count = () =>
    sql(`select count(*) from pg_stat_activity
         where datname = '${name}' and pid <> pg_backend_pid()`);
  {
    await using driver = await openPostgres(dsn, { log });
    await driver.write("select 1", []);
    assert.equal(await count(), "4");
  }
  // The server needs a moment to see the goodbye.
  while (await count() !== "0");
});

Deno.test("openPostgres() connects by unix socket", { ignore }, async () => {
  const server = await sharedPostgres();
  await using database = await server.database();
  const place = `host=${server.directory}`;
  const dsn = `postgres://maelstrom@:${server.port}/${database.name}?${place}`.replace("@:", "@x:");
  await using driver = await openPostgres(dsn, { log });
  const [row] = await driver.all("select inet_client_addr() is null as local", []);
  assert.equal(row?.["local"], 1);
});

Deno.test("openPostgres() encrypts as sslmode says", { ignore }, async (t) => {
  await using directory = await TestDirectory.make();
  const { certFile, keyFile } = await makePair(directory.path, "server", ["IP:127.0.0.1"]);
  const other = await makePair(directory.path, "other", ["DNS:other.test"]);
  await using server = await PostgresServer.start({ certFile, keyFile });
  await using database = await server.database();
  const attempt = async (words: string, dsn = database.dsn) => {
    await using driver = await openPostgres(`${dsn}?${words}`, { log });
    const [row] = await driver.all(
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
      [],
    );
    return row?.["ssl"] === 1;
  };
  const root = `sslrootcert=${certFile}`;
  for (const words of ["", "sslmode=prefer", "sslmode=require", `sslmode=verify-ca&${root}`]) {
    await t.step(`${words}: encrypted`, async () => assert.ok(await attempt(words)));
  }
  await t.step("verify-full: encrypted", async () => {
    assert.ok(await attempt(`sslmode=verify-full&${root}`));
  });
  await t.step("verify-full: refused under another name than the certificate's", async () => {
    const dsn = database.dsn.replace("127.0.0.1", "localhost");
    await assert.rejects(attempt(`sslmode=verify-full&${root}`, dsn), says("altnames"));
    assert.ok(await attempt(`sslmode=verify-ca&${root}`, dsn));
  });
  await t.step("disable: not", async () => assert.ok(!await attempt("sslmode=disable")));
  const named = `sslmode=verify-full&sslrootcert=${other.certFile}`;
  for (
    const words of ["sslmode=verify-full", named, `sslmode=verify-ca&sslrootcert=${other.certFile}`]
  ) {
    await t.step(`${words}: refused`, async () => {
      await assert.rejects(attempt(words), says("cannot be reached", "ertificate"));
    });
  }
});

Deno.test("openPostgres() refuses to go unencrypted when TLS is required", { ignore }, async () => {
  await using database = await (await sharedPostgres()).database();
  await assert.rejects(
    openPostgres(`${database.dsn}?sslmode=require`, { log }),
    says("before secure TLS connection was established"),
  );
});
