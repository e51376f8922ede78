/** What the node's own queues promise, whatever database is below them: run by each driver. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Driver } from "../../daemon/store/driver.ts";
import { type NewMessage, QueueStore } from "../../daemon/store/queue.ts";
import { QueueAdmin } from "../../daemon/store/queue_admin.ts";
import { QueueNews } from "../../daemon/store/queue_news.ts";

const HOUR_MS = 3_600_000;

/** The queues of one node over `driver`. */
export class TestQueues implements AsyncDisposable {
  readonly news: QueueNews;
  readonly store: QueueStore;
  readonly admin: QueueAdmin;

  constructor(readonly driver: Driver) {
    this.news = new QueueNews(driver);
    this.store = new QueueStore(driver, this.news);
    this.admin = new QueueAdmin(driver, this.news);
  }

  /** Sends one message to `jobs`. */
  send(body: string, parts: Partial<NewMessage> = {}): Promise<string> {
    return this.store.send({
      queue: "jobs",
      body,
      attributes: {},
      priority: 0,
      delayMs: 0,
      keptMs: HOUR_MS,
      ...parts,
    });
  }

  /** The bodies of what is taken from `jobs`. */
  async taken(max: number): Promise<string[]> {
    return (await this.store.take("jobs", max, HOUR_MS)).map(({ body }) => body);
  }

  /** Makes it as if `ms` had passed for every message. */
  async pass(ms: number): Promise<void> {
    await this.driver.write(
      `update queue_message set visible_at = visible_at - $1, expires_at = expires_at - $1,
         sent_at = sent_at - $1`,
      [ms],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.news[Symbol.asyncDispose]();
  }
}

/** A database that several nodes may open. */
export interface QueueDatabase extends AsyncDisposable {
  /** Its driver, as another node opens it; closed with the database. */
  readonly open: () => Promise<Driver>;
}

/** Declares the suite for the databases of `make`, under `name`. */
export function queueContract(name: string, make: () => Promise<QueueDatabase>): void {
  const test = (
    title: string,
    work: (queues: TestQueues, database: QueueDatabase) => Promise<void>,
  ) =>
    Deno.test(`${name}: ${title}`, async () => {
      await using database = await make();
      await using queues = new TestQueues(await database.open());
      await work(queues, database);
    });
  sending(test);
  delivering(test);
  deadLetters(test);
  tidying(test);
}

type Declare = (
  title: string,
  work: (queues: TestQueues, database: QueueDatabase) => Promise<void>,
) => void;

function sending(test: Declare): void {
  test("QueueStore.send() keeps what it was given", async (queues) => {
    const body = 'ö"\\\n\u{1F300}'.repeat(40_000).slice(0, 100_000);
    const attributes = { "content-type": "text/plain", kind: "it's" };
    const id = await queues.send(body, { attributes, priority: 3 });
    const [message] = await queues.store.take("jobs", 10, HOUR_MS);
    assert.deepEqual(
      { ...message, receipt: undefined },
      { id, receipt: undefined, body, attributes, priority: 3, receives: 1, failure: "" },
    );
    assert.deepEqual(await queues.store.take("jobs", 10, HOUR_MS), []);
  });

  test("QueueStore.send() keeps the order of many at once, each once", async (queues) => {
    const bodies = Array.from({ length: 300 }, (_, index) => String(index));
    const ids = await Promise.all(bodies.map((body) => queues.send(body)));
    assert.equal(new Set(ids).size, bodies.length);
    assert.deepEqual(await queues.taken(1000), bodies);
  });

  test("QueueStore.send() tells who subscribed to the queue, and nobody else", async (queues) => {
    const told: string[] = [];
    const looked = Promise.withResolvers<void>();
    queues.driver.subscribe(() => told.push("catalog"));
    queues.news.subscribe("other", () => told.push("other"));
    const end = queues.news.subscribe("jobs", () => {
      told.push("jobs");
      looked.resolve();
    });
    await queues.send("a");
    await looked.promise;
    end();
    await queues.send("b");
    assert.deepEqual([...new Set(told)], ["jobs"]);
  });
}

function delivering(test: Declare): void {
  test("QueueStore.take() gives the highest priority first, then the oldest", async (queues) => {
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      async (priorities, max) => {
        await queues.admin.purge("jobs");
        const sent = priorities.map((priority, index) => ({ priority, body: `${index}` }));
        for (const { priority, body } of sent) await queues.send(body, { priority });
        const want = sent.toSorted((a, b) => b.priority - a.priority).map(({ body }) => body);
        const got: string[] = [];
        for (let part = await queues.taken(max); part.length > 0; part = await queues.taken(max)) {
          assert.ok(part.length <= max);
          got.push(...part);
        }
        assert.deepEqual(got, want);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  test("QueueStore.take() gives a message again when its time is over", async (queues) => {
    await queues.send("a");
    const [first] = await queues.store.take("jobs", 1, 60_000);
    await queues.pass(59_000);
    assert.deepEqual(await queues.taken(1), []);
    await queues.pass(2000);
    const [second] = await queues.store.take("jobs", 1, 60_000);
    assert.deepEqual([second?.id, second?.receives], [first?.id, 2]);
    assert.notEqual(second?.receipt, first?.receipt);
    assert.equal(await queues.store.extend(first!, 60_000), false);
    assert.equal(await queues.store.release(first!, 0, "late"), false);
    // It was handled, whoever has it now.
    await queues.store.remove(first!.id);
    assert.equal(await queues.store.extend(second!, 60_000), false);
  });

  test("QueueStore.extend() keeps a message invisible", async (queues) => {
    await queues.send("a");
    const [message] = await queues.store.take("jobs", 1, 4000);
    for (let round = 0; round < 3; round++) {
      await queues.pass(3000);
      assert.equal(await queues.store.extend(message!, 4000), true);
      assert.deepEqual(await queues.taken(1), []);
    }
  });

  test("QueueStore.release() gives a message back after its time, with the reason", async (queues) => {
    await queues.send("a");
    const [message] = await queues.store.take("jobs", 1, HOUR_MS);
    assert.equal(await queues.store.release(message!, 5000, "status 500"), true);
    assert.deepEqual(await queues.taken(1), []);
    await queues.pass(5000);
    const [again] = await queues.store.take("jobs", 1, HOUR_MS);
    assert.deepEqual([again?.receives, again?.failure], [2, "status 500"]);
  });

  test("QueueStore.giveBack() lets others have a message at once, as if never taken", async (queues) => {
    await queues.send("a");
    const [message] = await queues.store.take("jobs", 1, HOUR_MS);
    assert.equal(await queues.store.giveBack(message!, "jobs"), true);
    assert.equal(await queues.store.giveBack(message!, "jobs"), false, "no longer ours");
    const [again] = await queues.store.take("jobs", 1, HOUR_MS);
    assert.deepEqual([again?.id, again?.receives], [message?.id, 1]);
    assert.equal(await queues.store.giveBack(message!, "jobs"), false, "somebody else's");
    assert.deepEqual(await queues.taken(1), []);
  });

  test("QueueStore.dueInMs() tells when the next message is due", async (queues) => {
    assert.equal(await queues.store.dueInMs("jobs"), undefined);
    await queues.send("later", { delayMs: HOUR_MS });
    const ms = await queues.store.dueInMs("jobs");
    assert.ok(ms !== undefined && ms > HOUR_MS - 60_000 && ms <= HOUR_MS, String(ms));
    assert.deepEqual(await queues.taken(1), []);
    await queues.send("now");
    assert.equal(await queues.store.dueInMs("jobs"), 0);
    await queues.pass(HOUR_MS);
    assert.deepEqual(await queues.taken(5), ["later", "now"]);
  });

  test("QueueStore.take() gives each message to one of many takers", async (queues, database) => {
    await using other = new TestQueues(await database.open());
    const bodies = Array.from({ length: 200 }, (_, index) => String(index));
    await Promise.all(bodies.map((body) => queues.send(body)));
    const got: string[] = [];
    await Promise.all(
      [queues, other, queues, other].map(async (taker) => {
        for (let part = await taker.taken(7); part.length > 0; part = await taker.taken(7)) {
          got.push(...part);
        }
      }),
    );
    // A taker passes over what another is about to commit: what is left is found by looking again.
    for (let part = await queues.taken(7); part.length > 0; part = await queues.taken(7)) {
      got.push(...part);
    }
    assert.deepEqual(got.toSorted(), bodies.toSorted());
  });
}

function deadLetters(test: Declare): void {
  test("QueueStore.giveUp() moves a message among the dead letters, redrive() back", async (queues) => {
    const id = await queues.send("a", { priority: 2 });
    const [message] = await queues.store.take("jobs", 1, HOUR_MS);
    const end = { to: "jobs-dead", keptMs: HOUR_MS, failure: "status 500: no" };
    assert.equal(await queues.store.giveUp(message!, end), true);
    assert.equal(await queues.store.giveUp(message!, end), false);
    assert.deepEqual(await queues.store.depth("jobs"), { ready: 0, dead: 1 });
    const [dead] = await queues.admin.peekDead("jobs", 10);
    assert.deepEqual(
      [dead?.id, dead?.deadFrom, dead?.failure, dead?.receives, dead?.priority],
      [id, "jobs", "status 500: no", 0, 2],
    );
    assert.deepEqual(await queues.admin.peek("jobs-dead", 10), [dead]);
    const rung = Promise.withResolvers<void>();
    queues.news.subscribe("jobs", () => rung.resolve());
    assert.equal(await queues.admin.redrive("jobs", HOUR_MS), 1);
    await rung.promise;
    const [again] = await queues.store.take("jobs", 1, HOUR_MS);
    assert.deepEqual([again?.id, again?.receives, again?.failure], [id, 1, ""]);
    assert.equal(await queues.admin.redrive("jobs", HOUR_MS), 0);
  });
}

function tidying(test: Declare): void {
  test("QueueAdmin.list() counts what is ready, delayed, in flight and dead", async (queues) => {
    assert.deepEqual(await queues.admin.list(), []);
    for (const body of ["a", "b", "c"]) await queues.send(body);
    await queues.send("d", { delayMs: HOUR_MS });
    const [, second] = await queues.store.take("jobs", 2, HOUR_MS);
    await queues.store.giveUp(second!, { to: "jobs-dead", keptMs: HOUR_MS, failure: "" });
    const listed = await queues.admin.list();
    assert.deepEqual(
      listed.map(({ oldestSentAt: _, ...rest }) => rest),
      [
        { queue: "jobs", deadFrom: "", ready: 1, delayed: 1, inFlight: 1 },
        { queue: "jobs-dead", deadFrom: "jobs", ready: 1, delayed: 0, inFlight: 0 },
      ],
    );
    assert.ok(Math.abs(Date.now() - listed[0]!.oldestSentAt) < 60_000);
    assert.equal(await queues.store.length("jobs", 1000), 3);
    assert.equal(await queues.store.length("jobs", 2), 2);
  });

  test("QueueAdmin.peek() takes nothing", async (queues) => {
    await queues.send("a", { priority: 1 });
    await queues.send("b", { priority: 2 });
    const bodies = (await queues.admin.peek("jobs", 10)).map(({ body }) => body);
    assert.deepEqual(bodies, ["b", "a"]);
    assert.equal((await queues.admin.peek("jobs", 1)).length, 1);
    assert.deepEqual(await queues.taken(10), ["b", "a"]);
  });

  test("QueueAdmin.purge() removes every message of one queue, in many steps", async (queues) => {
    await Promise.all(Array.from({ length: 2100 }, (_, index) => queues.send(String(index))));
    await queues.send("kept", { queue: "other" });
    await queues.taken(5);
    assert.equal(await queues.admin.purge("jobs"), 2100);
    assert.deepEqual((await queues.admin.list()).map(({ queue }) => queue), ["other"]);
    assert.equal(await queues.admin.purge("jobs"), 0);
  });

  test("QueueAdmin.removeExpired() removes what is too old, and tells of it", async (queues) => {
    await queues.send("a", { keptMs: 1000 });
    await queues.send("b", { keptMs: 1000, queue: "other", delayMs: 5000 });
    await queues.send("c", { keptMs: HOUR_MS });
    assert.deepEqual(await queues.admin.removeExpired(), new Map());
    await queues.pass(3000);
    assert.deepEqual(await queues.admin.removeExpired(), new Map([["jobs", 1]]));
    await queues.pass(3000);
    assert.deepEqual(await queues.admin.removeExpired(), new Map([["other", 1]]));
    assert.deepEqual(await queues.taken(10), ["c"]);
  });
}
