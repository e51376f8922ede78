import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type NodeOption,
  place,
  type Placed,
  type Want,
} from "../../../daemon/scheduler/placement.ts";

function node(nodeId: string, totalMemoryMiB: number, ...placed: Placed[]): NodeOption {
  return { nodeId, totalMemoryMiB, placed };
}

function on(component: string, reserveMemoryMiB: number, parts: Partial<Placed> = {}): Placed {
  return { component, count: 1, reserveMemoryMiB, idle: 0, lastUseMs: 0, ...parts };
}

function want(component: string, count: number, parts: Partial<Want> = {}): Want {
  return {
    component,
    count,
    floor: 0,
    maxInstancesPerNode: Infinity,
    reserveMemoryMiB: 100,
    ...parts,
  };
}

function targets(nodes: NodeOption[], wants: Want[]) {
  const { targets, refused } = place(nodes, wants);
  const counts = [...targets].map(([nodeId, counts]) => [nodeId, Object.fromEntries(counts)]);
  return { ...Object.fromEntries(counts), refused: Object.fromEntries(refused) };
}

const cases: { name: string; nodes: NodeOption[]; wants: Want[]; want: object }[] = [
  {
    name: "puts one on the only node, filling it whole",
    nodes: [node("n1", 100)],
    wants: [want("a", 1)],
    want: { n1: { a: 1 }, refused: {} },
  },
  {
    name: "refuses what no node has room for, and says by how much",
    nodes: [node("n1", 99)],
    wants: [want("a", 1)],
    want: { n1: {}, refused: { a: "needs 100 MiB, largest free is 99 MiB" } },
  },
  {
    name: "spreads one component over nodes",
    nodes: [node("n1", 1000), node("n2", 900)],
    wants: [want("a", 2)],
    want: { n1: { a: 1 }, n2: { a: 1 }, refused: {} },
  },
  {
    name: "honours the maximum on one node",
    nodes: [node("n1", 1000)],
    wants: [want("a", 3, { maxInstancesPerNode: 2 })],
    want: { n1: { a: 2 }, refused: { a: "every node has its 2 instances" } },
  },
  {
    name: "keeps what runs where it runs",
    nodes: [node("n1", 1000, on("a", 100, { count: 2 })), node("n2", 1000)],
    wants: [want("a", 2)],
    want: { n1: { a: 2 }, n2: {}, refused: {} },
  },
  {
    name: "takes away what nobody wants",
    nodes: [node("n1", 1000, on("a", 100), on("b", 100))],
    wants: [want("b", 1)],
    want: { n1: { a: 0, b: 1 }, refused: {} },
  },
  {
    name: "takes one less from the node that has most",
    nodes: [node("n1", 1000, on("a", 100)), node("n2", 1000, on("a", 100, { count: 2 }))],
    wants: [want("a", 2)],
    want: { n1: { a: 1 }, n2: { a: 1 }, refused: {} },
  },
  {
    name: "pushes out the idle one that was unused longest",
    nodes: [
      node(
        "n1",
        200,
        on("old", 100, { idle: 1, lastUseMs: 1 }),
        on("new", 100, { idle: 1, lastUseMs: 2 }),
      ),
    ],
    wants: [want("old", 1), want("new", 1), want("a", 1)],
    want: { n1: { old: 0, new: 1, a: 1 }, refused: {} },
  },
  {
    name: "pushes nobody out who works",
    nodes: [node("n1", 100, on("busy", 100))],
    wants: [want("busy", 1), want("a", 1)],
    want: { n1: { busy: 1 }, refused: { a: "needs 100 MiB, largest free is 0 MiB" } },
  },
  {
    name: "pushes nobody below its floor",
    nodes: [node("n1", 100, on("kept", 100, { idle: 1 }))],
    wants: [want("kept", 1, { floor: 1 }), want("a", 1)],
    want: { n1: { kept: 1 }, refused: { a: "needs 100 MiB, largest free is 0 MiB" } },
  },
];

for (const { name, nodes, wants, want } of cases) {
  Deno.test(`place() ${name}`, () => assert.deepEqual(targets(nodes, wants), want));
}

const names = ["a", "b", "c", "d"];
const worlds = fc.record({
  nodes: fc.array(
    fc.record({
      totalMemoryMiB: fc.nat(2000),
      placed: fc.uniqueArray(
        fc.record({
          component: fc.constantFrom(...names),
          count: fc.nat(3),
          reserveMemoryMiB: fc.constantFrom(64, 128, 500),
          idle: fc.nat(3),
          lastUseMs: fc.nat(9),
        }).map((slot) => ({ ...slot, idle: Math.min(slot.idle, slot.count) })),
        { selector: ({ component }) => component, maxLength: 4 },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ).map((nodes) => nodes.map((node, i) => ({ nodeId: `n${i}`, ...node }))),
  wants: fc.uniqueArray(
    fc.record({
      component: fc.constantFrom(...names),
      count: fc.nat(8),
      floor: fc.nat(2),
      maxInstancesPerNode: fc.constantFrom(1, 2, Infinity),
      reserveMemoryMiB: fc.constantFrom(64, 128, 500),
    }),
    { selector: ({ component }) => component },
  ),
});

Deno.test("place() never fills a node beyond its memory or a component beyond its wish", () => {
  fc.assert(fc.property(worlds, ({ nodes, wants }) => {
    const before = structuredClone(nodes);
    const { targets } = place(nodes, wants);
    assert.deepEqual(nodes, before, "input edited");
    for (const { nodeId, totalMemoryMiB, placed } of nodes) {
      const reserve = new Map([
        ...placed.map((slot) => [slot.component, slot.reserveMemoryMiB] as const),
        ...wants.map((want) => [want.component, want.reserveMemoryMiB] as const),
      ]);
      const used = [...targets.get(nodeId)!].reduce(
        (sum, [component, count]) => sum + count * reserve.get(component)!,
        0,
      );
      const before = placed.reduce(
        (sum, slot) => sum + slot.count * reserve.get(slot.component)!,
        0,
      );
      assert.ok(used <= Math.max(totalMemoryMiB, before), `${used} on ${nodeId}`);
    }
    for (const component of names) {
      const total = [...targets.values()].reduce((n, node) => n + (node.get(component) ?? 0), 0);
      assert.ok(total <= (wants.find((want) => want.component === component)?.count ?? 0));
    }
  }));
});

Deno.test("place() changes nothing when its own result is placed again", () => {
  fc.assert(fc.property(worlds, ({ nodes, wants }) => {
    const first = place(nodes, wants);
    const settled = nodes.map((node) => ({
      ...node,
      placed: [...first.targets.get(node.nodeId)!].map(([component, count]) => ({
        component,
        count,
        reserveMemoryMiB: node.placed.find((slot) => slot.component === component)
          ?.reserveMemoryMiB ?? wants.find((want) => want.component === component)!
          .reserveMemoryMiB,
        idle: 0,
        lastUseMs: 0,
      })),
    }));
    assert.deepEqual(place(settled, wants).targets, first.targets);
  }));
});
