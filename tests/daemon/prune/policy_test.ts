import assert from "node:assert/strict";
import fc from "fast-check";
import {
  planPrune,
  type PruneContainer,
  type PruneImage,
  type PrunePolicy,
  type PruneState,
} from "../../../daemon/prune/policy.ts";

const HOUR = 3600_000;
const NOW_MS = 1000 * HOUR;

/** An image whose id is made from `name`; old enough to go. */
function image(name: string, parts: Partial<PruneImage> = {}): PruneImage {
  return {
    id: idOf(name),
    tags: [name],
    digests: [],
    createdAtMs: NOW_MS - 100 * HOUR,
    sizeBytes: 10,
    ...parts,
  };
}

function idOf(name: string): string {
  const hex = Array.from(name, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return `sha256:${hex.slice(0, 64).padEnd(64, "0")}`;
}

function container(name: string, parts: Partial<PruneContainer> = {}): PruneContainer {
  return {
    id: `c-${name}`,
    name,
    imageId: idOf("another"),
    running: false,
    ours: true,
    known: false,
    ...parts,
  };
}

function state(parts: Partial<PruneState>): PruneState {
  return { images: [], containers: [], named: [], diskPct: 50, nowMs: NOW_MS, ...parts };
}

const POLICY: PrunePolicy = { images: true, keep: [], only: [], ageMs: HOUR, diskPct: 0 };

/** First names of the images, or names of the containers, that go. */
function gone(parts: Partial<PruneState>, policy: Partial<PrunePolicy> = {}): string[] {
  const { steps } = planPrune(state(parts), { ...POLICY, ...policy });
  return steps.map(({ names, id }) => names[0] ?? id);
}

const NAMED = [
  "mycorp/web:v1",
  "mycorp/accounting:v2",
  "mycorp/intranet:v2",
  "mycorp/hr",
  "mycorp/api",
];
const LOCAL = [
  "mycorp/web:v1",
  "mycorp/accounting:v2",
  "mycorp/intranet:v2",
  "mycorp/hr:latest",
  "mycorp/api:latest",
  "mycorp/accounting:v1",
  "mycorp/intranet:v1",
  "othercorp/api:latest",
  "redis:3.2",
];

Deno.test("planPrune() lets go what no component names", () => {
  const images = LOCAL.map((name) => image(name));
  assert.deepEqual(gone({ images, named: NAMED }), [
    "mycorp/accounting:v1",
    "mycorp/intranet:v1",
    "othercorp/api:latest",
    "redis:3.2",
  ]);
  const keep = ["othercorp/*", "redis*"];
  assert.deepEqual(gone({ images, named: NAMED }, { keep }), [
    "mycorp/accounting:v1",
    "mycorp/intranet:v1",
  ]);
});

const protectedBy: readonly {
  image: string;
  tags?: string[];
  digests?: string[];
  named: string;
}[] = [
  { image: "web:latest", named: "web" },
  { image: "web:latest", named: "docker.io/web" },
  { image: "web:latest", named: "docker.io/library/web:latest" },
  { image: "web:latest", named: "index.docker.io/library/web" },
  { image: "mycorp/hr:latest", named: "docker.io/mycorp/hr" },
  { image: "localhost:5000/x:latest", named: "localhost:5000/x" },
  { image: "web:1", tags: ["other:1", "web:1"], named: "web:1" },
  { image: "web:1", named: idOf("web:1") },
  { image: "web:1", named: idOf("web:1").slice(7) },
  { image: "web:1", named: idOf("web:1").slice(7, 19) },
  ...["web", "web:1", "docker.io/library/web"].map((name) => ({
    image: "digest",
    tags: [],
    digests: [`web@sha256:${"a".repeat(64)}`],
    named: `${name}@sha256:${"a".repeat(64)}`,
  })),
];
for (const { image: name, tags = [name], digests = [], named } of protectedBy) {
  Deno.test(`planPrune() keeps ${tags.join(" ") || "a digest"} for a component of ${named}`, () => {
    const images = [image(name, { tags, digests })];
    assert.deepEqual(gone({ images, named: [named] }), []);
    assert.equal(gone({ images }).length, 1);
  });
}

for (const named of ["web:2", "mycorp/web:1", "localhost:5000/web:1", "web", "", "We!rd"]) {
  Deno.test(`planPrune() does not keep web:1 for a component of "${named}"`, () => {
    assert.deepEqual(gone({ images: [image("web:1")], named: [named] }), ["web:1"]);
  });
}

const keeps: readonly [glob: string, want: boolean][] = [
  ["*", true],
  ["web:1", true],
  ["web", true],
  ["docker.io/library/web", true],
  ["docker.io/*", true],
  ["*library*", true],
  ["*:1", true],
  ["web:*", true],
  ["web:2", false],
  ["Web*", false],
  ["mycorp/*", false],
];
for (const [glob, want] of keeps) {
  Deno.test(`planPrune() ${want ? "keeps" : "does not keep"} web:1 by "${glob}"`, () => {
    assert.equal(gone({ images: [image("web:1")] }, { keep: [glob] }).length, want ? 0 : 1);
    assert.equal(gone({ images: [image("web:1")] }, { only: [glob] }).length, want ? 1 : 0);
  });
}

Deno.test("planPrune() keeps an image of which one name is not in scope", () => {
  const images = [image("web:1", { tags: ["web:1", "other:1"] }), image("none", { tags: [] })];
  assert.deepEqual(gone({ images }, { only: ["web*"] }), []);
  assert.deepEqual(gone({ images }, { only: ["web*", "other:*"] }), ["web:1"]);
});

Deno.test("planPrune() keeps an image that any container uses, stopped ones and others' too", () => {
  const images = [image("web:1")];
  const imageId = idOf("web:1");
  assert.deepEqual(gone({ images, containers: [container("x", { imageId, ours: false })] }), []);
  assert.deepEqual(gone({ images, containers: [container("x", { imageId })] }), ["x"]);
});

Deno.test("planPrune() keeps young images", () => {
  const images = [
    image("young:1", { createdAtMs: NOW_MS - HOUR + 1 }),
    image("old:1", { createdAtMs: NOW_MS - HOUR }),
  ];
  assert.deepEqual(gone({ images }), ["old:1"]);
});

const disks: readonly [pct: number | undefined, threshold: number, want: RegExp | undefined][] = [
  [undefined, 0, undefined],
  [0, 0, undefined],
  [81, 80, undefined],
  [80, 80, /80 % full, not more than 80 %/],
  [undefined, 80, /cannot be seen/],
];
for (const [diskPct, threshold, want] of disks) {
  Deno.test(`planPrune() with a disk ${diskPct} % full and a threshold of ${threshold}`, () => {
    const images = [image("web:1")];
    const { steps, notices } = planPrune(state({ images, diskPct }), {
      ...POLICY,
      diskPct: threshold,
    });
    assert.equal(steps.length, want ? 0 : 1);
    if (want) assert.match(notices[0] ?? "", want);
    else assert.deepEqual(notices, []);
  });
}

Deno.test("planPrune() leaves images alone unless the setting says so", () => {
  const { steps, notices } = planPrune(
    state({ images: [image("web:1")], containers: [container("left")] }),
    { ...POLICY, images: false },
  );
  assert.deepEqual(steps.map(({ kind }) => kind), ["container"]);
  assert.match(notices[0] ?? "", /MAEL_DOCKER_PRUNE_UNREG_IMAGES/);
});

Deno.test("planPrune() removes containers only when they are ours, stopped and unknown", () => {
  const containers = [
    container("left"),
    container("runs", { running: true }),
    container("others", { ours: false }),
    container("known", { known: true }),
  ];
  assert.deepEqual(gone({ containers }), ["left"]);
});

Deno.test("planPrune() removes an image by all its names, and a nameless one by its id", () => {
  const digest = `web@sha256:${"b".repeat(64)}`;
  const images = [
    image("a:1", { tags: ["a:1", "b:1"], digests: [digest] }),
    image("pulled", { tags: [], digests: [digest] }),
    image("dangling", { tags: [] }),
  ];
  const { steps } = planPrune(state({ images }), POLICY);
  assert.deepEqual(steps.map(({ refs }) => refs), [["a:1", "b:1"], [digest], [idOf("dangling")]]);
});

const names = fc.constantFrom("web:1", "web:latest", "mycorp/api:2", "localhost:5000/x:latest");
const anImage = fc.record({
  tags: fc.uniqueArray(names, { maxLength: 3 }),
  ageHours: fc.nat(4),
  id: fc.stringMatching(/^[0-9a-f]{64}$/),
}).map(({ tags, ageHours, id }) =>
  image("x", { id: `sha256:${id}`, tags, createdAtMs: NOW_MS - ageHours * HOUR })
);
const aWorld = fc.record({
  images: fc.array(anImage, { maxLength: 8 }),
  named: fc.uniqueArray(
    fc.constantFrom("web", "web:1", "docker.io/mycorp/api:2", "localhost:5000/x"),
  ),
  keep: fc.uniqueArray(fc.constantFrom("web*", "*api*", "*:latest", "localhost:5000/x")),
  used: fc.nat(8),
});

Deno.test("planPrune() never takes what is named, kept, used or young, and edits nothing", () => {
  fc.assert(fc.property(aWorld, ({ images, named, keep, used }) => {
    const containers = images.slice(0, used).map(({ id }, i) =>
      container(`c${i}`, { imageId: id, running: true, ours: false })
    );
    const before = JSON.stringify({ images, containers });
    const { steps } = planPrune(state({ images, containers, named }), { ...POLICY, keep });
    const taken = steps.map(({ id }) => images.find((image) => image.id === id)!);
    const inUse = new Set(containers.map(({ imageId }) => imageId));
    for (const { id, tags, createdAtMs } of taken) {
      assert.ok(!inUse.has(id));
      assert.ok(NOW_MS - createdAtMs >= HOUR);
      if (named.includes("web")) assert.ok(!tags.includes("web:latest"));
      if (named.includes("web:1")) assert.ok(!tags.includes("web:1"));
      if (keep.includes("web*")) assert.ok(!tags.some((tag) => tag.startsWith("web")));
    }
    assert.equal(JSON.stringify({ images, containers }), before);
  }));
});

Deno.test("planPrune() takes no more when more is kept or named", () => {
  fc.assert(fc.property(aWorld, ({ images, named, keep }) => {
    const all = new Set(gone({ images }, {}));
    for (const name of gone({ images, named }, { keep })) assert.ok(all.has(name));
    assert.deepEqual(gone({ images, named }, { keep: ["*"] }), []);
  }));
});
