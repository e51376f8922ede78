/** What `maelstrom es runs`, `es run` and `es next` do: the times of cron event sources. @module */
import type { CronRun, EventSource, RunStatus } from "../../lib/contract/v1.ts";
import { upcoming } from "../../lib/cron/next.ts";
import { ruleOf } from "../../lib/cron/rule.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Call, UsageError } from "../command.ts";
import type { Cell, Output, Style, TableLayout } from "../output.ts";
import { relativeTime } from "../relative_time.ts";
import { oneName } from "./operands.ts";

const COUNT_MAX = 1000;
const DRY_RUN_TIMES = 10;

const RUNS: TableLayout = {
  columns: [
    { title: "Due", width: 24 },
    { title: "Status", width: 9 },
    { title: "Started", width: 24 },
    { title: "Took", width: 9 },
    { title: "Try", width: 3 },
    { title: "Node", width: 14, cut: true },
    { title: "Reason", width: 40, cut: true },
  ],
  dashes: 130,
  empty: "No runs found",
};

const TIMES: TableLayout = {
  columns: [
    { title: "Time", width: 40 },
    { title: "UTC", width: 20 },
    { title: "From now", width: 20 },
  ],
  dashes: 84,
  empty: "No times found",
};

const STYLES: Readonly<Partial<Record<RunStatus, Style>>> = {
  succeeded: "green",
  failed: "red",
  lost: "red",
  skipped: "dim",
};

/** `es runs`: lists runs, newest first. @throws {MaelstromError} not_found, invalid: no cron source */
export async function listRuns(call: Call): Promise<void> {
  const words = ["es", "runs"];
  const name = oneName(call, words);
  const limit = countOf(call, words);
  const client = await call.client();
  const input = { name, ...(limit === undefined ? {} : { limit }) };
  const { runs } = await client.call("MaelstromService.ListCronRuns", input, call.signal);
  if (call.flags.has("json")) return await call.output.json(runs);
  await call.output.table(RUNS, runs.map(rowOf));
}

/** `es run`: has a source run now. @throws {MaelstromError} not_found, invalid, queue_full */
export async function runSource(call: Call): Promise<void> {
  const name = oneName(call, ["es", "run"]);
  const client = await call.client();
  const asked = await client.call("MaelstromService.RunCron", { name }, call.signal);
  if (call.flags.has("json")) return await call.output.json(asked);
  await call.output.line(`Event source runs now: ${asked.name} run ${asked.runId}`);
  await call.output.hint(`'maelstrom es runs ${asked.name}' tells what becomes of it.`);
}

/** `es next`: prints the next times of a source. @throws {MaelstromError} not_found, invalid */
export async function nextTimes(call: Call): Promise<void> {
  const words = ["es", "next"];
  const name = oneName(call, words);
  const count = countOf(call, words) ?? DRY_RUN_TIMES;
  const client = await call.client();
  const { eventSource } = await client.call(
    "MaelstromService.GetEventSource",
    { name },
    call.signal,
  );
  if (!eventSource.cron) {
    const message = `Cannot tell times of "${eventSource.name}": it is no cron source`;
    throw new MaelstromError("invalid", message);
  }
  const times = upcoming(ruleOf(name, eventSource.cron).schedule, call.nowMs, count);
  if (call.flags.has("json")) return await call.output.json(times);
  await printTimes(eventSource, times, call);
}

/** What a put of `sources` would do, as far as one can say before. */
export async function previewSources(sources: readonly EventSource[], call: Call): Promise<void> {
  for (const source of sources) {
    await call.output.line(`Event source is valid: ${source.name}`);
    if (!source.cron) continue;
    const { schedule } = ruleOf(source.name, source.cron);
    await printTimes(source, upcoming(schedule, call.nowMs, DRY_RUN_TIMES), call);
  }
}

async function printTimes(
  { name, cron }: EventSource,
  times: readonly number[],
  { output, nowMs }: { readonly output: Output; readonly nowMs: number },
): Promise<void> {
  const { schedule, delayMs } = ruleOf(name, cron!);
  const zone = schedule.kind === "fields" ? schedule.zone : "UTC";
  const local = (ms: number) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toString();
  await output.table(TIMES, times.map((ms) => [local(ms), utc(ms), relativeTime(ms, nowMs)]));
  if (delayMs > 0) {
    await output.hint(`Each is started ${(delayMs / 1000).toFixed(1)} s later (jitterSeconds).`);
  }
}

function rowOf(run: CronRun): Cell[] {
  const { dueAt, dueCount, status, startedAt, endedAt, attempt, nodeId } = run;
  const style = STYLES[status];
  const due = new Date(dueAt).toISOString();
  const reason = dueCount > 1 ? `${run.reason} (${dueCount} times)` : run.reason;
  return [
    due,
    style ? { text: status, style } : status,
    startedAt === 0 ? "" : new Date(startedAt).toISOString(),
    startedAt === 0 || endedAt === 0 ? "" : `${((endedAt - startedAt) / 1000).toFixed(3)} s`,
    attempt === 0 ? "" : String(attempt),
    nodeId,
    run.manual && reason === "" ? "asked for" : reason,
  ];
}

function utc(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** @throws {UsageError} `-n` is out of range */
function countOf({ flags }: Call, words: readonly string[]): number | undefined {
  const count = flags.count("count");
  if (count === undefined || (count >= 1 && count <= COUNT_MAX)) return count;
  throw new UsageError(`Cannot read --count: must be 1 to ${COUNT_MAX}, found "${count}"`, words);
}
