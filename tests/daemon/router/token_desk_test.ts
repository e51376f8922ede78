import assert from "node:assert/strict";
import fc from "fast-check";
import type { InstanceFact } from "../../../daemon/cluster/members.ts";
import type { Admission, Place } from "../../../daemon/router/admission.ts";
import { QueueBudget } from "../../../daemon/router/queue.ts";
import { RemoteRouters } from "../../../daemon/router/remote_router.ts";
import { Routers } from "../../../daemon/router/router.ts";
import { type Borrower, TokenDesk } from "../../../daemon/router/token_desk.ts";
import type { TokenNote, TokenOrder } from "../../../daemon/router/token_messages.ts";
import { MaelstromError } from "../../../lib/errors.ts";

interface Waiting {
  readonly client: AbortController;
  kind?: string;
  error?: MaelstromError;
}

/** Requests of one thread: a worker, or the main one. */
class Door {
  readonly held: Place[] = [];
  readonly waiting = new Set<Waiting>();
  isDead = false;
  constructor(readonly admission: () => Admission) {}

  ask(): Waiting {
    const waiting: Waiting = { client: new AbortController() };
    const place = this.admission().claim();
    if (place) {
      this.held.push(place);
      return { ...waiting, kind: "instance" };
    }
    this.waiting.add(waiting);
    const deadline = performance.now() + 60_000;
    void this.admission().wait(deadline, waiting.client.signal).then((wait) => {
      this.waiting.delete(waiting);
      waiting.kind = wait.kind;
      if (wait.kind === "failed") waiting.error = wait.error;
      if (wait.kind === "instance" && !this.isDead) this.held.push(wait.instance);
    });
    return waiting;
  }

  finish(which: number, isReached = true): void {
    const [place] = this.held.splice(which % Math.max(1, this.held.length), 1);
    if (!place) return;
    this.admission().release(place);
    if (!isReached) this.admission().suspend(place);
  }

  leave(which: number): void {
    [...this.waiting][which % Math.max(1, this.waiting.size)]?.client.abort();
  }
}

class SimulatedWorker extends Door {
  readonly up: (readonly TokenNote[])[] = [];
  readonly down: (readonly TokenOrder[])[] = [];
  readonly routers: RemoteRouters;
  readonly borrower: Borrower;

  constructor(readonly desk: TokenDesk, now: () => number) {
    super(() => this.routers.of("foo"));
    this.routers = new RemoteRouters({ deliver: (notes) => this.up.push(notes), now });
    this.borrower = desk.join((orders) => this.down.push(orders));
  }

  carryUp(): void {
    const notes = this.up.shift();
    if (notes) this.desk.receive(this.borrower, structuredClone(notes));
  }

  carryDown(): void {
    const orders = this.down.shift();
    if (orders && !this.isDead) this.routers.receive(structuredClone(orders));
  }

  die(): void {
    this.isDead = true;
    this.held.length = 0;
    this.waiting.clear();
    this.desk.leave(this.borrower);
  }
}

/** Lets everything that is ready go on; nothing here waits for input or timers. */
async function turn(): Promise<void> {
  for (let n = 0; n < 12; n++) await Promise.resolve();
}

class World {
  nowMs = 1_000_000;
  readonly verified: string[] = [];
  readonly desk: TokenDesk;
  readonly routers: Routers;
  readonly workers: SimulatedWorker[] = [];
  readonly main: Door;
  readonly facts = new Map<string, InstanceFact>();
  /** Ids of three containers; when one is gone, another gets its slot. */
  readonly slots = ["a", "b", "c"];
  blocked: MaelstromError | undefined;

  constructor(count: number, readonly admits: number, queueMax = 1000) {
    const now = () => this.nowMs;
    this.desk = new TokenDesk((component) => this.routers.of(component));
    this.routers = new Routers({
      queueMax,
      queueBudget: new QueueBudget(10_000),
      wake: () => {},
      blocked: () => this.blocked,
      thaw: (id) => queueMicrotask(() => this.thaw(id)),
      verify: (id) => this.verified.push(id),
      verifyPeer: () => {},
      now,
      lender: this.desk,
    });
    this.main = new Door(() => this.routers.of("foo"));
    for (let n = 0; n < count; n++) this.workers.push(new SimulatedWorker(this.desk, now));
  }

  report(id: string, status: InstanceFact["status"] = "active"): void {
    const fact: InstanceFact = {
      id,
      component: "foo",
      version: 1,
      uid: "u",
      status,
      address: { hostname: "127.0.0.1", port: 9 },
      admits: this.admits,
      maxConcurrency: 1,
      reserveMemoryMiB: 128,
      sinceMs: 0,
    };
    this.facts.set(id, fact);
    this.routers.follow(id, fact);
  }

  thaw(id: string): void {
    if (this.facts.get(id)?.status === "frozen") this.report(id);
  }

  forget(id: string): void {
    this.facts.delete(id);
    this.routers.follow(id, undefined);
  }

  get doors(): Door[] {
    return [this.main, ...this.workers];
  }

  used(id: string): number {
    return this.doors.flatMap(({ held }) => held).filter((place) => place.id === id).length;
  }

  tick(ms: number): void {
    this.nowMs += ms;
    for (const { routers } of this.workers) routers.tick();
  }

  replace(n: number): void {
    this.workers[n]!.die();
    this.workers[n] = new SimulatedWorker(this.desk, () => this.nowMs);
  }

  /** Carries all messages, and those that they cause. */
  async quiet(): Promise<void> {
    for (let round = 0; round < 1000; round++) {
      await turn();
      const busy = this.workers.filter(({ up, down }) => up.length + down.length > 0);
      if (busy.length === 0) return;
      for (const worker of busy) {
        worker.carryUp();
        worker.carryDown();
      }
    }
    assert.fail("the messages never end");
  }

  checkLimits(): void {
    for (const id of new Set(this.doors.flatMap(({ held }) => held.map((place) => place.id)))) {
      assert.ok(this.used(id) <= this.admits, `${id} has ${this.used(id)} of ${this.admits}`);
    }
  }

  /** With no message under way, nobody waits beside a free place. */
  async checkNobodyWaitsInVain(): Promise<void> {
    await this.quiet();
    this.checkLimits();
    const waiting = this.doors.reduce((sum, door) => sum + door.waiting.size, 0);
    if (waiting === 0) return;
    for (const [id, { status }] of this.facts) {
      assert.notEqual(status, "frozen", `${waiting} wait beside ${id}, which nobody wakes`);
      if (status !== "active" || this.verified.includes(id)) continue;
      assert.equal(this.used(id), this.admits, `${waiting} wait beside a free place on ${id}`);
    }
  }

  async checkAllComeHome(): Promise<void> {
    for (let round = 0; round < 1000; round++) {
      await this.quiet();
      if (this.doors.every(({ held, waiting }) => held.length + waiting.size === 0)) break;
      for (const door of this.doors) door.finish(0);
      if (this.routers.of("foo").state !== "on") this.report(`z${round}`);
    }
    for (let n = 0; n < 3; n++) {
      this.tick(300);
      await this.quiet();
    }
    for (const door of this.doors) assert.equal(door.held.length + door.waiting.size, 0);
    for (const id of this.facts.keys()) {
      const instance = this.routers.instance(id)!;
      assert.equal(instance.inFlight, 0, `${id} in flight`);
      if (this.admits !== Infinity) assert.equal(instance.lent, 0, `${id} lent`);
    }
  }
}

const steps = fc.array(
  fc.record({
    act: fc.constantFrom(
      ...["ask", "ask", "ask", "finish", "finish", "up", "up", "down", "down", "leave", "tick"],
      ...["die", "attach", "freeze", "retire", "forget", "unreached", "quiet"],
    ),
    who: fc.nat(3),
    which: fc.nat(5),
  }),
  { minLength: 20, maxLength: 150, size: "max" },
);

async function perform(world: World, { act, who, which }: { [K in "act"]: string } & {
  who: number;
  which: number;
}): Promise<void> {
  const door = world.doors[who]!;
  const worker = world.workers[Math.max(0, who - 1)]!;
  const id = world.slots[which % 3]!;
  const status = world.facts.get(id)?.status;
  if (act === "ask") door.ask();
  else if (act === "finish") door.finish(which);
  else if (act === "unreached") door.finish(which, false);
  else if (act === "up") worker.carryUp();
  else if (act === "down") worker.carryDown();
  else if (act === "leave") door.leave(which);
  else if (act === "tick") world.tick(which * 100);
  else if (act === "die") world.replace(world.workers.indexOf(worker));
  else if (act === "attach" && (status === "active" || !world.verified.includes(id))) {
    if (status !== "stopping") world.report(id);
    const at = world.verified.indexOf(id);
    if (at >= 0) world.verified.splice(at, 1);
  } else if (act === "freeze" && status === "active" && !world.verified.includes(id)) {
    world.report(id, "frozen");
  } else if (act === "retire" && status !== undefined) world.report(id, "stopping");
  else if (act === "forget" && status === "stopping") {
    world.forget(id);
    world.slots[which % 3] = `${id}'`;
  } else if (act === "quiet") await world.checkNobodyWaitsInVain();
}

for (const admits of [1, 2, 7, Infinity]) {
  Deno.test(`TokenDesk keeps limits of ${admits} over any order of messages and deaths`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const world = new World(3, admits);
        for (const step of list) {
          await perform(world, step);
          await turn();
          world.checkLimits();
        }
        await world.checkNobodyWaitsInVain();
        await world.checkAllComeHome();
      }),
      { numRuns: 150 },
    );
  });
}

Deno.test("RemoteRouter.claim() needs no message while tokens are there", async () => {
  const world = new World(1, 2);
  const [worker] = world.workers;
  world.report("a");
  worker!.ask();
  await world.quiet();
  worker!.finish(0);
  await turn();
  assert.deepEqual(worker!.up, []);
  for (let n = 0; n < 100; n++) {
    assert.equal(worker!.ask().kind, "instance");
    worker!.finish(0);
  }
  await turn();
  assert.deepEqual(worker!.up, []);
  world.tick(100);
  await world.quiet();
  const { totalRequests, inFlight } = world.routers.instance("a")!;
  assert.deepEqual({ totalRequests, inFlight }, { totalRequests: 101, inFlight: 0 });
});

Deno.test("TokenDesk serves wants first come first served, whichever worker they are of", async () => {
  const world = new World(2, 1);
  world.report("a");
  const [one, two] = world.workers;
  one!.ask();
  await world.quiet();
  const later: Waiting[] = [];
  for (const door of [two!, one!, world.main, two!]) {
    later.push(door.ask());
    await world.quiet();
  }
  for (let n = 0; n < later.length; n++) {
    for (const door of world.doors) door.finish(0);
    await world.quiet();
    assert.deepEqual(
      later.map(({ kind }) => kind === "instance"),
      later.map((_, at) => at <= n),
    );
  }
});

Deno.test("TokenDesk passes the ends of a wait on: full, failed", async () => {
  const world = new World(1, 1, 1);
  const [worker] = world.workers;
  const first = worker!.ask();
  const second = worker!.ask();
  await world.quiet();
  assert.equal(second.kind, "full");
  const error = new MaelstromError("start_failed", "no such image", { image: "x" });
  world.routers.of("foo").fail(error);
  await world.quiet();
  assert.deepEqual(first.error, error);
  world.blocked = error;
  const third = worker!.ask();
  const knock = worker!.admission().knock();
  await world.quiet();
  assert.deepEqual(third.error, error);
  assert.deepEqual(await knock, error);
});

Deno.test("TokenDesk tells workers to be on while an instance is frozen", async () => {
  const world = new World(1, 1);
  world.report("a");
  world.report("a", "frozen");
  await world.quiet();
  const late = new SimulatedWorker(world.desk, () => world.nowMs);
  world.workers.push(late);
  await world.quiet();
  for (const { routers } of world.workers) assert.equal(routers.of("foo").state, "on");
  world.report("a", "stopping");
  await world.quiet();
  for (const { routers } of world.workers) assert.equal(routers.of("foo").state, "off");
});

Deno.test("TokenDesk tells workers whether instances serve", async () => {
  const world = new World(1, 1);
  const [worker] = world.workers;
  assert.equal(worker!.admission().state, "off");
  world.report("a");
  await world.quiet();
  assert.equal(worker!.admission().state, "on");
  world.report("a", "stopping");
  await world.quiet();
  worker!.ask();
  assert.equal(worker!.admission().state, "pending");
  world.report("b");
  world.replace(0);
  await world.quiet();
  assert.equal(world.workers[0]!.admission().state, "on");
});

Deno.test("Router.drain() waits for lent tokens, used ones and those without limit", async () => {
  for (const admits of [1, Infinity]) {
    const world = new World(2, admits);
    const [worker] = world.workers;
    world.report("a");
    worker!.ask();
    await world.quiet();
    world.report("a", "stopping");
    let isDrained = false;
    const drained = world.routers.drain("a", AbortSignal.timeout(5000)).then(() => {
      isDrained = true;
    });
    await world.quiet();
    assert.ok(!isDrained);
    worker!.finish(0);
    await world.quiet();
    await drained;
    assert.equal(world.routers.instance("a")!.lent, 0);
    world.forget("a");
    await world.quiet();
    assert.equal(worker!.borrower.loans.size, 0);
  }
});

Deno.test("TokenDesk counts the load of workers in the windows of an instance", async () => {
  const world = new World(1, 4);
  const [worker] = world.workers;
  world.report("a");
  worker!.ask();
  worker!.ask();
  await world.quiet();
  for (let n = 0; n < 205; n++) {
    world.tick(100);
    await world.quiet();
  }
  const [window] = world.routers.instance("a")!.activity();
  assert.ok(Math.abs(window!.concurrency - 2) < 0.05, `concurrency ${window!.concurrency}`);
  assert.equal(world.routers.instance("a")!.inFlight, 2);
});

Deno.test("TokenDesk.leave() brings home what a dead worker held, and its wants leave", async () => {
  const world = new World(2, 1);
  const [one, two] = world.workers;
  world.report("a");
  one!.ask();
  await world.quiet();
  one!.ask();
  await world.quiet();
  const waiting = two!.ask();
  await world.quiet();
  one!.die();
  await world.quiet();
  assert.equal(waiting.kind, "instance");
  assert.equal(world.routers.of("foo").queued, 0);
});
