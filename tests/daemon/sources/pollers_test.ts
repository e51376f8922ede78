/** Which slots a node polls as the catalog and the cluster change, with roles that are always free. */
import assert from "node:assert/strict";
import type { HandlerReply } from "../../../daemon/sources/invoke.ts";
import type { Message } from "../../../daemon/sources/message_source.ts";
import { Pollers } from "../../../daemon/sources/pollers.ts";
import { nodeOfSlot, sqsPolling } from "../../../daemon/sources/polling.ts";
import type { Duty } from "../../../daemon/cluster/role.ts";
import type { Catalog } from "../../../daemon/store/catalog.ts";
import { aborted } from "../../../lib/async/aborted.ts";
import type { EventSource, NodeState, NodeStatus } from "../../../lib/contract/v1.ts";
import { silentLog } from "../../../lib/log.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";
import { FakeQueue } from "../../support/fake_queue.ts";
import { message, reply } from "../../support/messages.ts";

/** An event source of six slots, once there are instances for them. */
function source(parts: Partial<EventSource> = {}): EventSource {
  const sqs = { queueName: "q", path: "/", maxConcurrency: 12, concurrencyPerPoller: 2 };
  return { name: "images", componentName: "shop", version: 1, modifiedAt: 0, sqs, ...parts };
}

/** The pollers of node `a`. */
class Place implements AsyncDisposable {
  readonly held = new Set<string>();
  readonly queues: FakeQueue[] = [];
  readonly pollers: Pollers;
  readonly cut = new AbortController();
  /** What a queue holds when it is opened. */
  waiting: Message[] = [];
  eventSources = [{ eventSource: source(), enabled: true }];
  nodes: NodeStatus[] = [];
  answer: (signal: AbortSignal) => Promise<HandlerReply> = () => Promise.resolve(reply(200));
  #changed: () => void = () => {};

  constructor() {
    this.of({ a: "ready", b: "ready" });
    const catalog = {
      current: {},
      subscribe: (listener: () => void) => {
        this.#changed = listener;
        return () => {};
      },
    };
    Object.defineProperty(catalog, "current", {
      get: () => ({ eventSources: this.eventSources }),
    });
    this.pollers = new Pollers({
      nodeId: "a",
      kinds: [{
        polling: (source) => source.sqs && sqsPolling(source),
        open: () => {
          const queue = new FakeQueue();
          queue.waiting = this.waiting;
          this.queues.push(queue);
          return Promise.resolve(queue);
        },
      }],
      catalog: catalog as unknown as Pick<Catalog, "current" | "subscribe">,
      roles: { hold: (role, duty, signal) => this.#hold(role, duty, signal) },
      nodes: () => this.nodes,
      invoke: (_component, _request, signal) => this.answer(signal),
      blocked: () => undefined,
      changed: () => {},
      log: silentLog,
      now: () => 0,
    });
  }

  /** The cluster from now on; node `b` has instances for all slots. */
  of(states: Record<string, NodeState>): void {
    const all = [instance("shop", { maxConcurrency: 12 })];
    this.nodes = Object.entries(states)
      .map(([id, state]) => nodeStatus(id, id === "b" ? all : [], { state }));
  }

  /** The catalog has changed. */
  put(eventSource: EventSource, enabled = true): void {
    this.eventSources = [{ eventSource, enabled }];
    this.#changed();
  }

  /** Slots that fall to `a` as things stand. */
  own(): string[] {
    return Array.from({ length: 6 }, (_, slot) => slot)
      .filter((slot) => nodeOfSlot("images", slot, this.nodes) === "a")
      .map((slot) => `source/images/${slot}`);
  }

  async holds(roles: readonly string[]): Promise<void> {
    const wanted = () => [...this.held].sort().join() === [...roles].sort().join();
    for (let n = 0; n < 500 && !wanted(); n++) await new Promise((go) => setTimeout(go, 2));
    assert.deepEqual([...this.held].sort(), [...roles].sort());
  }

  async #hold(role: string, duty: Duty, signal: AbortSignal): Promise<void> {
    // An earlier owner has to hand it back first.
    while (this.held.has(role)) await new Promise((go) => setTimeout(go, 1));
    if (signal.aborted) return;
    this.held.add(role);
    await duty(1, signal);
    this.held.delete(role);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pollers.stop(this.cut.signal);
  }
}

Deno.test("Pollers begin when they are started, with the slots of this node", async () => {
  await using place = new Place();
  place.pollers.replan();
  await place.holds([]);
  place.pollers.start();
  assert.equal(place.own().length, 3);
  await place.holds(place.own());
});

Deno.test("Pollers give all slots away while their node drains and another does not", async () => {
  await using place = new Place();
  place.pollers.start();
  await place.holds(place.own());
  place.of({ a: "draining", b: "ready" });
  place.pollers.replan();
  await place.holds([]);
  place.of({ a: "draining", b: "draining" });
  place.pollers.replan();
  assert.equal(place.own().length, 3);
  await place.holds(place.own());
});

Deno.test("Pollers keep a slot until what it holds is finished", async () => {
  await using place = new Place();
  const answered = Promise.withResolvers<ReturnType<typeof reply>>();
  place.answer = () => answered.promise;
  place.pollers.start();
  await place.holds(place.own());
  const [queue] = place.queues as [FakeQueue];
  assert.equal(place.queues.length, 1, "the slots of a source share its queue");
  // Whoever waits for a message is woken by the change, not by this one.
  queue.waiting = [message({ id: "m" })];
  place.of({ a: "draining", b: "ready" });
  place.pollers.replan();
  await place.holds([]);
  place.of({ a: "ready", b: "ready" });
  place.pollers.replan();
  await place.holds(place.own());
  while (place.pollers.status()[0]?.inFlight !== 1) await new Promise((go) => setTimeout(go, 1));
  place.of({ a: "draining", b: "ready" });
  place.pollers.replan();
  while (place.held.size > 1) await new Promise((go) => setTimeout(go, 1));
  assert.deepEqual(queue.told, []);
  answered.resolve(reply(200));
  await place.holds([]);
  assert.deepEqual(queue.told, ["done m"]);
  assert.deepEqual(place.pollers.status()[0]?.handled, 1);
});

Deno.test("Pollers end what is switched off, and begin a new version anew", async () => {
  await using place = new Place();
  place.pollers.start();
  await place.holds(place.own());
  place.put(source(), false);
  await place.holds([]);
  assert.deepEqual(place.queues[0]?.told, ["closed"]);
  assert.deepEqual(place.pollers.status(), []);
  place.put(source({ version: 2 }));
  await place.holds(place.own());
  place.put(source({ version: 3 }));
  while (place.queues.length < 3) await new Promise((go) => setTimeout(go, 1));
  await place.holds(place.own());
  assert.deepEqual(place.queues.map(({ told }) => told), [["closed"], ["closed"], []]);
});

Deno.test("Pollers open one slot while the component has no instance", async () => {
  await using place = new Place();
  place.nodes = [nodeStatus("a", [])];
  place.pollers.start();
  await place.holds(["source/images/0"]);
  place.nodes = [nodeStatus("a", [instance("shop", { maxConcurrency: 5 })])];
  place.pollers.replan();
  await place.holds([0, 1, 2].map((slot) => `source/images/${slot}`));
});

Deno.test("Pollers.stop() ends requests when it is cut, and lets their messages come again", async () => {
  const place = new Place();
  place.answer = async (signal) => {
    await aborted(signal);
    throw signal.reason;
  };
  place.nodes = [nodeStatus("a", [])];
  place.waiting = [message({ id: "m" })];
  place.pollers.start();
  while (place.pollers.status()[0]?.inFlight !== 1) await new Promise((go) => setTimeout(go, 1));
  const stopping = place.pollers.stop(place.cut.signal);
  await new Promise((go) => setTimeout(go, 5));
  assert.deepEqual(place.queues[0]?.told, []);
  place.cut.abort();
  await stopping;
  assert.deepEqual(place.queues[0]?.told, ["failed m 0", "closed"]);
  assert.deepEqual([...place.held], []);
});
