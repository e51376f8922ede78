import assert from "node:assert/strict";
import fc from "fast-check";
import { PullMeter } from "../../../daemon/converger/pull_meter.ts";

type Step = [status: string, layer?: string, currentBytes?: number, totalBytes?: number];

function add(meter: PullMeter, ...steps: readonly Step[]): (number | undefined)[] {
  return steps.map(([status, layer = "", currentBytes = 0, totalBytes = 0]) => {
    meter.add({ status, layer, currentBytes, totalBytes });
    return meter.percent;
  });
}

Deno.test("PullMeter follows one layer: half for the download, half for unpacking", () => {
  const meter = new PullMeter();
  const seen = add(
    meter,
    ["Pulling from team/tiny", "1"],
    ["Pulling fs layer", "a"],
    ["Downloading", "a", 50, 100],
    ["Verifying Checksum", "a"],
    ["Download complete", "a"],
    ["Extracting", "a", 50, 100],
    ["Pull complete", "a"],
    ["Digest: sha256:0"],
    ["Status: Downloaded newer image for team/tiny:1"],
  );
  assert.deepEqual(seen, [undefined, 0, 25, 50, 50, 75, 100, 100, 100]);
  assert.equal(meter.isNew, true);
});

Deno.test("PullMeter counts layers of unknown size as the others on average", () => {
  const meter = new PullMeter();
  add(meter, ["Pulling fs layer", "a"], ["Pulling fs layer", "b"], ["Waiting", "b"]);
  assert.deepEqual(add(meter, ["Pull complete", "a"], ["Downloading", "b", 0, 300]), [50, 50]);
  assert.deepEqual(add(meter, ["Download complete", "b"], ["Pull complete", "b"]), [50, 100]);
});

Deno.test("PullMeter knows nothing of what is here already", () => {
  const meter = new PullMeter();
  assert.deepEqual(
    add(meter, ["Already exists", "a"], ["Status: Image is up to date for team/tiny:1"]),
    [undefined, undefined],
  );
  assert.equal(meter.isNew, false);
});

Deno.test("PullMeter stays between 0 and 100 and never goes back, whatever it is told", () => {
  const status = fc.constantFrom(
    "Pulling fs layer",
    "Waiting",
    "Downloading",
    "Verifying Checksum",
    "Download complete",
    "Extracting",
    "Pull complete",
    "Retrying in 5 seconds",
  );
  const bytes = fc.integer({ min: 0, max: 2 ** 40 });
  const step = fc.tuple(status, fc.constantFrom("a", "b", "c"), bytes, bytes);
  fc.assert(fc.property(fc.array(step), (steps) => {
    const seen = add(new PullMeter(), ...steps).map((percent) => percent ?? 0);
    assert.ok(seen.every((percent, at) => percent <= 100 && percent >= (seen[at - 1] ?? 0)));
  }));
});
