import assert from "node:assert/strict";
import { Ahead, HELD_MS, type Lane } from "../../../daemon/sources/ahead.ts";
import { message } from "../../support/messages.ts";

const lane = (id: string, priority = 0): Lane => ({
  messages: [message({ id, priority })],
  places: 1,
});

/** The ids of `lanes`. */
const ids = (lanes: readonly (Lane | undefined)[]) =>
  lanes.flatMap((lane) => lane?.messages.map(({ id }) => id) ?? []);

const cases = [
  { name: "nothing while it is not known what requests take", took: [], want: 0 },
  { name: "one receive when requests are short", took: [5], want: 10 },
  { name: "half of the places when those are more", took: [5], limit: 60, want: 30 },
  { name: "what begins within 100 ms", took: [500], limit: 20, want: 4 },
  { name: "nothing when one place takes longer than that", took: [150], limit: 1, want: 0 },
  { name: "some for one place that is quick", took: [40], limit: 1, want: 2 },
  { name: "nothing when requests take 10 s", took: [10_000], limit: 50, want: 0 },
  { name: "less after a slow one", took: [5, 5, 5, 10_000], limit: 10, want: 0 },
  { name: "batches, when a receive brings one", took: [50], limit: 4, perReceive: 1, want: 2 },
  { name: "requests that take no time", took: [0], limit: 10, want: 10 },
];
for (const { name, took, limit = 20, perReceive = 10, want } of cases) {
  Deno.test(`Ahead.placesMax() allows ${name}`, () => {
    const ahead = new Ahead(Infinity);
    for (const ms of took) ahead.took(ms);
    assert.equal(ahead.placesMax(limit, perReceive), want);
    ahead.forget();
    assert.equal(ahead.placesMax(limit, perReceive), 0, "until the next request is known");
  });
}

Deno.test("Ahead.take() gives the highest priority first, and then the oldest", () => {
  const ahead = new Ahead(Infinity);
  const order = [lane("a", 1), lane("b"), lane("c", 1), lane("d", 2), lane("e"), lane("f", -1)];
  for (const [ms, one] of order.entries()) ahead.put(one, ms);
  assert.equal(ahead.places, 6);
  const taken = Array.from({ length: 7 }, () => ahead.take());
  assert.deepEqual(ids(taken), ["d", "a", "c", "b", "e", "f"]);
  assert.equal(ahead.places, 0);
});

Deno.test("Ahead.takeOverdue() gives what waited too long, wherever it stands, or all", () => {
  const ahead = new Ahead(Infinity);
  ahead.put(lane("old"), 0);
  ahead.put(lane("new", 1), 100);
  assert.deepEqual(ids(ahead.takeOverdue(HELD_MS - 1)), []);
  assert.deepEqual(ids(ahead.takeOverdue(HELD_MS)), ["old"]);
  assert.equal(ahead.places, 1);
  assert.deepEqual(ids(ahead.takeOverdue(HELD_MS, true)), ["new"]);
  assert.equal(ahead.places, 0);
  const brief = new Ahead(20);
  brief.put(lane("a"), 0);
  assert.deepEqual(ids(brief.takeOverdue(20)), ["a"]);
});
