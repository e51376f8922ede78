/**
 * Where instances go. Pure: nodes with what they run and what is wanted in, targets and refusals
 * out. The inputs are left unedited.
 *
 * Order of preference for one more instance: fewest of the component on the node, then most free
 * memory, then node id. If no node has room, idle instances of others make room, the longest unused
 * first, never below their component's floor.
 * @module
 */

/** A component on a node. */
export interface Placed {
  readonly component: string;
  readonly count: number;
  /** Memory one instance sets aside, in MiB. */
  readonly reserveMemoryMiB: number;
  /** Instances without a request in progress; they may make room for others. */
  readonly idle: number;
  /** Latest use of any of them, in milliseconds since 1970. */
  readonly lastUseMs: number;
}

/** A node that may run instances. */
export interface NodeOption {
  readonly nodeId: string;
  /** Memory offered to instances, in MiB. */
  readonly totalMemoryMiB: number;
  readonly placed: readonly Placed[];
}

/** How many instances of a component the cluster should run. */
export interface Want {
  readonly component: string;
  readonly count: number;
  /** Count below which it may not be pushed to make room. */
  readonly floor: number;
  readonly maxInstancesPerNode: number;
  readonly reserveMemoryMiB: number;
}

/** Count by component by node id; and who could not be placed, with the reason. */
export interface Placement {
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly refused: ReadonlyMap<string, string>;
}

interface Slot {
  count: number;
  idle: number;
  readonly reserveMemoryMiB: number;
  readonly lastUseMs: number;
}

interface Draft {
  readonly nodeId: string;
  readonly totalMemoryMiB: number;
  freeMemoryMiB: number;
  readonly slots: Map<string, Slot>;
}

/** Targets for every node, so that each component has its wanted count if there is room. */
export function place(nodes: readonly NodeOption[], wants: readonly Want[]): Placement {
  const refused = new Map<string, string>();
  const wanted = new Map(wants.map((want) => [want.component, want]));
  const drafts = nodes.map((node) => draftOf(node, wanted));
  for (const component of componentsOn(drafts)) {
    while (countOf(drafts, component) > (wanted.get(component)?.count ?? 0)) {
      removeOne(drafts, component);
    }
  }
  for (const want of wants) {
    while (countOf(drafts, want.component) < want.count) {
      const draft = roomFor(drafts, want) ?? makeRoom(drafts, want, wanted);
      if (!draft) {
        refused.set(want.component, refusal(drafts, want));
        break;
      }
      add(draft, want);
    }
  }
  // Who was pushed out may still find a place elsewhere.
  for (const want of wants) {
    while (countOf(drafts, want.component) < want.count) {
      const draft = roomFor(drafts, want);
      if (!draft) break;
      add(draft, want);
    }
  }
  return { targets: new Map(drafts.map((draft) => [draft.nodeId, countsOf(draft)])), refused };
}

/** An instance of an earlier version counts with what its replacement will set aside. */
function draftOf(
  { nodeId, totalMemoryMiB, placed }: NodeOption,
  wanted: ReadonlyMap<string, Want>,
): Draft {
  let freeMemoryMiB = totalMemoryMiB;
  const slots = new Map<string, Slot>();
  for (const { component, ...slot } of placed) {
    const reserveMemoryMiB = wanted.get(component)?.reserveMemoryMiB ?? slot.reserveMemoryMiB;
    slots.set(component, { ...slot, reserveMemoryMiB });
    freeMemoryMiB -= slot.count * reserveMemoryMiB;
  }
  return { nodeId, totalMemoryMiB, freeMemoryMiB, slots };
}

function componentsOn(drafts: readonly Draft[]): Set<string> {
  return new Set(drafts.flatMap((draft) => [...draft.slots.keys()]).sort());
}

function countOn(draft: Draft, component: string): number {
  return draft.slots.get(component)?.count ?? 0;
}

function countOf(drafts: readonly Draft[], component: string): number {
  return drafts.reduce((sum, draft) => sum + countOn(draft, component), 0);
}

function countsOf(draft: Draft): Map<string, number> {
  return new Map([...draft.slots].map(([component, { count }]) => [component, count]));
}

function add(draft: Draft, { component, reserveMemoryMiB }: Want): void {
  const slot = draft.slots.get(component);
  if (slot) slot.count += 1;
  else draft.slots.set(component, { count: 1, idle: 0, reserveMemoryMiB, lastUseMs: Infinity });
  draft.freeMemoryMiB -= reserveMemoryMiB;
}

function removeFrom(draft: Draft, component: string): void {
  const slot = draft.slots.get(component)!;
  slot.count -= 1;
  slot.idle = Math.max(0, slot.idle - 1);
  draft.freeMemoryMiB += slot.reserveMemoryMiB;
}

/** Takes one instance from the node that has most of the component; the fullest of equals. */
function removeOne(drafts: readonly Draft[], component: string): void {
  const [draft] = drafts.filter((draft) => countOn(draft, component) > 0).sort((a, b) =>
    countOn(b, component) - countOn(a, component) || a.freeMemoryMiB - b.freeMemoryMiB ||
    compare(a.nodeId, b.nodeId)
  );
  removeFrom(draft!, component);
}

function roomFor(drafts: readonly Draft[], want: Want): Draft | undefined {
  const { component, maxInstancesPerNode, reserveMemoryMiB } = want;
  return drafts.filter((draft) =>
    countOn(draft, component) < maxInstancesPerNode && draft.freeMemoryMiB >= reserveMemoryMiB
  ).sort((a, b) =>
    countOn(a, component) - countOn(b, component) || b.freeMemoryMiB - a.freeMemoryMiB ||
    compare(a.nodeId, b.nodeId)
  )[0];
}

/** Pushes idle instances of others off one node, the node that needs to lose fewest. */
function makeRoom(
  drafts: readonly Draft[],
  want: Want,
  wanted: ReadonlyMap<string, Want>,
): Draft | undefined {
  const options = drafts.filter((draft) =>
    countOn(draft, want.component) < want.maxInstancesPerNode &&
    draft.totalMemoryMiB >= want.reserveMemoryMiB
  ).flatMap((draft) => {
    const victims = victimsOn(draft, drafts, want, wanted);
    return victims ? [{ draft, victims }] : [];
  });
  options.sort((a, b) => a.victims.length - b.victims.length);
  const best = options[0];
  for (const victim of best?.victims ?? []) removeFrom(best!.draft, victim);
  return best?.draft;
}

function victimsOn(
  draft: Draft,
  drafts: readonly Draft[],
  want: Want,
  wanted: ReadonlyMap<string, Want>,
): string[] | undefined {
  const victims: string[] = [];
  let free = draft.freeMemoryMiB;
  const candidates = [...draft.slots].filter(([component]) => component !== want.component)
    .sort(([a, x], [b, y]) => x.lastUseMs - y.lastUseMs || compare(a, b));
  for (const [component, slot] of candidates) {
    const spare = countOf(drafts, component) - (wanted.get(component)?.floor ?? 0);
    for (let n = Math.min(slot.idle, slot.count, spare); n > 0; n--) {
      if (free >= want.reserveMemoryMiB) return victims;
      victims.push(component);
      free += slot.reserveMemoryMiB;
    }
  }
  return free >= want.reserveMemoryMiB ? victims : undefined;
}

function refusal(drafts: readonly Draft[], want: Want): string {
  const { component, maxInstancesPerNode, reserveMemoryMiB } = want;
  if (drafts.every((draft) => countOn(draft, component) >= maxInstancesPerNode)) {
    return `every node has its ${maxInstancesPerNode} instances`;
  }
  const free = Math.max(0, ...drafts.map((draft) => draft.freeMemoryMiB));
  return `needs ${reserveMemoryMiB} MiB, largest free is ${free} MiB`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
