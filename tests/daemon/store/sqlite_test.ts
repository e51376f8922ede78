import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrations } from "../../../daemon/store/schema/migrations.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { driverContract } from "../../contracts/driver_contract.ts";
import { storeContract, type TestDatabase } from "../../contracts/store_contract.ts";
import { component } from "../../contracts/store_values.ts";

const log = silentLog;

/** A directory of one test's own. */
async function directory(): Promise<AsyncDisposable & { readonly file: string; path: string }> {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-store-" });
  return {
    path,
    file: `${path}/maelstrom.db`,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

async function sqliteDatabase(): Promise<TestDatabase> {
  const place = await directory();
  return {
    open: async (options = {}) =>
      new Store(await openSqlite(place.file, { log }), { nodeId: "node-1", ...options }),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

storeContract("sqlite", sqliteDatabase);

driverContract("sqlite", async () => {
  const stack = new AsyncDisposableStack();
  const { file } = stack.use(await directory());
  const driver = stack.use(await openSqlite(file, { log }));
  return { driver, [Symbol.asyncDispose]: () => stack.disposeAsync() };
});

function says(...parts: string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MaelstromError, `not ours: ${error}`);
    assert.equal(error.code, "store_unavailable");
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    return true;
  };
}

Deno.test("openSqlite() says which directory is missing", async () => {
  await using place = await directory();
  const file = `${place.path}/absent/maelstrom.db`;
  await assert.rejects(
    openSqlite(file, { log }),
    says(`Cannot create the database "${file}"`, `no directory "${place.path}/absent"; create it`),
  );
});

Deno.test("openSqlite() says that a directory is no database", async () => {
  await using place = await directory();
  await assert.rejects(openSqlite(place.path, { log }), says("check that it is a file"));
});

Deno.test("openSqlite() leaves a file alone that is no database", async () => {
  await using place = await directory();
  await Deno.writeTextFile(place.file, "not a database, but somebody's diary\n".repeat(100));
  const before = await Deno.readTextFile(place.file);
  await assert.rejects(
    openSqlite(place.file, { log }),
    says(`"${place.file}"`, "not a SQLite database; restore a backup or choose another file"),
  );
  assert.equal(await Deno.readTextFile(place.file), before);
});

Deno.test("openSqlite() or its first use tells of a damaged file", async () => {
  await using place = await directory();
  {
    await using store = new Store(await openSqlite(place.file, { log }), { nodeId: "n" });
    await store.change(async (changes) => {
      for (let index = 0; index < 500; index++) await changes.putComponent(component(`c${index}`));
    });
  }
  {
    // Every page but the first, which holds the header and the schema.
    using file = await Deno.open(place.file, { write: true });
    const { size } = await file.stat();
    await file.seek(4096, Deno.SeekMode.Start);
    await file.write(new Uint8Array(size - 4096).fill(0xa5));
  }
  const use = async () => {
    await using store = new Store(await openSqlite(place.file, { log }), { nodeId: "n" });
    await store.desiredState();
  };
  await assert.rejects(use, says("damaged; restore a backup"));
});

Deno.test("openSqlite() refuses the schema of a newer executable and changes nothing", async () => {
  await using place = await directory();
  await (await openSqlite(place.file, { log }))[Symbol.asyncDispose]();
  outside(place.file, (database) => {
    database.prepare("insert into schema_migration values (99, 'later', 'x', 0)").run();
  });
  await assert.rejects(
    openSqlite(place.file, { log }),
    says(
      `its schema is version 99, this executable knows ${migrations.length}`,
      "install the newer executable",
    ),
  );
});

/** Runs `work` on a connection that is not ours, as another program would. */
function outside<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

Deno.test("openSqlite() makes a file that only its owner may read", async () => {
  await using place = await directory();
  await using _driver = await openSqlite(place.file, { log });
  for await (const entry of Deno.readDir(place.path)) {
    const { mode } = await Deno.stat(`${place.path}/${entry.name}`);
    assert.equal((mode ?? 0) & 0o777, 0o600, entry.name);
  }
});

Deno.test("openSqlite() tells of a directory and a file it may not write to", async () => {
  await using place = await directory();
  await (await openSqlite(place.file, { log }))[Symbol.asyncDispose]();
  await Deno.chmod(place.file, 0o444);
  await Deno.chmod(place.path, 0o555);
  const opened = await openUnprivileged([place.file, `${place.path}/new.db`]);
  await Deno.chmod(place.path, 0o755);
  const [existing, fresh] = opened.split("\n");
  assert.match(existing ?? "", /^store_unavailable .*may not write to it; check owner and mode/);
  assert.match(fresh ?? "", /^store_unavailable .*Permission denied.*; check owner and mode/);
});

/** Opens each of `files` in a process that file modes bind, and returns what it printed. */
async function openUnprivileged(files: readonly string[]): Promise<string> {
  const command = [Deno.execPath(), "run", "-A", "--no-check", helper("open_each.ts"), ...files];
  if (Deno.uid() === 0) command.unshift("setpriv", "--bounding-set=-all", "--inh-caps=-all");
  const [program = "", ...args] = command;
  const { stdout, stderr } = await new Deno.Command(program, { args }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

function helper(name: string): string {
  return new URL(`./programs/${name}`, import.meta.url).pathname;
}

Deno.test("Store.putComponent() waits for another program's lock without blocking", async () => {
  await using place = await directory();
  await using store = new Store(await openSqlite(place.file, { log }), { nodeId: "n" });
  const other = new DatabaseSync(place.file);
  other.prepare("begin immediate").run();
  let ticks = 0;
  const clock = setInterval(() => {
    // Released once it is certain that timers run while the put waits.
    if (++ticks === 3) other.close();
  }, 20);
  const put = await store.putComponent(component("shop"));
  clearInterval(clock);
  assert.deepEqual([put.version, ticks >= 3], [1, true]);
});

Deno.test("Store.putComponent() gives up on a lock that stays, and recovers", async () => {
  await using place = await directory();
  const driver = await openSqlite(place.file, { log, lockLimitMs: 120 });
  await using store = new Store(driver, { nodeId: "n" });
  await store.putComponent(component("before"));
  const other = new DatabaseSync(place.file);
  other.prepare("begin immediate").run();
  await assert.rejects(
    store.putComponent(component("shop")),
    says(`"${place.file}"`, "another process holds its lock"),
  );
  assert.ok(await store.getComponent("before"), "readers are not held up");
  other.prepare("rollback").run();
  other.close();
  await store.putComponent(component("shop"));
});

Deno.test("Store.asyncDispose() ends a put that waits for a lock", async () => {
  await using place = await directory();
  const store = new Store(await openSqlite(place.file, { log }), { nodeId: "n" });
  const other = new DatabaseSync(place.file);
  other.prepare("begin immediate").run();
  const put = assert.rejects(store.putComponent(component("shop")), { code: "stopping" });
  await store[Symbol.asyncDispose]();
  await put;
  other.close();
});

Deno.test("Store.desiredState() names a row whose text is damaged", async () => {
  await using place = await directory();
  await using store = new Store(await openSqlite(place.file, { log }), { nodeId: "n" });
  await store.putComponent(component("shop"));
  outside(place.file, (database) => database.prepare("update component set json = '{'").run());
  await assert.rejects(store.desiredState(), says('Cannot read "shop"', "damaged"));
});

/** More rounds by hand: `STORE_KILL_ROUNDS=200 deno test …`. */
const KILL_ROUNDS = Number(Deno.env.get("STORE_KILL_ROUNDS") ?? 3);

Deno.test("Store.putComponent() loses nothing acknowledged when the process is killed", async () => {
  await using place = await directory();
  let putsTotal = 0;
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const acknowledged = await putUntilKilled(place.file, 1 + Math.floor(Math.random() * 150));
    putsTotal += acknowledged.size;
    const check = outside(
      place.file,
      (database) => database.prepare("pragma integrity_check").get(),
    );
    assert.equal(check?.["integrity_check"], "ok");
    await using store = new Store(await openSqlite(place.file, { log }), { nodeId: "n" });
    for (const [name, version] of acknowledged) {
      const stored = await store.getComponent(name);
      // One more than acknowledged is right: killed between the commit and the word of it.
      const found = stored?.component.version ?? 0;
      assert.ok(found === version || found === version + 1, `${name}: ${found} for ${version}`);
      assert.equal(stored?.component.maxConcurrency, found, "a torn write");
    }
  }
  assert.ok(putsTotal >= KILL_ROUNDS);
});

/** Starts a program that puts without end, kills it after `count` acknowledgements. */
async function putUntilKilled(file: string, count: number): Promise<Map<string, number>> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", helper("put_until_killed.ts"), file],
    stdout: "piped",
  }).spawn();
  const acknowledged = new Map<string, number>();
  let text = "";
  let seen = 0;
  let isKilled = false;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (text + part).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const [name = "", version] = line.split(" ");
      acknowledged.set(name, Number(version));
    }
    seen += lines.length;
    if (seen >= count && !isKilled) {
      child.kill("SIGKILL");
      isKilled = true;
    }
  }
  assert.equal((await child.status).signal, "SIGKILL");
  return acknowledged;
}
