/** Loads over time: how many requests a component has at once, by second. @module */
import type { Random } from "./random.ts";

/** Requests at once in a second. */
export type LoadShape = (second: number) => number;

/** A load of one of four shapes: constant, steps, bursts, or a day that passes in an hour. */
export function anyLoad(random: Random): LoadShape {
  const level = random.pick([0, 1, 3, 10, 40]);
  const shape = random.pick(["constant", "steps", "bursts", "diurnal"]);
  const seed = random.between(0, 2 ** 31);
  if (shape === "constant") return () => level;
  if (shape === "steps") return (second) => hash(seed, Math.floor(second / 300)) % (2 * level + 1);
  if (shape === "bursts") {
    return (second) => hash(seed, Math.floor(second / 20)) % 15 === 0 ? 3 * level : 0;
  }
  return (second) => Math.max(0, Math.round(level * Math.sin(2 * Math.PI * second / 3600)));
}

function hash(seed: number, value: number): number {
  let t = Math.imul(seed ^ value, 0x45d9f3b);
  t = Math.imul(t ^ (t >>> 16), 0x45d9f3b);
  return (t ^ (t >>> 16)) >>> 0;
}
