import assert from "node:assert/strict";
import { type NodeOption, place, type Want } from "../../../daemon/scheduler/placement.ts";
import { parseConstraint } from "../../../lib/contract/constraint.ts";
import { instance, node, settled, targetsOf, want } from "./world.ts";

function constraints(...texts: string[]) {
  return texts.map((text) => parseConstraint(text)!);
}

const busy = { inFlight: 1 };
const cold = { floor: 1 };

interface Case {
  readonly name: string;
  readonly nodes: NodeOption[];
  readonly wants: Want[];
  /** Targets of the first plan. */
  readonly first?: object;
  /** Targets when everything is over. */
  readonly last?: object;
  readonly refused?: Record<string, string>;
  readonly stuck?: Record<string, Record<string, string>>;
}

const cases: Case[] = [
  {
    name: "puts one on the only node, filling it whole",
    nodes: [node("n1", 100)],
    wants: [want("a", 1)],
    first: { n1: { a: 1 } },
  },
  {
    name: "refuses what no node has room for, and says by how much (T-22)",
    nodes: [node("n1", 999)],
    wants: [want("a", 1, { ...cold, reserveMemoryMiB: 1000 })],
    first: { n1: {} },
    refused: { a: "needs 1000 MiB, largest free is 999 MiB" },
  },
  {
    name: "uses a node with just enough memory (T-23)",
    nodes: [node("n1", 1999, [instance("b", { reserveMemoryMiB: 999, ...busy })])],
    wants: [want("b", 1, { reserveMemoryMiB: 999 }), want("a", 1, { reserveMemoryMiB: 1000 })],
    first: { n1: { b: 1, a: 1 } },
  },
  {
    name: "pushes idle ones out for a first instance, which starts when they are gone (T-24)",
    nodes: [node("n1", 1100, [
      instance("0", { reserveMemoryMiB: 500 }),
      instance("1", { reserveMemoryMiB: 400 }),
    ])],
    wants: [
      want("0", 1, { reserveMemoryMiB: 500 }),
      want("1", 1, { reserveMemoryMiB: 400 }),
      want("a", 1, { ...cold, reserveMemoryMiB: 1000 }),
    ],
    first: { n1: {} },
    last: { n1: { a: 1 } },
  },
  {
    name: "pushes out of the component with most instances (T-25)",
    nodes: [
      node("n0", 1100, [
        instance("0", { reserveMemoryMiB: 500 }),
        instance("1", { reserveMemoryMiB: 400 }),
      ]),
      node("n1", 1100, [instance("1", { reserveMemoryMiB: 900 })]),
    ],
    wants: [
      want("0", 1, { reserveMemoryMiB: 500 }),
      want("1", 2, { reserveMemoryMiB: 400 }),
      want("a", 1, { ...cold, reserveMemoryMiB: 300 }),
    ],
    first: { n0: { "0": 1, "1": 1 }, n1: {} },
  },
  {
    name: "refuses beyond the maximum on each node (T-26)",
    nodes: [node("n1", 1001, [instance("a")])],
    wants: [want("a", 2, { maxInstancesPerNode: 1 })],
    first: { n1: { a: 1 } },
    refused: { a: "every node has its 1 instances" },
  },
  {
    name: "takes a second node when the first has its maximum (T-26)",
    nodes: [node("n1", 1001, [instance("a")]), node("n2", 1001)],
    wants: [want("a", 2, { maxInstancesPerNode: 1 })],
    first: { n1: { a: 1 }, n2: { a: 1 } },
  },
  {
    name: "places on an empty node when it scales up (T-32)",
    nodes: [node("n0", 400, [instance("a"), instance("b")]), node("n1", 400)],
    wants: [want("a", 2), want("b", 0)],
    first: { n0: { a: 1 }, n1: { a: 1 } },
  },
  {
    name: "gives empty nodes the small ones when a large one comes (T-33)",
    nodes: [
      node("n0", 1000),
      node("n1", 1000),
      node("n2", 2500, [instance("a"), instance("b", { reserveMemoryMiB: 200 })]),
    ],
    wants: [
      want("a", 1),
      want("b", 1, { reserveMemoryMiB: 200 }),
      want("big", 1, { floor: 1, reserveMemoryMiB: 2000 }),
    ],
    last: { n0: { a: 1 }, n1: { b: 1 }, n2: { big: 1 } },
  },
  {
    name: "moves nothing to a node without memory (T-30)",
    nodes: [node("n1", 0), node("n2", 500, [instance("c1"), instance("c2")])],
    wants: [want("c1", 1), want("c2", 1)],
    last: { n1: {}, n2: { c1: 1, c2: 1 } },
  },
  {
    name: "moves the one that fits an empty node (T-30)",
    nodes: [
      node("n1", 64),
      node("n2", 500, [
        instance("c1", { reserveMemoryMiB: 256 }),
        instance("c2", { reserveMemoryMiB: 64 }),
      ]),
    ],
    wants: [want("c1", 1, { reserveMemoryMiB: 256 }), want("c2", 1, { reserveMemoryMiB: 64 })],
    first: { n1: { c2: 1 }, n2: { c1: 1, c2: 1 } },
    last: { n1: { c2: 1 }, n2: { c1: 1 } },
  },
  {
    name: "moves the first that fits an empty node (T-30)",
    nodes: [
      node("n1", 256),
      node("n2", 500, [
        instance("c1", { reserveMemoryMiB: 256 }),
        instance("c2", { reserveMemoryMiB: 64 }),
      ]),
    ],
    wants: [want("c1", 1, { reserveMemoryMiB: 256 }), want("c2", 1, { reserveMemoryMiB: 64 })],
    last: { n1: { c1: 1 }, n2: { c2: 1 } },
  },
  {
    name: "spreads one component over nodes (T-34)",
    nodes: [node("n1", 1000), node("n2", 900)],
    wants: [want("a", 4)],
    first: { n1: { a: 2 }, n2: { a: 2 } },
  },
  {
    name: "evens out one component over nodes (T-34)",
    nodes: [
      node("n1", 1000, [instance("a"), instance("a"), instance("a")]),
      node("n2", 1000, [instance("b")]),
    ],
    wants: [want("a", 3), want("b", 1)],
    first: { n1: { a: 3 }, n2: { a: 1, b: 1 } },
    last: { n1: { a: 2 }, n2: { a: 1, b: 1 } },
  },
  {
    name: "leaves no node empty when another has several (T-36)",
    nodes: [node("n1", 1000, [instance("a"), instance("b")]), node("n2", 1000)],
    wants: [want("a", 1), want("b", 1)],
    first: { n1: { a: 1, b: 1 }, n2: { a: 1 } },
    last: { n1: { b: 1 }, n2: { a: 1 } },
  },
  {
    name: "counts an instance without a reservation's wish as what it holds (D-14)",
    nodes: [node("n1", 250, [instance("a", { reserveMemoryMiB: 200, ...busy })])],
    wants: [want("a", 1), want("b", 1)],
    first: { n1: { a: 1 } },
    refused: { b: "needs 100 MiB, largest free is 50 MiB" },
  },
  {
    name: "keeps what runs where it runs",
    nodes: [node("n1", 1000, [instance("a"), instance("b")]), node("n2", 100, [instance("c")])],
    wants: [want("a", 1), want("b", 1), want("c", 1)],
    first: { n1: { a: 1, b: 1 }, n2: { c: 1 } },
  },
  {
    name: "takes away what nobody wants",
    nodes: [node("n1", 1000, [instance("a"), instance("b")])],
    wants: [want("b", 1)],
    first: { n1: { b: 1 } },
  },
  {
    name: "takes one less from the node that has most",
    nodes: [node("n1", 1000, [instance("a")]), node("n2", 1000, [instance("a"), instance("a")])],
    wants: [want("a", 2)],
    first: { n1: { a: 1 }, n2: { a: 1 } },
  },
  {
    name: "never stops the busiest of equals",
    nodes: [
      node("n1", 1000, [instance("a", { inFlight: 5 }), instance("b")]),
      node("n2", 1000, [instance("a", { inFlight: 2 }), instance("b")]),
      node("n3", 1000, [instance("a", { inFlight: 4 }), instance("b")]),
    ],
    wants: [want("a", 2), want("b", 3)],
    first: { n1: { a: 1, b: 1 }, n2: { b: 1 }, n3: { a: 1, b: 1 } },
  },
  {
    name: "pushes out the idle one that was unused longest (D-13)",
    nodes: [node("n1", 200, [
      instance("new", { lastUseMs: 2 }),
      instance("old", { lastUseMs: 1 }),
    ])],
    wants: [want("new", 1), want("old", 1), want("a", 1, cold)],
    first: { n1: { new: 1 } },
    last: { n1: { new: 1, a: 1 } },
  },
  {
    name: "pushes nobody out who works",
    nodes: [node("n1", 100, [instance("busy", busy)])],
    wants: [want("busy", 1), want("a", 1, cold)],
    first: { n1: { busy: 1 } },
    refused: { a: "needs 100 MiB, largest free is 0 MiB" },
  },
  {
    name: "pushes nobody out who starts",
    nodes: [node("n1", 100, [instance("young", { status: "starting" })])],
    wants: [want("young", 1), want("a", 1, cold)],
    first: { n1: { young: 1 } },
    refused: { a: "needs 100 MiB, largest free is 0 MiB" },
  },
  {
    name: "pushes out a frozen one",
    nodes: [node("n1", 100, [instance("frozen", { status: "frozen" })])],
    wants: [want("frozen", 1), want("a", 1, cold)],
    first: { n1: {} },
    last: { n1: { a: 1 } },
  },
  {
    name: "pushes nobody below its floor (D-13)",
    nodes: [node("n1", 100, [instance("kept")])],
    wants: [want("kept", 1, { floor: 1 }), want("a", 1, cold)],
    first: { n1: { kept: 1 } },
    refused: { a: "needs 100 MiB, largest free is 0 MiB" },
  },
  {
    name: "pushes nobody out for more than a floor",
    nodes: [node("n1", 200, [instance("a"), instance("idle")])],
    wants: [want("a", 2, cold), want("idle", 1)],
    first: { n1: { a: 1, idle: 1 } },
    refused: { a: "needs 100 MiB, largest free is 0 MiB" },
  },
  {
    name: "finds another place for what was pushed out",
    nodes: [
      node("n1", 1000, [instance("small", { reserveMemoryMiB: 200 })]),
      node("n2", 300, [instance("b", busy)]),
    ],
    wants: [
      want("small", 1, { reserveMemoryMiB: 200 }),
      want("b", 1),
      want("a", 1, { ...cold, reserveMemoryMiB: 1000 }),
    ],
    first: { n1: {}, n2: { b: 1, small: 1 } },
    last: { n1: { a: 1 }, n2: { b: 1, small: 1 } },
  },
  {
    name: "waits for memory that is being freed and pushes nobody out",
    nodes: [node("n1", 200, [instance("gone", { status: "stopping" }), instance("idle")])],
    wants: [want("idle", 1), want("a", 1, cold)],
    first: { n1: { idle: 1 } },
    last: { n1: { idle: 1, a: 1 } },
  },
  {
    name: "keeps the memory that a first instance waits for from others",
    nodes: [node("n1", 300, [instance("gone", { status: "stopping", reserveMemoryMiB: 200 })])],
    wants: [want("b", 1), want("a", 1, { ...cold, reserveMemoryMiB: 300 })],
    first: { n1: {} },
    last: { n1: { a: 1 } },
    refused: { b: "needs 100 MiB, largest free is 0 MiB" },
  },
  {
    name: "is not moved by the gap of a rollout",
    nodes: [
      node("n1", 1000, [instance("a", { status: "stopping" })], { assigned: new Map([["a", 1]]) }),
      node("n2", 1000),
    ],
    wants: [want("a", 1, { version: 2 })],
    first: { n1: { a: 1 }, n2: {} },
  },
  {
    name: "is not moved by the surge of a rollout",
    nodes: [node("n1", 1000, [instance("a"), instance("a", { version: 2, status: "starting" })], {
      assigned: new Map([["a", 1]]),
    })],
    wants: [want("a", 1, { version: 2 })],
    first: { n1: { a: 1 } },
  },
  {
    name: "obeys constraints",
    nodes: [
      node("n1", 1000, [], { labels: { zone: "a" } }),
      node("n2", 1000, [], { labels: { zone: "b" } }),
      node("n3", 1000),
    ],
    wants: [
      want("a", 3, { constraints: constraints("zone=a") }),
      want("b", 2, { constraints: constraints("zone!=a") }),
    ],
    first: { n1: { a: 3 }, n2: { b: 1 }, n3: { b: 1 } },
  },
  {
    name: "refuses what no node's labels meet",
    nodes: [node("n1", 1000)],
    wants: [want("a", 1, { constraints: constraints("zone=a", "disk!=slow") })],
    first: { n1: {} },
    refused: { a: "no node that takes instances has zone=a and disk!=slow" },
  },
  {
    name: "moves what a changed label sends away, the new one first",
    nodes: [
      node("n1", 1000, [instance("a", busy)], { labels: { zone: "b" } }),
      node("n2", 1000, [], { labels: { zone: "a" } }),
    ],
    wants: [want("a", 1, { constraints: constraints("zone=a") })],
    first: { n1: { a: 1 }, n2: { a: 1 } },
    last: { n1: {}, n2: { a: 1 } },
  },
  {
    name: "gives a cordoned node nothing and takes nothing from it",
    nodes: [
      node("n1", 1000, [instance("a")], { state: "cordoned" }),
      node("n2", 500, [instance("b")]),
    ],
    wants: [want("a", 3), want("b", 1)],
    first: { n1: { a: 1 }, n2: { a: 2, b: 1 } },
  },
  {
    name: "says so when no node takes instances",
    nodes: [node("n1", 1000, [], { state: "cordoned" })],
    wants: [want("a", 1)],
    first: { n1: {} },
    refused: { a: "no node takes instances" },
  },
  {
    name: "drains a node, the replacement first",
    nodes: [node("n1", 1000, [instance("a", busy)], { state: "draining" }), node("n2", 1000)],
    wants: [want("a", 1)],
    first: { n1: { a: 1 }, n2: { a: 1 } },
    last: { n1: {}, n2: { a: 1 } },
  },
  {
    name: "keeps a draining node's instance until its replacement serves",
    nodes: [
      node("n1", 1000, [instance("a")], { state: "draining" }),
      node("n2", 1000, [instance("a", { status: "starting" })]),
    ],
    wants: [want("a", 1)],
    first: { n1: { a: 1 }, n2: { a: 1 } },
  },
  {
    name: "drains one that has its maximum by stopping it first",
    nodes: [
      node("n1", 1000, [instance("a"), instance("a")], { state: "draining" }),
      node("n2", 1000),
    ],
    wants: [want("a", 2, { maxInstances: 2 })],
    first: { n1: { a: 1 }, n2: {} },
    last: { n1: {}, n2: { a: 2 } },
  },
  {
    name: "drains as many at once as may be missing",
    nodes: [
      node("n1", 1000, [instance("a"), instance("a"), instance("a")], { state: "draining" }),
      node("n2", 1000),
    ],
    wants: [want("a", 3, { maxInstances: 3, maxUnavailable: 2 })],
    first: { n1: { a: 1 }, n2: {} },
    last: { n1: {}, n2: { a: 3 } },
  },
  {
    name: "starts nothing at the maximum while one still stops",
    nodes: [
      node("n1", 1000, [instance("a", { status: "stopping" })], {
        state: "draining",
        assigned: new Map(),
      }),
      node("n2", 1000),
    ],
    wants: [want("a", 1, { maxInstances: 1 })],
    first: { n1: {}, n2: {} },
  },
  {
    name: "drains nothing that has no other place, and says why",
    nodes: [node("n1", 1000, [instance("a")], { state: "draining" }), node("n2", 99)],
    wants: [want("a", 1)],
    first: { n1: { a: 1 }, n2: {} },
    last: { n1: { a: 1 }, n2: {} },
    stuck: { n1: { a: "needs 100 MiB, largest free is 99 MiB" } },
  },
  {
    name: "replaces the instances of a node that is down and tells it nothing",
    nodes: [node("n1", 1000, [instance("a")], { state: "down" }), node("n2", 1000)],
    wants: [want("a", 1)],
    first: { n2: { a: 1 } },
  },
  {
    name: "keeps one of two when a lost node comes back",
    nodes: [node("n1", 1000, [instance("a", busy)]), node("n2", 1000, [instance("a")])],
    wants: [want("a", 1)],
    first: { n1: { a: 1 }, n2: {} },
  },
  {
    name: "tries another node when a start fails",
    nodes: [node("n1", 1000, [], { assigned: new Map([["a", 1]]), failing: new Set(["a"]) }), {
      ...node("n2", 500),
    }],
    wants: [want("a", 1)],
    first: { n1: {}, n2: { a: 1 } },
  },
  {
    name: "tries another node when a start fails at the maximum",
    nodes: [
      node("n1", 1000, [], { assigned: new Map([["a", 1]]), failing: new Set(["a"]) }),
      node("n2", 500),
    ],
    wants: [want("a", 1, { maxInstances: 1 })],
    first: { n1: {}, n2: { a: 1 } },
  },
  {
    name: "does not decide a move anew when another starts beside it",
    nodes: [
      node("n1", 200, [instance("a", { status: "starting" })]),
      node("n2", 500, [instance("a")]),
    ],
    wants: [
      want("a", 1, { maxInstances: 1 }),
      want("b", 1),
      want("c", 1, { ...cold, reserveMemoryMiB: 500 }),
    ],
    first: { n1: { a: 1, b: 1 }, n2: { a: 1 } },
    last: { n1: { a: 1, b: 1 }, n2: { c: 1 } },
  },
  {
    name: "goes where there is room now while it waits for room elsewhere",
    nodes: [
      node("n1", 200, [instance("x", { status: "stopping", reserveMemoryMiB: 200 })], {
        assigned: new Map(),
        settled: new Map([["a", 1]]),
      }),
      node("n2", 100),
    ],
    wants: [want("a", 1, cold)],
    first: { n1: {}, n2: { a: 1 } },
  },
  {
    name: "does not wait on a node that takes nothing any more",
    nodes: [
      node("n1", 200, [instance("x", { status: "stopping", reserveMemoryMiB: 200 })], {
        state: "cordoned",
        assigned: new Map(),
        settled: new Map([["a", 1]]),
      }),
    ],
    wants: [want("a", 1, cold)],
    first: { n1: {} },
    refused: { a: "no node takes instances" },
  },
  {
    name: "lets what leaves make room for a first instance, and pushes nobody out",
    nodes: [
      node("n1", 200, [instance("a", busy)], { labels: { zone: "b" } }),
      node("n2", 100, [], { labels: { zone: "a" } }),
    ],
    wants: [
      want("a", 1, { constraints: constraints("zone=a") }),
      want("b", 1, { ...cold, reserveMemoryMiB: 200 }),
    ],
    first: { n1: { a: 1 }, n2: { a: 1 } },
    last: { n1: { b: 1 }, n2: { a: 1 } },
  },
  {
    name: "stays where it is when it starts nowhere",
    nodes: [
      node("n1", 1000, [], { assigned: new Map([["a", 1]]), failing: new Set(["a"]) }),
      node("n2", 1000, [], { failing: new Set(["a"]) }),
    ],
    wants: [want("a", 1)],
    first: { n1: { a: 1 }, n2: {} },
  },
  {
    name: "moves what no longer fits after its reservation grew",
    nodes: [
      node("n1", 1000, [instance("a", busy), instance("b", busy)]),
      node("n2", 1000, [instance("c", busy)]),
    ],
    wants: [want("a", 1, { reserveMemoryMiB: 600 }), want("b", 1, { reserveMemoryMiB: 600 }), {
      ...want("c", 1),
    }],
    first: { n1: { a: 1, b: 1 }, n2: { a: 1, c: 1 } },
    last: { n1: { b: 1 }, n2: { a: 1, c: 1 } },
  },
];

for (const { name, nodes, wants, first, last, refused = {}, stuck = {} } of cases) {
  Deno.test(`place() ${name}`, () => {
    const plan = place(nodes, wants);
    if (first) assert.deepEqual(targetsOf(plan), first, "first plan");
    assert.deepEqual(Object.fromEntries(plan.refused), refused);
    assert.deepEqual(
      Object.fromEntries([...plan.stuck].map(([id, why]) => [id, Object.fromEntries(why)])),
      stuck,
    );
    if (last) assert.deepEqual(targetsOf(settled(nodes, wants).plan), last, "last plan");
  });
}

const c2 = instance("c2", { reserveMemoryMiB: 300, ...busy });
const used: { name: string; on: NodeOption; want: number }[] = [
  { name: "nothing on an empty node (T-27)", on: node("n1", 1000), want: 0 },
  { name: "what runs (T-27)", on: node("n1", 1000, [instance("c1", busy)]), want: 100 },
  { name: "each of several (T-27)", on: node("n1", 1000, [instance("c1"), c2]), want: 400 },
  {
    name: "what it was told and has not started (T-28)",
    on: node("n1", 1000, [instance("c1", busy)], { assigned: new Map([["c1", 3]]) }),
    want: 300,
  },
  {
    name: "what it was told of another component (T-28)",
    on: node("n1", 1000, [instance("c1", busy)], { assigned: new Map([["c1", 2], ["c2", 1]]) }),
    want: 500,
  },
  {
    name: "what it was told to stop, until that is gone",
    on: node("n1", 1000, [instance("c1", busy), c2], { assigned: new Map([["c1", 1]]) }),
    want: 400,
  },
];

for (const { name, on, want: wanted } of used) {
  Deno.test(`place() takes memory for ${name}`, () => {
    const count = (component: string) =>
      on.assigned?.get(component) ??
        on.instances.filter((one) => one.component === component).length;
    const { refused } = place([on], [
      want("c1", count("c1")),
      want("c2", count("c2"), { reserveMemoryMiB: 300 }),
      want("big", 1, { reserveMemoryMiB: 2000 }),
    ]);
    assert.equal(refused.get("big"), `needs 2000 MiB, largest free is ${1000 - wanted} MiB`);
  });
}

Deno.test("place() has at most ten serving instances on the move", () => {
  const many = Array.from({ length: 40 }, (_, i) => `c${String(i).padStart(2, "0")}`);
  const nodes = [
    node("n1", 4000, many.map((name) => instance(name, busy)), { state: "draining" }),
    node("n2", 4000),
  ];
  const wants = many.map((name) => want(name, 1));
  let plans = 0;
  const { plan } = settled(nodes, wants, (before, { moves, targets }) => {
    plans += 1;
    assert.ok(moves.length <= 10, `${moves.length} moves`);
    for (const { component } of before[0]!.instances) {
      const count = (id: string) => targets.get(id)!.get(component) ?? 0;
      assert.ok(count("n1") + count("n2") >= 1, `nothing left of ${component}`);
    }
  });
  assert.equal(plan.targets.get("n1")!.size, 0);
  assert.equal(plan.targets.get("n2")!.size, 40);
  assert.ok(plans < 10, `${plans} plans`);
});

Deno.test("place() tells what moves, whence, whither and why", () => {
  const nodes = [node("n1", 1000, [instance("a")], { state: "draining" }), node("n2", 1000)];
  const expected = { component: "a", from: "n1", to: "n2", reason: "node drains" };
  assert.deepEqual(place(nodes, [want("a", 1)]).moves, [expected]);
});

Deno.test("place() gives counts without what leaves", () => {
  const nodes = [node("n1", 1000, [instance("a")], { state: "draining" }), node("n2", 1000)];
  assert.deepEqual([...place(nodes, [want("a", 1)]).counts], [["a", 1]]);
});

const old = instance("a");
const fresh = instance("a", { version: 2 });
const rolls: { name: string; nodes: NodeOption[]; want?: Partial<Want>; may: string[] }[] = [
  {
    name: "one node when one may be missing",
    nodes: [node("n1", 900, [old]), node("n2", 900, [old]), node("n3", 900, [old])],
    may: ["n1"],
  },
  {
    name: "two nodes when two may be missing",
    nodes: [node("n1", 900, [old]), node("n2", 900, [old]), node("n3", 900, [old])],
    want: { maxUnavailable: 2 },
    may: ["n1", "n2"],
  },
  {
    name: "all nodes when the new version starts first",
    nodes: [node("n1", 900, [old]), node("n2", 900, [old]), node("n3", 900, [old])],
    want: { restartOrder: "startstop" },
    may: ["n1", "n2", "n3"],
  },
  {
    name: "the node that has begun",
    nodes: [node("n1", 900, [old]), node("n2", 900, [old, fresh]), node("n3", 900, [fresh])],
    may: ["n2"],
  },
  {
    name: "nobody while another is missing",
    nodes: [
      node("n1", 900, [old]),
      node("n2", 900, [instance("a", { version: 2, status: "starting" })]),
    ],
    may: [],
  },
  {
    name: "every node on which nothing serves",
    nodes: ["n1", "n2"].map((id) => node(id, 900, [instance("a", { status: "starting" })])),
    may: ["n1", "n2"],
  },
];

for (const { name, nodes, want: parts, may } of rolls) {
  Deno.test(`place() lets ${name} roll`, () => {
    const count = nodes.reduce((sum, { instances }) => sum + instances.length, 0);
    const { rolling } = place(nodes, [want("a", count, { version: 2, ...parts })]);
    assert.deepEqual(rolling.get("a"), may);
  });
}
