/** Which faults come when: drawn from a seed, so that a run can be repeated. Pure. @module */
import { Random } from "../simulation/random.ts";

/** Time between two faults, in milliseconds. */
const PAUSE_MS = { min: 1000, max: 5000 };
/** Share of the faults that meet the owner of placement, or nothing would be handed over for long. */
const OWNER_SHARE = 0.4;
const KINDS = ["kill", "freeze", "cut", "part", "restart"] as const;

/**
 * `kill`: the daemon ends and is started again; `freeze`: it stands still; `cut`: it hears nothing
 * of the database; `part`: it and `other` hear nothing of each other; `restart`: the database is
 * away.
 */
export interface Fault {
  readonly kind: typeof KINDS[number];
  readonly atMs: number;
  readonly lastsMs: number;
  /** Index of a node; meaningless for `restart`. */
  readonly node: number;
  /** True: not that node, but whoever owns placement then. */
  readonly isOwner: boolean;
  /** Index of another node, for `part`. */
  readonly other: number;
}

/** How long each kind lasts: shorter and longer than what the cluster waits for. */
const LASTS_MS: Readonly<Record<Fault["kind"], { min: number; max: number }>> = {
  kill: { min: 0, max: 8000 },
  freeze: { min: 200, max: 12_000 },
  cut: { min: 200, max: 12_000 },
  part: { min: 200, max: 8000 },
  restart: { min: 0, max: 6000 },
};

/** The faults of a run of `durationMs`; several may last at the same time. */
export function planFaults(seed: number, durationMs: number, nodes: number): Fault[] {
  const random = new Random(seed);
  const faults: Fault[] = [];
  for (let atMs = 0;;) {
    atMs += random.between(PAUSE_MS.min, PAUSE_MS.max);
    const kind = random.pick(KINDS);
    const lastsMs = random.between(LASTS_MS[kind].min, LASTS_MS[kind].max);
    if (atMs + lastsMs > durationMs) return faults;
    const node = random.between(0, nodes - 1);
    const other = (node + random.between(1, nodes - 1)) % nodes;
    faults.push({ kind, atMs, lastsMs, node, other, isOwner: random.chance(OWNER_SHARE) });
  }
}
