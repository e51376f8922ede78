/** Histories made up to be wrong, which the checker must find wrong, and right ones. @module */
import { strict as assert } from "node:assert";
import { historyViolations, type Outcome, outcomeViolations } from "./checker.ts";
import type { Entry } from "./history.ts";

const role = "placement";
const won = (atMs: number, node: string, epoch: number): Entry => ({
  atMs,
  node,
  kind: "won",
  role,
  epoch,
});
const lost = (atMs: number, node: string, epoch: number): Entry => ({
  ...won(atMs, node, epoch),
  kind: "lost",
} as Entry);
const wrote = (atMs: number, node: string, epoch: number): Entry => ({
  ...won(atMs, node, epoch),
  kind: "wrote",
} as Entry);
const took = (atMs: number, node: string, epoch: number, number = 1): Entry => ({
  atMs,
  node,
  kind: "took",
  epoch,
  number,
});
const simple = (kind: "started" | "ended" | "frozen" | "thawed") => (atMs: number, node: string) =>
  ({ atMs, node, kind }) as Entry;
const [started, ended, frozen, thawed] = [
  simple("started"),
  simple("ended"),
  simple("frozen"),
  simple("thawed"),
];

const histories: { name: string; history: Entry[]; found: RegExp | undefined }[] = [
  { name: "nothing at all", history: [], found: undefined },
  {
    name: "an owner that hands over",
    history: [won(0, "a", 1), took(1, "b", 1), lost(5000, "a", 1), won(5001, "b", 2)],
    found: undefined,
  },
  {
    name: "an owner that is killed, and another",
    history: [won(0, "a", 1), ended(10, "a"), won(20, "b", 2), started(9000, "a")],
    found: undefined,
  },
  {
    name: "one epoch with two owners",
    history: [won(0, "a", 1), lost(5, "a", 1), won(10, "b", 1)],
    found: /^epoch 1 of placement was won by a and b$/,
  },
  {
    name: "an epoch that a node wins twice",
    history: [won(0, "a", 1), lost(5, "a", 1), won(10, "a", 1)],
    found: /^epoch 1 of placement was won by a and a$/,
  },
  {
    name: "an epoch that falls",
    history: [won(0, "a", 7), lost(5, "a", 7), won(10, "a", 6), lost(11, "a", 6)],
    found: /^a won placement in epoch 6 after 7$/,
  },
  {
    name: "an epoch that falls across a restart",
    history: [won(0, "a", 7), ended(5, "a"), started(9, "a"), won(10, "a", 6), lost(11, "a", 6)],
    found: /^a won placement in epoch 6 after 7$/,
  },
  {
    name: "an owner that goes on beside another",
    history: [won(0, "a", 1), won(5000, "b", 2), lost(7500, "a", 1)],
    found: /^a went on as owner of placement in epoch 1 beside b in 2$/,
  },
  {
    name: "an owner that never ends",
    history: [won(0, "a", 1), won(5000, "b", 2)],
    found: /^a went on as owner/,
  },
  {
    name: "an owner that goes on beside one after the next",
    history: [won(0, "a", 1), won(10, "b", 3), lost(20, "b", 3)],
    found: /^a went on as owner of placement in epoch 1 beside b in 3$/,
  },
  {
    name: "an owner that begins when it is over, and stays",
    history: [won(0, "b", 2), won(10, "a", 1), lost(3000, "a", 1)],
    found: /^a went on as owner of placement in epoch 1 beside b in 2$/,
  },
  {
    name: "an owner that stands still, and stops as soon as it can",
    history: [
      won(0, "a", 1),
      frozen(10, "a"),
      won(5000, "b", 2),
      thawed(9000, "a"),
      lost(9100, "a", 1),
    ],
    found: undefined,
  },
  {
    name: "an owner that stands still again before it could stop",
    history: [
      won(0, "a", 1),
      frozen(10, "a"),
      won(5000, "b", 2),
      thawed(9000, "a"),
      frozen(9001, "a"),
      thawed(19_000, "a"),
      lost(19_001, "a", 1),
    ],
    found: undefined,
  },
  {
    name: "an owner that stands still again and again, and goes on in between",
    history: [
      won(0, "a", 1),
      frozen(10, "a"),
      won(5000, "b", 2),
      thawed(9000, "a"),
      frozen(10_100, "a"),
      thawed(19_000, "a"),
      lost(20_100, "a", 1),
    ],
    found: /^a went on as owner/,
  },
  {
    name: "an owner that stood still, and goes on",
    history: [
      won(0, "a", 1),
      frozen(10, "a"),
      won(5000, "b", 2),
      thawed(9000, "a"),
      lost(11_500, "a", 1),
    ],
    found: /^a went on as owner/,
  },
  {
    name: "an owner that stood still before it was replaced, and goes on",
    history: [
      won(0, "a", 1),
      frozen(10, "a"),
      thawed(20, "a"),
      won(5000, "b", 2),
      lost(7500, "a", 1),
    ],
    found: /^a went on as owner/,
  },
  {
    name: "an owner that stands still and is killed",
    history: [won(0, "a", 1), frozen(10, "a"), won(5000, "b", 2), ended(9000, "a")],
    found: undefined,
  },
  {
    name: "targets of an earlier owner",
    history: [won(0, "a", 1), lost(1, "a", 1), won(2, "b", 2), took(3, "c", 2), took(4, "c", 1)],
    found: /^c took targets of epoch 1 after those of 2$/,
  },
  {
    name: "targets of an earlier owner, after a restart",
    history: [
      won(0, "a", 1),
      lost(1, "a", 1),
      won(2, "b", 2),
      took(3, "c", 2),
      ended(4, "c"),
      started(5, "c"),
      took(6, "c", 1),
    ],
    found: /^c took targets of epoch 1 after those of 2$/,
  },
  {
    name: "targets of an earlier owner, where nobody took newer ones yet",
    history: [won(0, "a", 1), lost(1, "a", 1), won(2, "b", 2), took(3, "c", 2), took(4, "d", 1)],
    found: undefined,
  },
  {
    name: "an order after a newer one",
    history: [won(0, "a", 1), took(1, "b", 1, 4), took(2, "b", 1, 4), took(3, "b", 1, 3)],
    found: /^b took order 3 of epoch 1 after order 4$/,
  },
  {
    name: "an order after a newer one that the node forgot",
    history: [
      won(0, "a", 1),
      took(1, "b", 1, 4),
      ended(2, "b"),
      started(3, "b"),
      took(4, "b", 1, 3),
    ],
    found: undefined,
  },
  {
    name: "targets of nobody",
    history: [won(0, "a", 1), took(1, "b", 2)],
    found: /^b took targets of epoch 2, which nobody won$/,
  },
  {
    name: "a write as owner",
    history: [won(0, "a", 1), wrote(1, "a", 1), lost(2, "a", 1), won(3, "b", 2), wrote(4, "b", 2)],
    found: undefined,
  },
  {
    name: "a write of a node that owns nothing",
    history: [won(0, "a", 1), wrote(1, "b", 1)],
    found: /^b wrote as owner of placement in epoch 1, which it never won$/,
  },
  {
    name: "a write long after another began",
    history: [won(0, "a", 1), won(1, "b", 2), lost(2, "a", 1), wrote(4000, "a", 1)],
    found: /^a wrote as owner of placement in epoch 1 after b won 2$/,
  },
];

for (const { name, history, found } of histories) {
  Deno.test(`historyViolations() of ${name}: ${found ? "found" : "none"}`, () => {
    const violations = historyViolations(history);
    if (!found) return assert.deepEqual(violations, []);
    assert.equal(violations.length, 1, violations.join("\n"));
    assert.match(violations[0]!, found);
  });
}

const container = { name: "x", node: "a" };
const instance = { ...container, component: "shop", isActive: true };
const want = { component: "shop", min: 1, max: 1 };
const owners = ["a"];
const outcomes: (Outcome & { name: string; found: string[] })[] = [
  {
    name: "what was wanted",
    owners,
    containers: [container],
    instances: [instance],
    wants: [want],
    found: [],
  },
  {
    name: "a container that its node does not know",
    owners,
    containers: [container, { name: "y", node: "b" }],
    instances: [instance, { ...instance, name: "y", isActive: false }],
    wants: [want],
    found: [
      "container y of b has nobody who knows it",
      "instance y of a is reported, but the engine does not have it",
    ],
  },
  {
    name: "too few",
    owners,
    containers: [container],
    instances: [{ ...instance, isActive: false }],
    wants: [want],
    found: ["shop has 0 instances, wanted are 1 to 1"],
  },
  {
    name: "too many",
    owners,
    containers: [container],
    instances: [instance],
    wants: [{ ...want, min: 0, max: 0 }],
    found: ["shop has 1 instances, wanted are 0 to 0"],
  },
  ...[[], ["a", "b"]].map((owners) => ({
    name: `${owners.length} owners`,
    owners,
    containers: [],
    instances: [],
    wants: [],
    found: [`placement is owned by ${owners.join(" and ") || "nobody"}`],
  })),
];

for (const { name, found, ...outcome } of outcomes) {
  Deno.test(`outcomeViolations() of ${name}`, () => {
    assert.deepEqual(outcomeViolations(outcome), found);
  });
}
