/**
 * How long plans of a large cluster take: `deno run -A tests/simulation/planning_speed.ts`.
 * Prints milliseconds; nothing is asserted, as it depends on the machine.
 * @module
 */
import { type NodeOption, place, type Want } from "../../daemon/scheduler/placement.ts";
import { node, obeyed, want } from "../daemon/scheduler/world.ts";

const NODES = 1000;
const COMPONENTS = 2000;
const INSTANCES = 20_000;
const ROUNDS = 5;

const nodes = Array.from({ length: NODES }, (_, i) => node(`n${i}`, 8192));
const wants = Array.from(
  { length: COMPONENTS },
  (_, i) => want(`c${i}`, INSTANCES / COMPONENTS, { reserveMemoryMiB: 64 + 64 * (i % 8) }),
);

/** Median time of a plan, in milliseconds, with how many it places. */
function time(name: string, nodes: readonly NodeOption[], wants: readonly Want[]): void {
  const times: number[] = [];
  let placed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const { counts } = place(nodes, wants);
    times.push(performance.now() - start);
    placed = [...counts.values()].reduce((sum, count) => sum + count, 0);
  }
  const median = times.sort((a, b) => a - b)[ROUNDS >> 1]!;
  console.log(`${name.padEnd(50)} ${placed} instances ${median.toFixed(0).padStart(6)} ms`);
}

time("everything for the first time", nodes, wants);
const running = obeyed(nodes, place(nodes, wants), wants);
time("nothing to do", running, wants);
time("a tenth of the nodes lost", running.slice(NODES / 10), wants);
time("ten empty nodes more", [...running, ...nodes.slice(0, 10).map(renamed)], wants);
time("a hundred nodes drain", running.map(draining), wants);
time("every component one less", running, wants.map((one) => ({ ...one, count: one.count - 1 })));
const tight = running.map((one) => ({ ...one, totalMemoryMiB: 6144 }));
time("memory for nobody", tight, wants.map((one) => ({ ...one, count: one.count + 5 })));
const cold = Array.from({ length: 200 }, (_, i) => want(`new${i}`, 1, { floor: 1 }));
const full = running.map((one) => ({
  ...one,
  totalMemoryMiB: one.instances.reduce((sum, { reserveMemoryMiB }) => sum + reserveMemoryMiB, 0),
}));
time("200 first instances push idle ones out", full, [...wants, ...cold]);
const busy = full.map((one) => ({
  ...one,
  instances: one.instances.map((each) => ({ ...each, inFlight: 1 })),
}));
time("200 first instances find nobody idle", busy, [...wants, ...cold]);

function renamed(one: NodeOption): NodeOption {
  return { ...one, nodeId: `new-${one.nodeId}` };
}

function draining(one: NodeOption, i: number): NodeOption {
  return i % 10 === 0 ? { ...one, state: "draining" } : one;
}
