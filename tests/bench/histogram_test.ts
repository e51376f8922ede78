import assert from "node:assert/strict";
import fc from "fast-check";
import { Histogram } from "./histogram.ts";

Deno.test("Histogram.percentile() gives 0 when nothing was counted", () => {
  assert.equal(new Histogram().percentile(0.5), 0);
});

Deno.test("Histogram.record() counts a negative duration as 0 and a long one in the last bucket", () => {
  const histogram = new Histogram();
  histogram.record(-1);
  histogram.record(1e9);
  assert.equal(histogram.total, 2);
  assert.equal(histogram.percentile(0.5), 0);
  assert.equal(histogram.maxMs, 1e9);
});

Deno.test("Histogram.percentile() is within 1 % of the exact value", () => {
  const durations = fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1 });
  const shares = fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1);
  fc.assert(fc.property(durations, shares, (values, share) => {
    const histogram = new Histogram();
    for (const value of values) histogram.record(value);
    const sorted = [...values].sort((a, b) => a - b);
    const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
    const found = histogram.percentile(share);
    assert.ok(Math.abs(found - exact) <= exact * 0.01, `${found} for ${exact}`);
  }));
});

Deno.test("Histogram.add() is the same as having counted everything in one", () => {
  const durations = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }));
  fc.assert(fc.property(durations, durations, (left, right) => {
    const parts = [left, right].map((values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      return histogram;
    });
    const whole = new Histogram();
    for (const value of [...left, ...right]) whole.record(value);
    const merged = new Histogram();
    for (const part of parts) merged.add(part.buckets(), part.maxMs);
    assert.deepEqual(merged.buckets(), whole.buckets());
    assert.equal(merged.total, whole.total);
    assert.equal(merged.maxMs, whole.maxMs);
  }));
});
