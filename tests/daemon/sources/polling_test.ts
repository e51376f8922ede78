/** Slots, and the nodes that have them. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeOfSlot, queuePolling, slotsOf, sqsPolling } from "../../../daemon/sources/polling.ts";
import { queueSettings } from "../../../lib/contract/queues.ts";
import { polling } from "../../support/messages.ts";

for (
  const { maxConcurrency, perPoller, capacity, want } of [
    { maxConcurrency: 10, perPoller: 4, capacity: 100, want: [4, 4, 2] },
    { maxConcurrency: 10, perPoller: 1, capacity: 0, want: [1] },
    { maxConcurrency: 10, perPoller: 10, capacity: 4, want: [4] },
    { maxConcurrency: 10, perPoller: 10, capacity: 25, want: [10] },
    { maxConcurrency: 1, perPoller: 10, capacity: 5, want: [1] },
  ]
) {
  Deno.test(`slotsOf() ${maxConcurrency} by ${perPoller} for ${capacity} is ${want}`, () => {
    const slots = slotsOf(polling({ maxConcurrency, concurrencyPerPoller: perPoller }), capacity);
    assert.deepEqual(slots, want);
  });
}

Deno.test("sqsPolling() fills in the ancestor's defaults", () => {
  const of = (sqs: object) =>
    sqsPolling({
      name: "images",
      componentName: "shop",
      version: 1,
      modifiedAt: 0,
      sqs: { queueName: "q", path: "/image", ...sqs },
    });
  const { maxConcurrency, concurrencyPerPoller, messagesPerPoll, visibilitySeconds } = of({});
  assert.deepEqual(
    { maxConcurrency, concurrencyPerPoller, messagesPerPoll, visibilitySeconds },
    { maxConcurrency: 10, concurrencyPerPoller: 1, messagesPerPoll: 1, visibilitySeconds: 300 },
  );
  assert.equal(of({ messagesPerPoll: 11 }).messagesPerPoll, 1);
  assert.equal(of({ messagesPerPoll: 7 }).concurrencyPerPoller, 7);
  assert.equal(of({ messagesPerPoll: 7, batch: true }).concurrencyPerPoller, 1);
});

Deno.test("queuePolling() takes as many at once as one poller serves, and ten to a batch", () => {
  const source = { name: "jobs", componentName: "shop", version: 1, modifiedAt: 0 };
  const of = (concurrencyPerPoller: number, batch = false) => {
    const queue = { name: "jobs", path: "/", concurrencyPerPoller, batch };
    return queuePolling(source, queueSettings(queue)).messagesPerPoll;
  };
  assert.deepEqual([of(0), of(5), of(20), of(500), of(20, true)], [10, 10, 20, 50, 10]);
});

const node = (id: number, state: "ready" | "draining" = "ready") => ({ nodeId: `n${id}`, state });

Deno.test("nodeOfSlot() spreads the slots of a source evenly, whatever order nodes come in", () => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 9 }), (source, count) => {
    const nodes = Array.from({ length: count }, (_, n) => node(n));
    const owners = Array.from({ length: 2 * count }, (_, slot) => nodeOfSlot(source, slot, nodes));
    for (const { nodeId } of nodes) {
      assert.equal(owners.filter((owner) => owner === nodeId).length, 2);
    }
    assert.equal(nodeOfSlot(source, 1, nodes.toReversed()), owners[1 % owners.length]);
  }));
});

Deno.test("nodeOfSlot() leaves out nodes that are being drained, while there are others", () => {
  const nodes = [node(1, "draining"), node(2)];
  for (let slot = 0; slot < 4; slot++) assert.equal(nodeOfSlot("s", slot, nodes), "n2");
  assert.equal(nodeOfSlot("s", 0, [node(1, "draining")]), "n1");
  assert.equal(nodeOfSlot("s", 0, []), undefined);
});
