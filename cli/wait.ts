/**
 * Follows versions that were put until they serve or fail. Owns the looking again, its limits and
 * what is shown meanwhile; `rollout.ts` says where a version stands.
 * @module
 */
import { withDeadline } from "../lib/async/deadline.ts";
import { pause } from "../lib/async/pause.ts";
import { effective } from "../lib/contract/effective.ts";
import type { ComponentFailure } from "../lib/contract/v1.ts";
import { isAbort, MaelstromError } from "../lib/errors.ts";
import type { RpcClient } from "../lib/rpc/client.ts";
import { isAway } from "./away.ts";
import { type Call, UsageError } from "./command.ts";
import { localTime } from "./local_time.ts";
import { nextTry } from "./next_try.ts";
import type { Output } from "./output.ts";
import { type Rollout, type RolloutState, rolloutState } from "./rollout.ts";

const LOOK_MS_MIN = 100;
const LOOK_MS_MAX = 1000;
/** However little time is left, a node may take this long to answer. */
const LOOK_LIMIT_MS = 1000;
/** Without a time limit: how long nothing may change, beyond what a start may take. */
const STALL_MS = 60_000;
const START_LIMIT_MS = 60_000;
const FOLLOW_MS_MAX = 3_600_000;
const SECONDS_MAX = 24 * 3600;

/** How long {@linkcode followRollout} follows. */
export interface FollowOptions {
  /**
   * In milliseconds. Absent: until nothing has changed for the longest start limit of the components
   * and a minute more, an hour at most.
   */
  readonly timeoutMs?: number;
}

/** A version that is being followed. */
interface Followed extends Rollout {
  text: string;
  isDone: boolean;
  /** Looks in a row that found nothing running and nothing under way. */
  idleLooks: number;
}

/**
 * Whether and how long a put is followed, as `--wait`, `--no-wait` and `--timeout` say; without
 * them on a terminal only. Undefined: not at all.
 *
 * @throws {UsageError} they contradict each other, or the time means nothing
 */
export function followOptions(
  { flags, output }: Pick<Call, "flags" | "output">,
  words: readonly string[],
): FollowOptions | undefined {
  const seconds = flags.count("timeout");
  const isWanted = flags.has("wait") || seconds !== undefined;
  if (isWanted && flags.has("no-wait")) {
    const other = flags.has("wait") ? "--wait" : "--timeout";
    throw new UsageError(`Cannot run "${words.join(" ")}": --no-wait contradicts ${other}`, words);
  }
  if (seconds === undefined) {
    return isWanted || output.isTerminal && !flags.has("no-wait") ? {} : undefined;
  }
  if (seconds >= 1 && seconds <= SECONDS_MAX) return { timeoutMs: seconds * 1000 };
  throw new UsageError(
    `Cannot read --timeout: must be between 1 and ${SECONDS_MAX} seconds, found ${seconds}`,
    words,
  );
}

/**
 * Resolves when every one of `rollouts` serves, or has nothing to do until its first request. What
 * happens meanwhile is told on standard error. When it throws, the rollouts go on.
 *
 * @throws {MaelstromError} start_failed: a version does not start; its last health checks and lines
 * have been printed
 * @throws {MaelstromError} no_capacity: no node has room for a version, or may have it
 * @throws {MaelstromError} timeout: see {@linkcode FollowOptions}
 * @throws {MaelstromError} stale_version: somebody has put another version since
 * @throws {MaelstromError} not_found: somebody has removed the component since
 */
export async function followRollout(
  client: Pick<RpcClient, "call">,
  rollouts: readonly Rollout[],
  output: Output,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  const all = rollouts.map((rollout): Followed => ({
    ...rollout,
    text: "",
    isDone: false,
    idleLooks: 0,
  }));
  const clock = new Clock(options);
  const board = new Board(output, clock);
  try {
    for (let pauseMs = LOOK_MS_MIN;; pauseMs = Math.min(LOOK_MS_MAX, pauseMs * 1.5)) {
      const failures: Failed[] = [];
      for (const followed of all.filter(({ isDone }) => !isDone)) {
        const state = await look(client, followed, clock, signal);
        if (state) failures.push({ followed, state });
      }
      await board.show(all);
      if (failures.length > 0) throw await tellFailures(failures, output);
      if (all.every(({ isDone }) => isDone)) return;
      if (clock.isOver) throw lateError(all, clock);
      await pause(Math.min(pauseMs, clock.leftMs), signal);
      signal.throwIfAborted();
    }
  } catch (error) {
    if (isAbort(error)) await output.hint("Interrupted; the rollout goes on without being watched");
    throw error;
  }
}

type FailedState = Extract<RolloutState, { kind: "failed" }>;
type RefusedState = Extract<RolloutState, { kind: "refused" }>;
interface Failed {
  readonly followed: Followed;
  readonly state: FailedState | RefusedState;
}

/** Brings `followed` up to date; gives its failure, if it has failed. */
async function look(
  client: Pick<RpcClient, "call">,
  followed: Followed,
  clock: Clock,
  signal: AbortSignal,
): Promise<Failed["state"] | undefined> {
  const { name, version } = followed;
  const state = await stateOf(client, followed, clock, signal);
  if (state.kind === "replaced") {
    throw new MaelstromError(
      "stale_version",
      `Cannot follow version ${version} of "${name}": version ${state.version} was put since`,
    );
  }
  const isFirst = followed.text === "";
  const isIdle = state.kind === "idle" || state.kind === "refused";
  followed.idleLooks = isIdle ? followed.idleLooks + 1 : 0;
  // Between the stop of the old instance and the start of the new one there may be none.
  followed.isDone = state.kind === "serves" || (state.kind === "idle" && isFirst) ||
    (state.kind === "idle" && followed.idleLooks > 1);
  const text = state.kind === "failed" ? "does not start" : state.text;
  if (text !== followed.text) clock.changed();
  followed.text = text;
  if (state.kind === "failed") return state;
  // The same gap in a component of which some have no place says nothing of this version.
  return state.kind === "refused" && followed.idleLooks > 1 ? state : undefined;
}

async function stateOf(
  client: Pick<RpcClient, "call">,
  { name, version }: Rollout,
  clock: Clock,
  signal: AbortSignal,
): Promise<RolloutState> {
  try {
    const answer = await withDeadline(
      Math.max(LOOK_LIMIT_MS, clock.leftMs),
      signal,
      (limited) => client.call("MaelstromService.GetComponent", { name }, limited),
      () => new MaelstromError("timeout", "Cannot follow the rollout: no answer in time"),
    );
    clock.startMs = Math.max(clock.startMs, effective(answer.component).startLimitMs ?? 0);
    return rolloutState(answer, version);
  } catch (error) {
    // A node that restarts comes back, and the limit ends the wait for one that does not.
    if (isAway(error)) return { kind: "going", text: "the node does not answer, asking again" };
    if (!(error instanceof MaelstromError) || error.code !== "not_found") throw error;
    const message = `Cannot follow version ${version} of "${name}": it was removed since`;
    throw new MaelstromError("not_found", message);
  }
}

/** When following ends. */
class Clock {
  readonly #begunMs = performance.now();
  readonly #options: FollowOptions;
  #changedMs = this.#begunMs;
  /** The longest time one of the components may take to start, in milliseconds. */
  startMs = START_LIMIT_MS;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** Something happened, so that waiting on may be worth it. */
  changed(): void {
    this.#changedMs = performance.now();
  }

  get elapsedMs(): number {
    return performance.now() - this.#begunMs;
  }

  get leftMs(): number {
    const { timeoutMs } = this.#options;
    if (timeoutMs !== undefined) return Math.max(0, timeoutMs - this.elapsedMs);
    const stallMs = performance.now() - this.#changedMs;
    const leftMs = Math.min(this.startMs + STALL_MS - stallMs, FOLLOW_MS_MAX - this.elapsedMs);
    return Math.max(0, leftMs);
  }

  get isOver(): boolean {
    return this.leftMs === 0;
  }
}

/** Shows where the versions stand: in place on a terminal, elsewhere a line for each change. */
class Board {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #told = new Map<string, string>();

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  async show(all: readonly Followed[]): Promise<void> {
    // Those under way last: the end of the list is what fits a screen that is too small.
    const sorted = all.toSorted((a, b) => Number(b.isDone) - Number(a.isDone));
    const seconds = Math.floor(this.#clock.elapsedMs / 1000);
    const lines = sorted.map((each) => lineOf(each) + (each.isDone ? "" : ` (${seconds} s)`));
    if (await this.#output.draw(lines)) return;
    for (const followed of all) {
      // A line for each percent of a pull would say nothing new.
      const news = followed.text.replaceAll(/, \d+ %/g, "");
      if (this.#told.get(followed.name) === news) continue;
      this.#told.set(followed.name, news);
      await this.#output.hint(lineOf(followed));
    }
  }
}

function lineOf({ name, version, text }: Followed): string {
  return `${name} version ${version}: ${text}`;
}

/** Prints what is known of each failure; gives the one to end with. */
async function tellFailures(failures: readonly Failed[], output: Output): Promise<MaelstromError> {
  const errors = [];
  for (const failed of failures) {
    const { followed: { name }, state } = failed;
    if (state.kind === "refused") {
      errors.push(new MaelstromError("no_capacity", `Cannot place "${name}": ${state.reason}`));
      continue;
    }
    const { failure } = state;
    for (const { at, healthy, detail } of failure.health) {
      const text = `${localTime(at)} health check ${healthy ? "passed" : "failed"}: ${detail}`;
      await output.labelled("stderr", { label: `[${name}]`, style: "yellow", text });
    }
    for (const text of failure.lines) {
      await output.labelled("stderr", { label: `[${name}]`, style: "cyan", text });
    }
    errors.push(failureError(failed.followed, state));
  }
  for (const { message } of errors.slice(0, -1)) await output.error(message);
  return errors.at(-1)!;
}

function failureError(
  { name, version }: Followed,
  { failure, serving }: FailedState,
): MaelstromError {
  const reason = failure.message.replace(/^Cannot [^:]*: /, "");
  const fallback = serving.length > 0
    ? `version ${serving.join(" and ")} goes on serving`
    : "no other version serves";
  return new MaelstromError(
    "start_failed",
    `Cannot roll out version ${version} of "${name}": ${reason}; ${
      retryText(failure)
    }; ${fallback}`,
  );
}

function retryText(failure: ComponentFailure): string {
  const { attempts } = failure;
  const next = nextTry(failure, Date.now());
  return `${attempts === 1 ? "1 attempt" : `${attempts} attempts`}, ${next}`;
}

function lateError(all: readonly Followed[], clock: Clock): MaelstromError {
  const under = all.filter(({ isDone }) => !isDone).map(lineOf).join("; ");
  const seconds = Math.round(clock.elapsedMs / 1000);
  const message = `Cannot see the rollout end: after ${seconds} s ${under}; it goes on`;
  return new MaelstromError("timeout", message);
}
