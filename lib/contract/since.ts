/** Moments as people give them to `--since`: a length of time, or a date. Pure. @module */

const UNITS_MS: Readonly<Record<string, number>> = {
  d: 24 * 3600_000,
  h: 3600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};
const LENGTH = /^(?:\d+(?:\.\d+)?(?:d|h|ms|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(d|h|ms|m|s)/g;
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(Z|[+-]\d{2}:\d{2})?$/;

/** The length of time that `text` means (`10m`, `1h30m`), in milliseconds; undefined for none. */
export function parseLength(text: string): number | undefined {
  if (!LENGTH.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PART)) ms += Number(count) * UNITS_MS[unit!]!;
  return ms;
}

/** What `--since` takes, for error messages. */
export const SINCE_RANGE =
  "a length of time (10m, 1h30m, 2d), a date (2024-05-01T12:00:00Z), or seconds since 1970";

/**
 * The moment that `text` means, in milliseconds since 1970; undefined when it means none. A date
 * without a zone is in the zone of whoever runs this.
 *
 * Source: docker logs --since, and days besides.
 */
export function parseSince(text: string, nowMs: number): number | undefined {
  const lengthMs = parseLength(text);
  if (lengthMs !== undefined) return Math.max(0, Math.round(nowMs - lengthMs));
  if (/^\d{1,11}(?:\.\d{1,9})?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!DATE.test(text)) return undefined;
  // A date alone would be read as UTC, unlike one with a time.
  const spelled = text.replace(" ", "T").replace(/^(\d{4}-\d{2}-\d{2})(?=Z|[+-]\d|$)/, "$1T00:00");
  const ms = Date.parse(spelled);
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}
