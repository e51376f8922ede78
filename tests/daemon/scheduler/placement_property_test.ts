import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type NodeOption,
  place,
  type PlacedInstance,
  type Placement,
  type Want,
} from "../../../daemon/scheduler/placement.ts";
import { meets, parseConstraint } from "../../../lib/contract/constraint.ts";
import { memoryOf, present } from "../../simulation/invariants.ts";
import { instance, node, obeyed, settled, sorted, targetsOf, told, want } from "./world.ts";

/** `PROPERTY_RUNS=30000 deno test …` looks at length. */
const RUNS = { numRuns: Number(Deno.env.get("PROPERTY_RUNS") ?? 1000) };
const names = ["a", "b", "c", "d"];
const memory = fc.constantFrom(64, 128, 500);

const anyInstance: fc.Arbitrary<PlacedInstance> = fc.record({
  component: fc.constantFrom(...names, "unwanted"),
  version: fc.constantFrom(1, 2),
  status: fc.constantFrom("starting", "active", "active", "active", "frozen", "stopping"),
  reserveMemoryMiB: memory,
  inFlight: fc.constantFrom(0, 0, 1, 5),
  lastUseMs: fc.nat(9),
});

const anyNodes: fc.Arbitrary<NodeOption[]> = fc.array(
  fc.record({
    state: fc.constantFrom("ready", "ready", "ready", "cordoned", "draining", "down"),
    labels: fc.constantFrom<Record<string, string>>({}, { zone: "x" }, { zone: "y" }),
    totalMemoryMiB: fc.nat(2000),
    instances: fc.array(anyInstance, { maxLength: 6 }),
    failing: fc.subarray(names).map((failing) => new Set(failing)),
  }),
  { minLength: 1, maxLength: 5 },
).map((nodes) => nodes.map((node, i) => ({ nodeId: `n${i}`, ...node })));

const anyWants: fc.Arbitrary<Want[]> = fc.uniqueArray(
  fc.record({
    component: fc.constantFrom(...names),
    version: fc.constant(2),
    count: fc.nat(8),
    floor: fc.nat(2),
    spare: fc.constantFrom(0, 0, 3, Infinity),
    maxInstancesPerNode: fc.constantFrom(1, 2, Infinity, Infinity),
    maxUnavailable: fc.constantFrom(1, 1, 2),
    restartOrder: fc.constantFrom("startstop", "stopstart"),
    constraints: fc.constantFrom([], [], ["zone=x"], ["zone!=x"]),
    reserveMemoryMiB: memory,
  }).map(({ spare, constraints, floor, ...rest }) => ({
    ...rest,
    floor: Math.min(floor, rest.count),
    maxInstances: Math.max(1, rest.count + spare),
    constraints: constraints.map((text) => parseConstraint(text)!),
  })),
  { selector: ({ component }) => component },
);

const worlds = fc.record({ nodes: anyNodes, wants: anyWants });

function countOf(plan: Placement, nodeId: string, component: string): number {
  return plan.targets.get(nodeId)?.get(component) ?? 0;
}

Deno.test("place() never fills a node beyond its memory (T-31)", () => {
  fc.assert(
    fc.property(worlds, ({ nodes, wants }) => {
      const plan = place(nodes, wants);
      for (const node of nodes) {
        const targets = plan.targets.get(node.nodeId) ?? new Map();
        const used = memoryOf(node, wants, targets);
        const before = memoryOf(node, wants, new Map());
        assert.ok(used <= Math.max(node.totalMemoryMiB, before), `${used} on ${node.nodeId}`);
      }
    }),
    RUNS,
  );
});

Deno.test("place() never goes over a maximum, of the cluster or a node", () => {
  fc.assert(
    fc.property(worlds, ({ nodes, wants }) => {
      const plan = place(nodes, wants);
      for (const { component, maxInstances, maxInstancesPerNode } of wants) {
        let planned = 0;
        let before = 0;
        for (const node of nodes) {
          const count = countOf(plan, node.nodeId, component);
          const here = present(node, component).length;
          assert.ok(count <= Math.max(here, maxInstancesPerNode), `${count} on ${node.nodeId}`);
          planned += count;
          if (node.state !== "down") before += here;
        }
        assert.ok(planned <= Math.max(maxInstances, before), `${planned} of ${component}`);
      }
    }),
    RUNS,
  );
});

Deno.test("place() gives nothing to a node that may not have it", () => {
  fc.assert(
    fc.property(worlds, ({ nodes, wants }) => {
      const plan = place(nodes, wants);
      for (const node of nodes) {
        assert.equal(plan.targets.has(node.nodeId), node.state !== "down");
        for (const [component, count] of plan.targets.get(node.nodeId) ?? []) {
          const { constraints } = wants.find((want) => want.component === component)!;
          if (node.state === "ready" && meets(node.labels, constraints)) continue;
          assert.ok(count <= present(node, component).length, `${component} on ${node.nodeId}`);
        }
      }
    }),
    RUNS,
  );
});

Deno.test("place() leaves its input as it is", () => {
  fc.assert(
    fc.property(worlds, ({ nodes, wants }) => {
      const before = structuredClone({ nodes, wants });
      place(nodes, wants);
      assert.deepEqual(structuredClone({ nodes, wants }), before);
    }),
    RUNS,
  );
});

Deno.test("place() gives the same plan whatever the order of nodes and instances", () => {
  fc.assert(
    fc.property(worlds, ({ nodes, wants }) => {
      const turned = nodes.toReversed().map((node) => ({
        ...node,
        instances: node.instances.toReversed(),
      }));
      assert.deepEqual(
        sorted(targetsOf(place(turned, wants))),
        sorted(targetsOf(place(nodes, wants))),
      );
    }),
    RUNS,
  );
});

Deno.test("place() changes nothing when it plans twice, whichever nodes have obeyed so far", () => {
  const obedience = fc.array(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(worlds, obedience, ({ nodes, wants }, rounds) => {
      let current = nodes;
      for (const obeys of [...rounds, []]) {
        const plan = place(current, wants);
        const again = place(told(current, plan), wants);
        assert.deepEqual(sorted(targetsOf(again)), sorted(targetsOf(plan)));
        assert.deepEqual(again.settled, plan.settled);
        const done = obeyed(current, plan, wants);
        current = told(current, plan).map((node, i) => obeys[i] ? done[i]! : node);
      }
    }),
    { numRuns: 3 * RUNS.numRuns },
  );
});

Deno.test("place() comes to rest", () => {
  fc.assert(fc.property(worlds, ({ nodes, wants }) => void settled(nodes, wants)), RUNS);
});

Deno.test("place() has no more missing than may be, whatever drains or moves", () => {
  fc.assert(
    fc.property(worlds, ({ nodes, wants }) => {
      settled(nodes, wants, (current, plan) => {
        for (const { component, count, floor, maxUnavailable } of wants) {
          let before = 0;
          let after = 0;
          let pushed = 0;
          for (const node of current) {
            if (node.state === "down") continue;
            const serving = present(node, component).filter((one) => one.status !== "starting");
            const target = countOf(plan, node.nodeId, component);
            before += Math.min(serving.length, node.assigned?.get(component) ?? Infinity);
            after += Math.min(serving.length, target);
            pushed += serving.filter(({ inFlight }) => inFlight === 0).length;
          }
          // Idle ones beyond the floor may be pushed aside by others.
          const owed = Math.min(count, before) - maxUnavailable;
          const pushable = Math.min(pushed, Math.max(0, owed - floor));
          assert.ok(after >= owed - pushable, `${after} of ${component}, ${owed} owed`);
        }
      });
    }),
    RUNS,
  );
});

Deno.test("place() empties a draining node when there is room elsewhere", () => {
  const drains = fc.record({
    here: fc.array(anyInstance, { maxLength: 8 }),
    others: fc.array(fc.array(anyInstance, { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    wants: anyWants,
  });
  fc.assert(
    fc.property(drains, ({ here, others, wants }) => {
      const roomy = wants.map((want) => ({
        ...want,
        constraints: [],
        maxInstancesPerNode: Infinity,
      }));
      const nodes = [
        node("n0", 4000, here, { state: "draining" }),
        ...others.map((instances, i) => node(`n${i + 1}`, 50_000, instances)),
      ];
      const { nodes: [drained], plan } = settled(nodes, roomy);
      assert.deepEqual(drained!.instances, []);
      for (const { component, count } of roomy) {
        assert.equal(plan.counts.get(component), count, component);
      }
    }),
    RUNS,
  );
});

Deno.test("place() always finds a node that has the memory (T-20)", () => {
  fc.assert(
    fc.property(anyNodes, fc.nat(1000), (nodes, needs) => {
      const world = [
        { ...nodes[0]!, state: "ready" as const, totalMemoryMiB: 2000, failing: new Set<string>() },
        ...nodes.slice(1),
      ].map((node) => ({
        ...node,
        instances: node.instances.map((one) => ({ ...one, inFlight: 0 })),
      }));
      const a = want("new", 1, { floor: 1, reserveMemoryMiB: needs });
      const { plan } = settled(world, [a]);
      assert.equal(plan.counts.get("new"), 1);
    }),
    RUNS,
  );
});

Deno.test("place() pushes nothing out while a node has the memory (T-21)", () => {
  fc.assert(
    fc.property(anyNodes, fc.boolean(), (nodes, empty) => {
      const others = nodes.map((node) => ({
        ...node,
        state: "ready" as const,
        totalMemoryMiB: 3000,
        instances: node.instances.filter(({ status }) => status !== "stopping"),
      }));
      const roomy = node("n9", 1050, empty ? [] : [instance("x", { reserveMemoryMiB: 10 })]);
      const world = [...others, roomy];
      const kept = ["x", "unwanted", ...names].map((component) => {
        const here = world.flatMap((node) => present(node, component));
        return want(component, here.length, { reserveMemoryMiB: 10 });
      });
      const plan = place(world, [
        ...kept,
        want("new", 1, { floor: 1, reserveMemoryMiB: 1000 }),
      ]);
      for (const { component, count } of kept) {
        assert.equal(plan.counts.get(component), count, component);
      }
      assert.equal(plan.counts.get("new"), 1);
    }),
    RUNS,
  );
});

Deno.test("place() leaves a component even over nodes with room (T-34)", () => {
  const sizes = fc.array(fc.integer({ min: 3000, max: 6000 }), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(4), { minLength: 5, maxLength: 5 }), (sizes, counts) => {
      const nodes = sizes.map((size, i) =>
        node(`n${i}`, size, Array.from({ length: counts[i]! }, () => instance("a")))
      );
      const total = nodes.reduce((sum, { instances }) => sum + instances.length, 0);
      const { plan } = settled(nodes, [want("a", total)]);
      const ends = nodes.map(({ nodeId }) => countOf(plan, nodeId, "a"));
      assert.ok(Math.max(...ends) - Math.min(...ends) <= 1, ends.join(" "));
    }),
    RUNS,
  );
});

Deno.test("place() leaves no node empty while another could give it one (T-36)", () => {
  fc.assert(
    fc.property(anyNodes, (nodes) => {
      const ready = nodes.map((node) => ({
        ...node,
        state: "ready" as const,
        failing: new Set<string>(),
      }));
      const wants = names.map((component) =>
        want(component, ready.flatMap((node) => present(node, component)).length, {
          reserveMemoryMiB: 64,
        })
      );
      const { nodes: last, plan } = settled(ready, wants);
      if (plan.refused.size > 0) return;
      for (const empty of last.filter(({ instances }) => instances.length === 0)) {
        const donors = last.filter(({ instances }) => instances.length > 1);
        assert.ok(donors.length === 0 || empty.totalMemoryMiB < 64, empty.nodeId);
      }
    }),
    RUNS,
  );
});
