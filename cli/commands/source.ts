/** What `maelstrom es` does. @module */
import type { EventSource, EventSourceType, SourceStatus } from "../../lib/contract/v1.ts";
import { nearest } from "../../lib/contract/nearest.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Call, UsageError } from "../command.ts";
import { type Checked, readChecked } from "../input.ts";
import { listAll } from "../list_all.ts";
import type { Cell, TableLayout } from "../output.ts";
import { putLatest, versionOrZero } from "../put.ts";
import { relativeTime } from "../relative_time.ts";
import { oneName, putForm } from "./operands.ts";
import { printYaml } from "./yaml.ts";

const LAYOUT: TableLayout = {
  columns: [
    { title: "Event Source", width: 20, cut: true },
    { title: "Component", width: 20, cut: true },
    { title: "Type", width: 7 },
    { title: "Description", width: 30, cut: true },
    { title: "Ver", width: 5 },
    { title: "Last Modified", width: 13 },
    { title: "Status", width: 8 },
  ],
  dashes: 114,
  empty: "No event sources found",
};

const TOGGLED: TableLayout = {
  columns: [
    { title: "Event Source", width: 40, cut: true },
    { title: "Status", width: 15 },
  ],
  dashes: 74,
  empty: "No event sources updated",
};

// Names and their short forms; the contract's own list would load the schema library.
const TYPES: Readonly<Record<EventSourceType, string>> = {
  http: "http",
  cron: "cron",
  sqs: "sqs",
  awsstepfunc: "awsstep",
  queue: "queue",
};

const PUT = ["es", "put"];

/**
 * `es put`: creates or replaces event sources, from a file or (for HTTP) from flags; with
 * `--dry-run` only says whether they are right, and when cron sources are due.
 *
 * @throws {UsageError} neither form is complete, or both are mixed
 * @throws {MaelstromError} invalid: the file or the event source is not right
 * @throws {MaelstromError} stale_version: the version in the file is not the current one
 */
export async function putEventSource(call: Call): Promise<void> {
  const form = putForm(call, PUT);
  const { eventSourceSchema } = await import("../../lib/contract/v1.ts");
  const sources = form.file === undefined
    ? [await sourceOfFlags(form.name, call)]
    : await readChecked(form.file, { noun: "eventSource", schema: eventSourceSchema }, call);
  if (call.flags.has("dry-run")) {
    const { previewSources } = await import("./source_runs.ts");
    return await previewSources(sources.map(({ value }) => value), call);
  }
  for (const source of sources) await putOne(source, call);
}

async function putOne({ value, hasVersion }: Checked<EventSource>, call: Call): Promise<void> {
  const client = await call.client();
  const put = (version: number) => {
    const eventSource = { ...value, version };
    return client.call("MaelstromService.PutEventSource", { eventSource }, call.signal);
  };
  const result = hasVersion ? await put(value.version) : await putLatest({
    put,
    currentVersion: () =>
      versionOrZero(
        client.call("MaelstromService.GetEventSource", { name: value.name }, call.signal)
          .then(({ eventSource }) => eventSource.version),
      ),
  });
  await call.output.line(`Event source put: ${result.name} version ${result.version}`);
}

async function sourceOfFlags(name: string, call: Call): Promise<Checked<EventSource>> {
  const { flags } = call;
  const componentName = flags.text("component");
  const quoted = JSON.stringify(name);
  if (componentName === undefined) {
    throw new UsageError(`Cannot put ${quoted}: --component is missing`, PUT);
  }
  if (!flags.has("host") && !flags.has("path")) {
    throw new UsageError(`Cannot put ${quoted}: --host or --path is missing`, PUT);
  }
  const http = {
    ...(flags.has("host") ? { hostname: flags.text("host") } : {}),
    ...(flags.has("path") ? { pathPrefix: flags.text("path") } : {}),
    ...(flags.has("strip-prefix") ? { stripPrefix: true } : {}),
  };
  const { check } = await import("../../lib/contract/check.ts");
  const { eventSourceSchema } = await import("../../lib/contract/v1.ts");
  try {
    const value = check(eventSourceSchema, { name, componentName, http }, "eventSource");
    return { value, hasVersion: false };
  } catch (error) {
    if (!(error instanceof MaelstromError)) throw error;
    throw new UsageError(`Cannot put ${quoted}: ${error.message}`, PUT);
  }
}

/** `es ls`: lists event sources by name. @throws {UsageError} `--type` is not a type */
export async function listEventSources(call: Call): Promise<void> {
  const filter = filterOf(call, ["es", "ls"]);
  const client = await call.client();
  const sources = await listAll("event sources", async (nextToken) => {
    const input = { ...filter, nextToken };
    const page = await client.call("MaelstromService.ListEventSources", input, call.signal);
    return { entries: page.eventSources, nextToken: page.nextToken };
  });
  if (call.flags.has("json")) return await call.output.json(sources);
  const rows = sources.map(({ eventSource, enabled, status }): Cell[] => [
    eventSource.name,
    eventSource.componentName,
    ...kindOf(eventSource),
    String(eventSource.version),
    relativeTime(eventSource.modifiedAt, call.nowMs),
    enabled && status?.error ? { text: "Error", style: "red" } : statusCell(enabled),
  ]);
  await call.output.table(LAYOUT, rows);
  for (const { status } of sources) {
    const line = status && troubleOf(status, call.nowMs);
    if (line) await call.output.line(line);
  }
}

/** What somebody should know of a source's queues; undefined when all is well. */
function troubleOf(
  { eventSourceName, error, dead }: SourceStatus,
  nowMs: number,
): string | undefined {
  const found = [
    error && `${error.reason} (since ${relativeTime(error.since, nowMs)})`,
    dead > 0 && `${dead} dead letter${dead === 1 ? "" : "s"}`,
  ].filter(Boolean);
  return found.length > 0 ? `${eventSourceName}: ${found.join("; ")}` : undefined;
}

/**
 * `es enable` and `es disable`: switches every event source that the flags mean; lists those that
 * were not so already.
 *
 * @throws {UsageError} a flag is empty, or `--type` is not a type
 */
export async function toggleEventSources(call: Call, enabled: boolean): Promise<void> {
  const words = ["es", enabled ? "enable" : "disable"];
  // An unset variable of a script must not come to mean all of them.
  const empty = FILTER_FLAGS.find((name) => call.flags.text(name)?.trim() === "");
  if (empty) throw new UsageError(`Cannot read --${empty}: it is empty`, words);
  const filter = filterOf(call, words);
  const client = await call.client();
  const input = { ...filter, enabled };
  const changed = await client.call("MaelstromService.ToggleEventSources", input, call.signal);
  if (call.flags.has("json")) return await call.output.json(changed);
  const status = statusCell(changed.enabled);
  if (!FILTER_FLAGS.some((name) => call.flags.has(name))) {
    await call.output.text(`Toggling ALL event sources to ${status.text}\n\n`);
  }
  await call.output.table(TOGGLED, changed.eventSourceNames.map((name) => [name, status]));
}

const FILTER_FLAGS = ["prefix", "component", "project", "type"] as const;

function filterOf({ flags }: Call, words: readonly string[]) {
  return {
    namePrefix: flags.text("prefix"),
    componentName: flags.text("component"),
    projectName: flags.text("project"),
    eventSourceType: typeFlag(flags.text("type"), words),
  };
}

function statusCell(enabled: boolean): { text: string; style: "green" | "dim" } {
  return enabled ? { text: "Enabled", style: "green" } : { text: "Disabled", style: "dim" };
}

function typeFlag(
  given: string | undefined,
  words: readonly string[],
): EventSourceType | undefined {
  if (given === undefined) return undefined;
  const types = Object.keys(TYPES) as EventSourceType[];
  const type = types.find((type) => type === given.toLowerCase());
  if (type) return type;
  const guess = nearest(given, types);
  throw new UsageError(
    `Cannot read --type: must be one of ${types.join(", ")}, found ${JSON.stringify(given)}` +
      (guess ? ` (did you mean "${guess}"?)` : ""),
    words,
  );
}

/** The type and description of `source`, as a table shows them. */
function kindOf({ http, cron, sqs, awsstepfunc, queue }: EventSource): [string, string] {
  if (http) return [TYPES.http, `${http.hostname ?? ""}${http.pathPrefix ?? ""}`];
  if (cron) return [TYPES.cron, `sched='${cron.schedule}' path=${cron.http.path}`];
  if (sqs) return [TYPES.sqs, sqs.queueName + (sqs.nameAsPrefix ? "*" : "")];
  if (awsstepfunc) return [TYPES.awsstepfunc, awsstepfunc.activityName];
  if (queue) return [TYPES.queue, queue.name + (queue.open ? " (open)" : "")];
  return ["??", ""];
}

/** `es get`: prints an event source in the form `es put` takes. @throws {MaelstromError} not_found */
export async function getEventSource(call: Call): Promise<void> {
  const name = oneName(call, ["es", "get"]);
  const client = await call.client();
  const { eventSource } = await client.call(
    "MaelstromService.GetEventSource",
    { name },
    call.signal,
  );
  if (call.flags.has("json")) await call.output.json(eventSource);
  else await printYaml(eventSource, call.output);
}

/** `es rm`: removes an event source. @throws {MaelstromError} not_found */
export async function removeEventSource(call: Call): Promise<void> {
  const name = oneName(call, ["es", "rm"]);
  const client = await call.client();
  const removed = await client.call("MaelstromService.RemoveEventSource", { name }, call.signal);
  if (!removed.found) {
    const message = `Cannot remove event source: there is none with name ${JSON.stringify(name)}`;
    throw new MaelstromError("not_found", message);
  }
  await call.output.line(`Event source removed: ${removed.name}`);
}
