/**
 * Whether a container is well: one check, the results that are kept of it, and the watch over an
 * instance that serves. Knows nothing of targets or rotation. Walk: worker → **health** → container.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { HealthResult } from "../../lib/contract/v1.ts";
import { messageOf } from "../../lib/errors.ts";
import type { UpstreamAddress } from "../../lib/http/dial.ts";
import { probe } from "../../lib/http/probe.ts";

const CHECK_LIMIT_MS = 15_000;
const RESULTS_MAX = 5;
/** How far apart two checks are, as shares of the period: those of many instances spread. */
const SPREAD = { min: 0.9, max: 1.1 };

/** What a check asks. */
export interface HealthCheck {
  readonly address: UpstreamAddress;
  readonly path: string;
}

/**
 * Asks once.
 *
 * @throws {DOMException} AbortError: `signal` aborted
 */
export async function checkHealth(
  { address, path }: HealthCheck,
  signal: AbortSignal,
): Promise<HealthResult> {
  try {
    const status = await probe(address, path, { timeoutMs: CHECK_LIMIT_MS, signal });
    return { at: Date.now(), healthy: isHealthy(status), detail: `status ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    return { at: Date.now(), healthy: false, detail: messageOf(error) };
  }
}

/** Redirects count as healthy: many applications send "/" to a login page. */
function isHealthy(status: number): boolean {
  return status >= 200 && status < 400;
}

/** `results` and one more; the oldest go. */
export function withResult(
  results: readonly HealthResult[],
  result: HealthResult,
): readonly HealthResult[] {
  return [...results, result].slice(-RESULTS_MAX);
}

/** The same, but a repetition takes the place of the last: start checks come many in a second. */
export function withNews(
  results: readonly HealthResult[],
  result: HealthResult,
): readonly HealthResult[] {
  const last = results.at(-1);
  const isNews = last?.healthy !== result.healthy || last.detail !== result.detail;
  return withResult(isNews ? results : results.slice(0, -1), result);
}

/** How {@linkcode watchHealth} checks. */
export interface WatchOptions {
  /** Period, in milliseconds. */
  readonly everyMs: number;
  /** Failures in a row that are too many. */
  readonly failuresMax: number;
  /** The first check follows at once, or some time within the first period. */
  readonly first: "at once" | "spread";
  readonly check: (signal: AbortSignal) => Promise<HealthResult>;
  /** Told of each result, with the number of failures in a row. */
  readonly checked: (result: HealthResult, failures: number) => void;
  /** From 0 to 1. @default {Math.random} */
  readonly random?: () => number;
}

/** Checks again and again; true when too many failed in a row, false when `signal` aborted. */
export async function watchHealth(options: WatchOptions, signal: AbortSignal): Promise<boolean> {
  const { everyMs, failuresMax, first, check, checked, random = Math.random } = options;
  let failures = 0;
  let waitMs = first === "at once" ? 0 : everyMs * random();
  while (!signal.aborted) {
    await pause(waitMs, signal);
    if (signal.aborted) return false;
    const result = await check(signal);
    failures = result.healthy ? 0 : failures + 1;
    checked(result, failures);
    if (failures >= failuresMax) return true;
    waitMs = everyMs * (SPREAD.min + (SPREAD.max - SPREAD.min) * random());
  }
  return false;
}
