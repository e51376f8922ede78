/** What becomes of calls while PostgreSQL is away, silent or ends our connections, and after. */
import assert from "node:assert/strict";
import type { Driver } from "../../../daemon/store/driver.ts";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { Store } from "../../../daemon/store/store.ts";
import { isAbort, MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { fails } from "../../contracts/store_contract_support.ts";
import { component, eventSource } from "../../contracts/store_values.ts";
import { lacksPostgres, PostgresServer, sharedPostgres } from "../../support/postgres.ts";
import { TcpRelay } from "../../support/tcp_relay.ts";

const log = silentLog;
const ignore = lacksPostgres();
/** The longest that a call may take, and some time for a busy machine. */
const LIMIT_MS = 6000;

const read = (driver: Driver) => driver.all("select role_id from role", []);
const write = (driver: Driver) =>
  driver.transaction((transaction) => transaction.run("delete from role", []));

/** Asserts that `call` fails as an outage does; the milliseconds that took. */
async function unavailableMs(call: Promise<unknown>, message?: RegExp): Promise<number> {
  const beginMs = performance.now();
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof MaelstromError && error.code === "store_unavailable", `${error}`);
    if (message) assert.match(error.message, message);
    return true;
  });
  return performance.now() - beginMs;
}

/** Repeats `call` while the store is unavailable. */
async function untilAvailable<T>(call: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > endMs || !fails("store_unavailable")(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves at the next call of a listener of `driver`. */
function announcement(driver: Driver): Promise<void> {
  return new Promise((resolve) => {
    const end = driver.subscribe(() => {
      end();
      resolve();
    });
  });
}

/** A node that reaches its database through a relay. */
async function behindRelay() {
  const stack = new AsyncDisposableStack();
  const server = await sharedPostgres();
  const database = stack.use(await server.database());
  const relay = stack.use(new TcpRelay(server.port));
  const dsn = server.dsn(database.name, { port: relay.port });
  const driver = stack.use(await openPostgres(dsn, { log }));
  return { relay, database, driver, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("Driver fails at once while the server is away, and works when it is back", {
  ignore,
}, async () => {
  await using server = await PostgresServer.start();
  await using database = await server.database();
  await using driver = await openPostgres(database.dsn, { log });
  for (const mode of ["immediate", "fast"] as const) {
    await server.stop(mode);
    for (let round = 0; round < 20; round++) {
      assert.ok(await unavailableMs(read(driver)) < 500);
      assert.ok(await unavailableMs(write(driver)) < 500);
    }
    const told = announcement(driver);
    await server.resume();
    await untilAvailable(() => write(driver));
    await untilAvailable(() => read(driver));
    await told;
  }
});

Deno.test("Driver gives up on a silent server in time, and works when it speaks again", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  node.relay.stall();
  const slow = [read(node.driver), write(node.driver), write(node.driver)];
  for (const ms of await Promise.all(slow.map((call) => unavailableMs(call)))) {
    assert.ok(ms < 2 * LIMIT_MS, `${ms} ms`);
  }
  const told = announcement(node.driver);
  node.relay.flow();
  await untilAvailable(() => write(node.driver));
  await untilAvailable(() => read(node.driver));
  await told;
});

Deno.test("Driver.asyncDispose() ends in time before a silent server", { ignore }, async () => {
  await using node = await behindRelay();
  node.relay.stall();
  const beginMs = performance.now();
  const refused = assert.rejects(read(node.driver), { code: "stopping" });
  await node.driver[Symbol.asyncDispose]();
  assert.ok(performance.now() - beginMs < 3000);
  await refused;
});

Deno.test("Driver.all() ends a statement that takes too long, and nothing else", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  const pid = () => node.driver.all("select pg_backend_pid() as pid", []);
  const before = await pid();
  const call = node.driver.all("select pg_sleep(60)", []);
  assert.ok(await unavailableMs(call, /a statement took too long/) < LIMIT_MS);
  assert.deepEqual(await pid(), before);
});

Deno.test("Driver.transaction() is not held up by a writer that fell silent", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  await using other = await openPostgres(node.database.dsn, { log });
  const stuck = unavailableMs(node.driver.transaction(async (transaction) => {
    await transaction.run("insert into role values ('half', 1, 'n')", []);
    node.relay.stall();
    await transaction.run("insert into role values ('done', 1, 'n')", []);
  }));
  // The lock is taken by now: this read is served after it.
  while (
    await node.database.sql("select count(*) from pg_locks where locktype = 'advisory'") === "0"
  );
  const beginMs = performance.now();
  await write(other);
  assert.ok(performance.now() - beginMs < LIMIT_MS);
  assert.ok(await stuck < LIMIT_MS);
  assert.deepEqual(await read(other), []);
  node.relay.flow();
});

Deno.test("Driver.transaction() says when it cannot tell what became of a commit", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  const call = node.driver.transaction(async (transaction) => {
    await transaction.run("insert into role values ('maybe', 1, 'n')", []);
    node.relay.stall();
  });
  assert.ok(await unavailableMs(call, /^Cannot tell whether the change was stored/) < LIMIT_MS);
  node.relay.flow();
  await untilAvailable(() => read(node.driver));
});

Deno.test("Driver.transaction() fails whole when its work hides a failed statement", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  await assert.rejects(
    node.driver.transaction(async (transaction) => {
      await transaction.run("insert into role values ('half', 1, 'n')", []);
      await transaction.run("insert into role values ('half', 1, 'n')", []).catch(() => {});
    }),
    /duplicate key/,
  );
  assert.deepEqual(await read(node.driver), []);
});

Deno.test("Driver.subscribe() hears of another node's change, once, when it can be seen", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  await using store = new Store(await openPostgres(node.database.dsn, { log }), { nodeId: "n" });
  let calls = 0;
  node.driver.subscribe(() => calls++);
  for (const name of ["a", "b", "c"]) {
    const told = announcement(node.driver);
    await store.change(async (changes) => {
      await changes.putComponent(component(name));
      await changes.putEventSource(eventSource(name, name));
    });
    await told;
    assert.equal(
      (await node.driver.all("select name from component where name = $1", [name])).length,
      1,
    );
  }
  assert.equal(calls, 3);
});

Deno.test("Driver.subscribe() looks again after a cut, for what it may have missed", {
  ignore,
}, async () => {
  await using node = await behindRelay();
  for (let round = 0; round < 3; round++) {
    const told = announcement(node.driver);
    node.relay.cut();
    await told;
  }
  const told = announcement(node.driver);
  await untilAvailable(() => node.driver.transaction((transaction) => transaction.announce()));
  await told;
});

Deno.test("Store survives that the server ends its connections, at any moment", {
  ignore,
}, async () => {
  await using database = await (await sharedPostgres()).database();
  await using store = new Store(await openPostgres(database.dsn, { log }), { nodeId: "n" });
  const acknowledged: string[] = [];
  let isKilling = true;
  const put = async (writer: number) => {
    for (let index = 0; isKilling; index++) {
      const name = `w${writer}-${index}`;
      const stored = await store.change(async (changes) => {
        await changes.putComponent(component(name));
        await changes.putEventSource(eventSource(name, name));
      }).then(() => true, (error) => !fails("store_unavailable")(error));
      if (stored) acknowledged.push(name);
    }
  };
  const look = async () => {
    while (isKilling) {
      const state = await store.desiredState().catch((error) =>
        void fails("store_unavailable")(error)
      );
      if (state) assert.equal(state.components.length, state.eventSources.length);
      await store.claimRole("cron", AbortSignal.timeout(1000)).then(
        (claim) => claim?.[Symbol.asyncDispose](),
        (error) => isAbort(error) || fails("store_unavailable")(error),
      );
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const kill = async () => {
    const all = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = '${database.name}' and pid <> pg_backend_pid()`;
    for (let round = 0; round < 40; round++) {
      const seen = acknowledged.length;
      await database.sql(all);
      while (acknowledged.length === seen) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    isKilling = false;
  };
  await Promise.all([put(1), put(2), put(3), look(), kill()]);
  const state = await untilAvailable(() => store.desiredState());
  const names = new Set(state.components.map((entry) => entry.component.name));
  assert.deepEqual(acknowledged.filter((name) => !names.has(name)), []);
  assert.equal(names.size, state.eventSources.length);
});
