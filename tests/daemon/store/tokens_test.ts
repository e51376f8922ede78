import assert from "node:assert/strict";
import { tokenMethods } from "../../../daemon/api/tokens.ts";
import type { Methods } from "../../../daemon/api/rpc.ts";
import type { Driver } from "../../../daemon/store/driver.ts";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { TokenBook } from "../../../daemon/store/token_book.ts";
import { type StoredToken, TokenStore } from "../../../daemon/store/tokens.ts";
import { tokenHash } from "../../../lib/contract/tokens.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { createLog, silentLog } from "../../../lib/log.ts";
import { lacksPostgres, sharedPostgres } from "../../support/postgres.ts";

const NEVER = new AbortController().signal;
const CI: StoredToken = {
  name: "ci",
  hash: "h",
  scope: "deploy",
  createdAt: 5,
  expiresAt: 0,
  lastUsedAt: 0,
};

/** A database of one test's own, and a book over it whose clock stands still. */
async function setUp({ writeEveryMs = 3600_000 } = {}) {
  const stack = new AsyncDisposableStack();
  const path = await Deno.makeTempDir({ prefix: "maelstrom-tokens-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const driver = stack.use(await openSqlite(`${path}/maelstrom.db`, { log: silentLog }));
  const store = new TokenStore(driver);
  const now = () => 1000;
  const newBook = async () => {
    const book = new TokenBook({ store, log: silentLog, now, readEveryMs: 3600_000, writeEveryMs });
    await book.start();
    return book;
  };
  const book = stack.use(await newBook());
  const methods = tokenMethods({ store, book, log: silentLog, now }) as Methods;
  return {
    driver,
    store,
    book,
    newBook,
    methods,
    path,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What the store of tokens does on any database. */
function tokenContract(
  database: string,
  open: () => Promise<AsyncDisposable & { driver: Driver }>,
) {
  Deno.test(`TokenStore keeps tokens by name, once each, on ${database}`, async () => {
    await using opened = await open();
    const store = new TokenStore(opened.driver);
    await store.add(CI);
    await assert.rejects(store.add({ ...CI, hash: "other" }), { code: "already_exists" });
    await store.add({ ...CI, name: "a", hash: "g", expiresAt: 9 });
    await store.used(new Map([["h", 7], ["gone", 7]]));
    await store.used(new Map([["h", 6]]));
    const first = { ...CI, name: "a", hash: "g", expiresAt: 9 };
    assert.deepEqual(await store.list(), [first, { ...CI, lastUsedAt: 7 }]);
    assert.equal(await store.remove("ci"), true);
    assert.equal(await store.remove("ci"), false);
  });

  Deno.test(`TokenStore.add() refuses more than nodes can keep in memory, on ${database}`, async () => {
    await using opened = await open();
    await opened.driver.transaction(async (transaction) => {
      for (let i = 0; i < 1000; i++) {
        const sql = "insert into token values ($1, $2, 'read', 0, 0, 0)";
        await transaction.run(sql, [`t${i}`, `h${i}`]);
      }
    });
    const message = /there are 1000 already/;
    await assert.rejects(new TokenStore(opened.driver).add(CI), { code: "too_large", message });
  });
}

tokenContract("sqlite", setUp);

if (!lacksPostgres()) {
  tokenContract("postgres", async () => {
    const stack = new AsyncDisposableStack();
    const { dsn } = stack.use(await (await sharedPostgres()).database());
    const driver = stack.use(await openPostgres(dsn, { log: silentLog }));
    return { driver, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  });
}

Deno.test("CreateToken gives the token once, and nothing keeps it", async () => {
  await using node = await setUp();
  const created = await node.methods["MaelstromService.CreateToken"](
    { name: "ci", scope: "read", expiresInSeconds: 60 },
    NEVER,
  );
  const { token, ...rest } = created;
  assert.deepEqual(rest, { name: "ci", scope: "read", expiresAt: 61_000 });
  assert.match(token, /^mael_[A-Za-z0-9_-]{43}$/);
  assert.equal(node.book.use(await tokenHash(token))?.name, "ci");
  const listed = await node.methods["MaelstromService.ListTokens"]({}, NEVER);
  assert.ok(!JSON.stringify(listed).includes(token));
  assert.deepEqual(listed.tokens, [
    { name: "ci", scope: "read", createdAt: 1000, expiresAt: 61_000, lastUsedAt: 1000 },
  ]);
  for await (const { name } of Deno.readDir(node.path)) {
    const bytes = await Deno.readFile(`${node.path}/${name}`);
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes(token.slice(5)), name);
  }
});

Deno.test("RemoveToken has its token refused at once, and elsewhere as soon as it is told", async () => {
  await using node = await setUp();
  await using elsewhere = await node.newBook();
  const create = node.methods["MaelstromService.CreateToken"];
  const hash = await tokenHash((await create({ name: "ci", scope: "admin" }, NEVER)).token);
  const remove = node.methods["MaelstromService.RemoveToken"];
  assert.deepEqual(await remove({ name: "ci" }, NEVER), { name: "ci", found: true });
  assert.equal(node.book.use(hash), undefined);
  assert.deepEqual(await remove({ name: "ci" }, NEVER), { name: "ci", found: false });
  while (elsewhere.use(hash)) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("TokenBook writes when a token was used, away from the request", async () => {
  await using node = await setUp({ writeEveryMs: 1 });
  await node.store.add(CI);
  await node.book.refresh();
  node.book.use("h");
  assert.equal((await node.store.list())[0]?.lastUsedAt, 0);
  while ((await node.store.list())[0]?.lastUsedAt !== 1000) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(node.book.lastUsedAt("h"), 0);
});

Deno.test("TokenBook writes what is left when it stops", async () => {
  await using node = await setUp();
  await node.store.add(CI);
  {
    await using book = await node.newBook();
    book.use("h");
  }
  assert.equal((await node.store.list())[0]?.lastUsedAt, 1000);
});

/** A store that answers and fails as a test says. */
function fakeStore() {
  const reads: { give: (tokens: StoredToken[]) => void; fail: (error: Error) => void }[] = [];
  return {
    reads,
    list: () => {
      const { promise, resolve, reject } = Promise.withResolvers<StoredToken[]>();
      reads.push({ give: resolve, fail: reject });
      return promise;
    },
    used: () => Promise.reject(new MaelstromError("store_unavailable", "Cannot write: down")),
    subscribe: () => () => {},
  };
}

Deno.test("TokenBook keeps what it knows while the store fails, and tells it once", async () => {
  const store = fakeStore();
  const lines: string[] = [];
  const log = createLog({ level: "warn", format: "json", write: (line) => lines.push(line) });
  const book = new TokenBook({ store, log, now: () => 7 });
  const first = book.refresh();
  store.reads[0]!.give([CI]);
  await first;
  const second = book.refresh();
  store.reads[1]!.fail(new MaelstromError("store_unavailable", "Cannot read: down"));
  await assert.rejects(second, { code: "store_unavailable" });
  assert.equal(book.use("h")?.name, "ci");
  await book[Symbol.asyncDispose]();
  assert.equal(lines.length, 1);
  assert.equal(book.lastUsedAt("h"), 7, "nothing is lost by a write that failed");
});

Deno.test("TokenBook does not let a late read bring a removed token back", async () => {
  const store = fakeStore();
  const book = new TokenBook({ store, log: silentLog, now: () => 7 });
  const [before, after] = [book.refresh(), book.refresh()];
  store.reads[1]!.give([]);
  await after;
  store.reads[0]!.give([CI]);
  await before;
  assert.equal(book.use("h"), undefined);
  await book[Symbol.asyncDispose]();
});
