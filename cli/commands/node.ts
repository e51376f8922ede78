/** What `maelstrom node` and `maelstrom ps` do: nodes, and what runs on them. @module */
import type {
  ComponentFailure,
  ComponentInfo,
  InstanceStatus,
  NodeStatus,
} from "../../lib/contract/v1.ts";
import { pause } from "../../lib/async/pause.ts";
import { isAway } from "../away.ts";
import { type Call, UsageError } from "../command.ts";
import { localTime } from "../local_time.ts";
import type { Cell, Style, TableLayout } from "../output.ts";
import { nextTry } from "../next_try.ts";
import { relativeTime } from "../relative_time.ts";

const NODES: TableLayout = {
  columns: [
    { title: "Node ID", width: 14, cut: true },
    { title: "IP Addr", width: 15 },
    { title: "State", width: 8 },
    { title: "Started", width: 15 },
    { title: "Free RAM", width: 8 },
    { title: "Load Avg", width: 15 },
    { title: "# Containers", width: 12 },
    { title: "Roles", width: 0 },
  ],
  dashes: 113,
  empty: "",
};

const INSTANCES: TableLayout = {
  columns: [
    { title: "Component", width: 30, cut: true },
    { title: "Ver", width: 5 },
    { title: "Status", width: 8 },
    { title: "Node ID", width: 14, cut: true },
    { title: "Max RAM", width: 7 },
    { title: "Last Request", width: 15 },
    { title: "# Requests", width: 11 },
    { title: "Concur %", width: 8 },
    // What a start is busy with; most rows have nothing here.
    { title: "", width: 0 },
  ],
  dashes: 113,
  empty: "No running containers found",
};

const WATCH_SECONDS = 2;
const WATCH_SECONDS_MIN = 0.1;
const WATCH_SECONDS_MAX = 3600;

const STATUS_STYLES: Readonly<Record<InstanceStatus, Style>> = {
  active: "green",
  starting: "yellow",
  frozen: "blue",
  stopping: "yellow",
};

/** `node ls`: lists the nodes of the cluster, oldest first. */
export async function listNodes(call: Call): Promise<void> {
  const nodes = await getNodes(call);
  if (call.flags.has("json")) return await call.output.json(nodes);
  const rows = nodes.map((node) => [
    node.nodeId,
    hostOf(node.peerUrl),
    stateOf(node),
    relativeTime(node.startedAt, call.nowMs),
    String(node.freeMemoryMiB),
    [node.loadAvg1m, node.loadAvg5m, node.loadAvg15m].map((load) => load.toFixed(2)).join(" "),
    String(node.runningComponents.length),
    node.roles.map(({ role }) => role).join(" "),
  ]);
  await call.output.table(NODES, rows);
  for (const { nodeId, unusedReason } of nodes) {
    if (unusedReason === undefined) continue;
    await call.output.line(`Node ${nodeId} is not used: ${unusedReason}`);
  }
}

/**
 * `ps`: lists what runs in the cluster, by component; with `--watch` again and again.
 *
 * @throws {UsageError} the seconds of `--watch` mean nothing
 */
export async function listInstances(call: Call): Promise<void> {
  const everyMs = watchPeriod(call);
  if (everyMs !== undefined) return await watchInstances(call, everyMs);
  const running = await getRunning(call);
  if (call.flags.has("json")) await call.output.json(running.instances);
  else await call.output.table(INSTANCES, rowsOf(running, call.nowMs));
}

function watchPeriod({ flags, operands: [given] }: Call): number | undefined {
  if (!flags.has("watch")) {
    if (given === undefined) return undefined;
    throw new UsageError(`Cannot run "ps": unexpected argument ${JSON.stringify(given)}`, ["ps"]);
  }
  if (given === undefined) return WATCH_SECONDS * 1000;
  const seconds = /^\d+(\.\d+)?$/.test(given) ? Number(given) : NaN;
  if (seconds >= WATCH_SECONDS_MIN && seconds <= WATCH_SECONDS_MAX) return seconds * 1000;
  throw new UsageError(
    `Cannot read --watch: must be between ${WATCH_SECONDS_MIN} and ${WATCH_SECONDS_MAX} seconds, ` +
      `found ${JSON.stringify(given)}`,
    ["ps"],
  );
}

/** Shows what runs until the user interrupts; a node that is away for a while is waited for. */
async function watchInstances(call: Call, everyMs: number): Promise<void> {
  const begunMs = performance.now();
  let running: Running | undefined;
  for (; !call.signal.aborted; await pause(everyMs, call.signal)) {
    let fault: string | undefined;
    try {
      running = await getRunning(call);
    } catch (error) {
      if (call.signal.aborted) break;
      // A node that was never there is more likely a slip than a restart.
      if (!running || !isAway(error)) throw error;
      fault = error.message;
    }
    const nowMs = call.nowMs + performance.now() - begunMs;
    await showRunning(running, fault, Math.round(nowMs), call);
  }
  // The terminal shows the keys that ended it.
  if (call.output.isTerminal) await call.output.line("");
}

async function showRunning(
  running: Running,
  fault: string | undefined,
  nowMs: number,
  { flags, output }: Call,
): Promise<void> {
  // Only a screen still shows what was last known.
  if (fault && (flags.has("json") || !output.isTerminal)) return await output.error(fault);
  if (flags.has("json")) return await output.text(`${JSON.stringify(running.instances)}\n`);
  const title: Cell = { text: localTime(nowMs), style: "dim" };
  const heads: Cell[] = fault ? [title, { text: fault, style: "red" }] : [title];
  await output.page(heads, INSTANCES, rowsOf(running, nowMs));
}

/** What runs, and where. */
type Instance = ComponentInfo & { readonly nodeId: string };
type Failure = ComponentFailure & { readonly nodeId: string };

/** What runs and what does not, each by component. */
interface Running {
  readonly instances: readonly Instance[];
  readonly failures: readonly Failure[];
}

async function getRunning(call: Call): Promise<Running> {
  // What ran on a node that is silent has been started elsewhere.
  const nodes = (await getNodes(call)).filter(({ isSilent }) => !isSilent);
  const byComponent = (a: Failure | Instance, b: Failure | Instance) =>
    compareText(a.componentName, b.componentName);
  return {
    instances: nodes.flatMap(({ nodeId, runningComponents }) =>
      runningComponents.map((info) => ({ nodeId, ...info }))
    ).toSorted(byComponent),
    failures: nodes.flatMap(({ nodeId, failures }) =>
      failures.map((failure) => ({ nodeId, ...failure }))
    ).toSorted(byComponent),
  };
}

/** Instances, then what keeps others from being there. */
function rowsOf({ instances, failures }: Running, nowMs: number): Cell[][] {
  return [
    ...instances.map((info) => instanceRow(info, nowMs)),
    ...failures.map((failure) => failureRow(failure, nowMs)),
  ];
}

function failureRow(failure: Failure, nowMs: number): Cell[] {
  const { componentName, componentVersion, nodeId, message, attempts } = failure;
  const reason = message.replace(/^Cannot start [^:]*: /, "");
  return [
    componentName,
    String(componentVersion),
    { text: "failing", style: "red" },
    nodeId,
    ...["", "", "", ""],
    `attempt ${attempts}, ${nextTry(failure, nowMs)}: ${reason}`,
  ];
}

function instanceRow(info: Instance, nowMs: number): Cell[] {
  return [
    info.componentName,
    String(info.componentVersion),
    { text: info.status, style: STATUS_STYLES[info.status] },
    info.nodeId,
    String(info.memoryReservedMiB),
    info.lastRequestTime > 0 ? relativeTime(info.lastRequestTime, nowMs) : "Never",
    String(info.totalRequests),
    concurrencyPct(info).toFixed(2),
    info.progress ?? "",
  ];
}

/** A node, and what the one that was asked thinks of it. */
type ListedNode = NodeStatus & {
  /** It has not been heard for a while. */
  readonly isSilent: boolean;
  /** Why it is not used although it is heard. */
  readonly unusedReason?: string;
};

async function getNodes(call: Call): Promise<ListedNode[]> {
  const client = await call.client();
  const input = { forceRefresh: call.flags.has("refresh") };
  const { nodes, silentNodeIds = [], unusedNodes = [] } = await client.call(
    "NodeService.ListNodeStatus",
    input,
    call.signal,
  );
  const reasons = new Map(unusedNodes.map(({ nodeId, reason }) => [nodeId, reason]));
  return nodes.map((node): ListedNode => {
    const unusedReason = reasons.get(node.nodeId);
    if (unusedReason !== undefined) return { ...node, isSilent: false, unusedReason };
    return { ...node, isSilent: silentNodeIds.includes(node.nodeId) };
  });
}

function stateOf({ state, isSilent, unusedReason }: ListedNode): Cell {
  if (unusedReason !== undefined) return { text: "unused", style: "red" };
  if (isSilent) return { text: "silent", style: "red" };
  return { text: state, style: state === "ready" ? "green" : "yellow" };
}

function hostOf(peerUrl: string): string {
  return URL.parse(peerUrl)?.hostname || "Parse error";
}

/** Average concurrency of the windows known, as a percentage of what the instance may have. */
function concurrencyPct({ activity, maxConcurrency }: ComponentInfo): number {
  if (activity.length === 0) return 0;
  const sum = activity.reduce((total, { concurrency }) => total + concurrency, 0);
  return 100 * sum / activity.length / Math.max(1, maxConcurrency);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
