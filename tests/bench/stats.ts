/** Middles and spreads of a few measurements. Pure. @module */

/** What several measurements of one thing come to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * The summary of `values`.
 *
 * @throws {Error} there are none: a bug of the caller
 */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted[sorted.length - 1];
  if (min === undefined || max === undefined) throw new Error("Cannot summarize: no values");
  const half = sorted.length >> 1;
  const upper = sorted[half]!;
  const median = sorted.length % 2 === 1 ? upper : (sorted[half - 1]! + upper) / 2;
  return { median, min, max };
}

/** The distance from the least to the largest, as a share of the median: 0.1 is 10 %. */
export function spread({ median, min, max }: Summary): number {
  return median === 0 ? 0 : (max - min) / median;
}

/** Which third of `disturbances` is the least, as indices in order; at least one of them. */
export function quietThird(disturbances: readonly number[]): number[] {
  return disturbances.map((_, index) => index)
    .sort((a, b) => disturbances[a]! - disturbances[b]! || a - b)
    .slice(0, Math.max(1, Math.floor(disturbances.length / 3)))
    .sort((a, b) => a - b);
}
