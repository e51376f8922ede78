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

/** The third of `rounds`, rounded up, in which the least processor time was stolen. */
export function quietThird<R extends { readonly stolenMs: number }>(rounds: readonly R[]): R[] {
  return rounds.toSorted((a, b) => a.stolenMs - b.stolenMs)
    .slice(0, Math.ceil(rounds.length / 3));
}
