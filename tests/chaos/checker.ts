/**
 * Judges what a cluster did: a history and how things stood at its end go in, sentences about all
 * that must not be come out. Pure, and knows nothing of how the history was made.
 * @module
 */
import type { Entry } from "./history.ts";

/** How long an owner that can run may go on after another was let in, in milliseconds. */
const OVERLAP_MS = 2000;

/** How things stood at the end, when nothing was broken any more. */
export interface Outcome {
  /** Nodes that say they own placement. */
  readonly owners: readonly string[];
  /** Containers of the cluster that the engine lists. */
  readonly containers: readonly { readonly name: string; readonly node: string }[];
  /** Instances that each node reports as its own. */
  readonly instances: readonly ReportedInstance[];
  /** How many instances of each component should serve. */
  readonly wants: readonly {
    readonly component: string;
    readonly min: number;
    readonly max: number;
  }[];
}

/** A stretch of time, in milliseconds since 1970. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One instance as its node reports it. */
export interface ReportedInstance {
  readonly name: string;
  readonly node: string;
  readonly component: string;
  readonly isActive: boolean;
}

/** One node's time as the owner of a role under one epoch. */
export interface Ownership {
  readonly node: string;
  readonly role: string;
  readonly epoch: number;
  readonly fromMs: number;
  /** Infinity when it owns it still. */
  readonly toMs: number;
}

/** Everything in `history` that must not be. */
export function historyViolations(history: readonly Entry[]): string[] {
  const ownerships = ownershipsOf(history);
  return [
    ...sharedEpochs(ownerships),
    ...fallingEpochs(ownerships),
    ...overlaps(ownerships, history),
    ...strayTargets(history, ownerships),
    ...overtakenTargets(history),
    ...staleWrites(history, ownerships),
  ];
}

/** Everything in `outcome` that must not be. */
export function outcomeViolations({ owners, containers, instances, wants }: Outcome): string[] {
  const keyOf = ({ node, name }: { node: string; name: string }) => `${name} of ${node}`;
  const reported = new Set(instances.map(keyOf));
  const listed = new Set(containers.map(keyOf));
  const active = Map.groupBy(
    instances.filter(({ isActive }) => isActive),
    ({ component }) => component,
  );
  return [
    ...(owners.length === 1 ? [] : [`placement is owned by ${owners.join(" and ") || "nobody"}`]),
    ...[...listed].filter((key) => !reported.has(key))
      .map((key) => `container ${key} has nobody who knows it`),
    ...[...reported].filter((key) => !listed.has(key))
      .map((key) => `instance ${key} is reported, but the engine does not have it`),
    ...wants.flatMap(({ component, min, max }) => {
      const count = active.get(component)?.length ?? 0;
      return count < min || count > max
        ? [`${component} has ${count} instances, wanted are ${min} to ${max}`]
        : [];
    }),
  ];
}

/** Who owned what, and from when to when, in the order in which they began. */
export function ownershipsOf(history: readonly Entry[]): Ownership[] {
  const ownerships: Ownership[] = [];
  const open = new Map<string, number>();
  for (const entry of history) {
    const { node, atMs } = entry;
    if (entry.kind === "won") {
      const { role, epoch } = entry;
      open.set(`${node} ${role}`, ownerships.length);
      ownerships.push({ node, role, epoch, fromMs: atMs, toMs: Infinity });
    }
    if (entry.kind !== "lost" && entry.kind !== "ended" && entry.kind !== "started") continue;
    for (const [key, at] of open) {
      const isMeant = entry.kind === "lost"
        ? key === `${node} ${entry.role}`
        : key.startsWith(`${node} `);
      if (!isMeant) continue;
      ownerships[at] = { ...ownerships[at]!, toMs: atMs };
      open.delete(key);
    }
  }
  return ownerships;
}

function sharedEpochs(ownerships: readonly Ownership[]): string[] {
  const owners = Map.groupBy(ownerships, ({ role, epoch }) => `epoch ${epoch} of ${role}`);
  return [...owners].filter(([, list]) => list.length > 1)
    .map(([epoch, list]) => `${epoch} was won by ${list.map(({ node }) => node).join(" and ")}`);
}

/** Between nodes only what they do under their epochs counts: a word may be late. */
function fallingEpochs(ownerships: readonly Ownership[]): string[] {
  const newest = new Map<string, number>();
  return ownerships.flatMap(({ node, role, epoch }) => {
    const key = `${node} ${role}`;
    const before = newest.get(key) ?? 0;
    newest.set(key, epoch);
    return epoch < before ? [`${node} won ${role} in epoch ${epoch} after ${before}`] : [];
  });
}

/** An owner that was replaced knows it soon, unless it stands still. */
function overlaps(ownerships: readonly Ownership[], history: readonly Entry[]): string[] {
  return ownerships.flatMap((one) => {
    const next = successorOf(one, ownerships);
    if (!next) return [];
    const beyond = { fromMs: Math.max(one.fromMs, next.fromMs), toMs: one.toMs };
    if (runningMs(beyond, one.node, history) <= OVERLAP_MS) return [];
    const beside = `beside ${next.node} in ${next.epoch}`;
    return [`${one.node} went on as owner of ${one.role} in epoch ${one.epoch} ${beside}`];
  });
}

/** The first who owned the same role in a later epoch. */
function successorOf(
  { role, epoch }: Ownership,
  ownerships: readonly Ownership[],
): Ownership | undefined {
  return ownerships.find((other) => other.role === role && other.epoch > epoch);
}

/** The parts of `whole` in which `node` did not stand still. */
export function runningParts(
  whole: Stretch,
  node: string,
  history: readonly Entry[],
): Stretch[] {
  const parts: Stretch[] = [];
  let fromMs: number | undefined = whole.fromMs;
  for (const entry of history) {
    if (entry.node !== node || entry.atMs >= whole.toMs) continue;
    if (entry.kind === "frozen") {
      if (fromMs !== undefined && entry.atMs > fromMs) parts.push({ fromMs, toMs: entry.atMs });
      fromMs = undefined;
    }
    if (entry.kind === "thawed") fromMs = Math.max(whole.fromMs, entry.atMs);
  }
  if (fromMs !== undefined && fromMs < whole.toMs) parts.push({ fromMs, toMs: whole.toMs });
  return parts;
}

function runningMs(whole: Stretch, node: string, history: readonly Entry[]): number {
  return runningParts(whole, node, history)
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

function strayTargets(history: readonly Entry[], ownerships: readonly Ownership[]): string[] {
  const won = new Set(
    ownerships.filter(({ role }) => role === "placement").map(({ epoch }) => epoch),
  );
  return history.flatMap((entry) =>
    entry.kind === "took" && !won.has(entry.epoch)
      ? [`${entry.node} took targets of epoch ${entry.epoch}, which nobody won`]
      : []
  );
}

/** Epochs hold across restarts of a node; the numbers of one epoch only while it runs. */
function overtakenTargets(history: readonly Entry[]): string[] {
  const newest = new Map<string, { epoch: number; number: number }>();
  return history.flatMap((entry) => {
    const { node } = entry;
    const before = newest.get(node) ?? { epoch: 0, number: 0 };
    if (entry.kind === "started") newest.set(node, { ...before, number: 0 });
    if (entry.kind !== "took") return [];
    const { epoch, number } = entry;
    if (epoch < before.epoch) {
      return [`${node} took targets of epoch ${epoch} after those of ${before.epoch}`];
    }
    newest.set(node, { epoch, number });
    if (epoch > before.epoch || number >= before.number) return [];
    return [`${node} took order ${number} of epoch ${epoch} after order ${before.number}`];
  });
}

/** A write is told after its commit, so somebody else may have won in between. */
function staleWrites(history: readonly Entry[], ownerships: readonly Ownership[]): string[] {
  return history.flatMap((entry) => {
    if (entry.kind !== "wrote") return [];
    const { node, role, epoch, atMs } = entry;
    const own = ownerships.find((one) =>
      one.node === node && one.role === role && one.epoch === epoch
    );
    if (!own) return [`${node} wrote as owner of ${role} in epoch ${epoch}, which it never won`];
    const next = successorOf(own, ownerships);
    const beyond = { fromMs: next?.fromMs ?? atMs, toMs: atMs };
    return next && runningMs(beyond, node, history) > OVERLAP_MS
      ? [`${node} wrote as owner of ${role} in epoch ${epoch} after ${next.node} won ${next.epoch}`]
      : [];
  });
}
