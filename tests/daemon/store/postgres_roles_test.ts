/** Roles on PostgreSQL: when they pass on, and that the old owner stops before the new one begins. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { Driver, RoleLock } from "../../../daemon/store/driver.ts";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { Store } from "../../../daemon/store/store.ts";
import { silentLog } from "../../../lib/log.ts";
import {
  lacksPostgres,
  type PostgresDatabase,
  PostgresServer,
  sharedPostgres,
} from "../../support/postgres.ts";
import { TcpRelay } from "../../support/tcp_relay.ts";

const log = silentLog;
const never = new AbortController().signal;
const ignore = lacksPostgres();
const POLL_MS = 20;
/** Longest that a test waits for anything. */
const LIMIT_MS = 20_000;

/** Resolves to what `attempt` gives, once it is something; failures of the store are waited out. */
async function until<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    const found = await attempt().catch((error) => {
      if (performance.now() > endMs || error.code !== "store_unavailable") throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`nothing after ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** Milliseconds until `event`. */
async function msUntil(event: Promise<unknown>): Promise<number> {
  const beginMs = performance.now();
  await event;
  return performance.now() - beginMs;
}

async function mustClaim(driver: Driver, role: string): Promise<RoleLock> {
  const lock = await driver.claimRole(role, never);
  assert.ok(lock, `${role} is held already`);
  return lock;
}

/** Two nodes in one database; the first reaches it through a relay. */
async function twoNodes(): Promise<
  AsyncDisposable & {
    readonly relay: TcpRelay;
    readonly database: PostgresDatabase;
    readonly first: Driver;
    readonly second: Driver;
  }
> {
  const stack = new AsyncDisposableStack();
  const server = await sharedPostgres();
  const database = stack.use(await server.database());
  const relay = stack.use(new TcpRelay(server.port));
  const dsn = server.dsn(database.name, { port: relay.port });
  const first = stack.use(await openPostgres(`${dsn}?application_name=first`, { log }));
  const second = stack.use(await openPostgres(database.dsn, { log }));
  return { relay, database, first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("claimRole() gives a role to one node, and to the next when handed back", {
  ignore,
}, async () => {
  await using nodes = await twoNodes();
  const lock = await mustClaim(nodes.first, "cron");
  assert.equal(await nodes.second.claimRole("cron", never), undefined);
  await mustClaim(nodes.second, "placement");
  await lock[Symbol.asyncDispose]();
  await mustClaim(nodes.second, "cron");
  assert.equal(await nodes.first.claimRole("cron", never), undefined);
});

Deno.test("claimRole() frees everything when its node closes", { ignore }, async () => {
  await using nodes = await twoNodes();
  const locks = await Promise.all(
    Array.from({ length: 50 }, (_, index) => mustClaim(nodes.first, `role${index}`)),
  );
  await nodes.first[Symbol.asyncDispose]();
  for (const lock of locks) assert.ok(lock.lost.aborted);
  for (let index = 0; index < 50; index++) {
    await until(() => nodes.second.claimRole(`role${index}`, never));
  }
});

Deno.test("claimRole() keeps roles of two schemas of one database apart", { ignore }, async () => {
  await using database = await (await sharedPostgres()).database();
  await database.sql("create schema other authorization maelstrom");
  await using one = await openPostgres(database.dsn, { log });
  await using other = await openPostgres(`${database.dsn}?search_path=other`, { log });
  await mustClaim(one, "cron");
  await mustClaim(other, "cron");
  assert.deepEqual(await other.all("select name from component", []), []);
});

const END_SESSIONS =
  "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'first'";

Deno.test("RoleLock.lost aborts at once when the server ends its session", {
  ignore,
}, async () => {
  await using nodes = await twoNodes();
  const lock = await mustClaim(nodes.first, "cron");
  const other = await mustClaim(nodes.first, "placement");
  const lost = msUntil(Promise.all([aborted(lock.lost), aborted(other.lost)]));
  await nodes.database.sql(END_SESSIONS);
  assert.ok(await lost < 2000);
  const won = await until(() => nodes.second.claimRole("cron", never));
  await lock[Symbol.asyncDispose]();
  assert.equal(
    await until(async () => await nodes.first.claimRole("cron", never) ?? "held"),
    "held",
  );
  await won[Symbol.asyncDispose]();
  const again = await until(() => nodes.first.claimRole("cron", never));
  assert.equal(again.lost.aborted, false);
});

Deno.test("RoleLock.lost aborts at once when the connection is cut", { ignore }, async () => {
  await using nodes = await twoNodes();
  const lock = await mustClaim(nodes.first, "cron");
  const lost = msUntil(aborted(lock.lost));
  nodes.relay.cut();
  assert.ok(await lost < 1000);
  await until(() => nodes.second.claimRole("cron", never));
});

Deno.test("RoleLock.lost aborts before a silent server gives the role away", {
  ignore,
}, async () => {
  await using nodes = await twoNodes();
  const lock = await mustClaim(nodes.first, "cron");
  nodes.relay.stall();
  const lost = msUntil(aborted(lock.lost));
  const freed = msUntil(
    until(() => nodes.second.claimRole("cron", never)).then((won) => {
      assert.ok(lock.lost.aborted, "two owners at once");
      return won;
    }),
  );
  const [lostMs, freedMs] = await Promise.all([lost, freed]);
  console.log(`  silence: lost after ${lostMs | 0} ms, freed after ${freedMs | 0} ms`);
  assert.ok(lostMs < 5000 && freedMs < 8000);
  nodes.relay.flow();
  await until(() => nodes.first.claimRole("placement", never));
});

/** Drops packets between the server and the client at `clientPort` until disposed. */
async function dropPackets(serverPort: number, clientPorts: readonly string[]) {
  const rules = clientPorts.flatMap((port) => [
    ["--sport", port, "--dport", String(serverPort)],
    ["--sport", String(serverPort), "--dport", port],
  ]);
  const change = async (verb: string) => {
    for (const rule of rules) {
      const args = ["-w", verb, "INPUT", "-i", "lo", "-p", "tcp", ...rule, "-j", "DROP"];
      const { success, stderr } = await new Deno.Command("iptables", { args }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
    }
  };
  await change("-I");
  return { [Symbol.asyncDispose]: () => change("-D") };
}

const canDrop = Deno.uid() === 0 && existsSync("/usr/sbin/iptables");
if (!canDrop) console.log("skipped: dropping packets needs root and iptables");

Deno.test("RoleLock.lost aborts before a server behind lost packets gives the role away", {
  ignore: ignore || !canDrop,
}, async () => {
  const server = await sharedPostgres();
  await using database = await server.database();
  await using first = await openPostgres(`${database.dsn}?application_name=first`, { log });
  await using second = await openPostgres(database.dsn, { log });
  const lock = await mustClaim(first, "cron");
  const ports = await database.sql(
    "select client_port from pg_stat_activity where application_name = 'first'",
  );
  let lost: Promise<number>;
  {
    await using _partition = await dropPackets(server.port, ports.split("\n"));
    lost = msUntil(aborted(lock.lost));
    const freedMs = await msUntil(until(() => second.claimRole("cron", never)));
    assert.ok(lock.lost.aborted, "two owners at once");
    console.log(`  drop: lost after ${await lost | 0} ms, freed after ${freedMs | 0} ms`);
    assert.ok(freedMs < 8000);
  }
  assert.ok(await lost < 5000);
  await until(() => first.claimRole("placement", never));
});

Deno.test(
  "claimRole() passes on the role of a process that stands still, whose writes are refused",
  {
    ignore,
  },
  async () => {
    await using database = await (await sharedPostgres()).database();
    await using store = new Store(await openPostgres(database.dsn, { log }), { nodeId: "n" });
    const program = new URL("./programs/hold_role.ts", import.meta.url).pathname;
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, database.dsn, "cron"],
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await lines.read()).value, "held 1\n");
    assert.equal(await store.claimRole("cron", never), undefined);
    child.kill("SIGSTOP");
    const freedMs = await msUntil(until(() => store.claimRole("cron", never)));
    console.log(`  frozen: freed after ${freedMs | 0} ms`);
    assert.ok(freedMs < 8000);
    child.kill("SIGCONT");
    const lost = lines.read();
    assert.ok(await msUntil(lost) < 2000);
    assert.equal(
      (await lost).value,
      'lost Cannot write as owner of "cron": epoch 1 is over, the newest is 2\n',
    );
    await lines.read();
    assert.ok((await child.status).success);
  },
);

Deno.test("claimRole() fails while the server is away, and works again by itself", {
  ignore,
}, async () => {
  await using server = await PostgresServer.start();
  await using database = await server.database();
  await using driver = await openPostgres(database.dsn, { log });
  const lock = await mustClaim(driver, "cron");
  const lost = msUntil(aborted(lock.lost));
  await server.stop("immediate");
  assert.ok(await lost < 2000);
  await assert.rejects(driver.claimRole("cron", never), { code: "store_unavailable" });
  await server.resume();
  const backMs = await msUntil(until(() => driver.claimRole("cron", never)));
  assert.ok(backMs < 5000);
});

Deno.test("Store.claimRole() gives no epoch twice, though the server crashes after each", {
  ignore,
}, async () => {
  // It answers before it has stored, unless it is asked for better.
  await using server = await PostgresServer.start();
  assert.equal(await server.sql("show synchronous_commit"), "off");
  await using database = await server.database();
  const driver = await openPostgres(database.dsn, { log });
  await using store = new Store(driver, { nodeId: "one" });
  const epochs: number[] = [];
  for (let round = 1; round <= 4; round++) {
    const claim = await until(() => store.claimRole("cron", never));
    epochs.push(claim.epoch);
    await server.stop("immediate");
    await server.resume();
  }
  assert.deepEqual(epochs, [...new Set(epochs)].sort((a, b) => a - b));
});
