/** What `maelstrom node` and `maelstrom ps` do: nodes, and what runs on them. @module */
import type { ComponentInfo, InstanceStatus, NodeStatus } from "../../lib/contract/v1.ts";
import type { Call } from "../command.ts";
import type { Cell, Style, TableLayout } from "../output.ts";
import { relativeTime } from "../relative_time.ts";

const NODES: TableLayout = {
  columns: [
    { title: "Node ID", width: 14, cut: true },
    { title: "IP Addr", width: 15 },
    { title: "Started", width: 15 },
    { title: "Ver", width: 15 },
    { title: "Free RAM", width: 10 },
    { title: "Load Avg", width: 15 },
    { title: "# Containers", width: 4 },
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
    relativeTime(node.startedAt, call.nowMs),
    String(node.version),
    String(node.freeMemoryMiB),
    [node.loadAvg1m, node.loadAvg5m, node.loadAvg15m].map((load) => load.toFixed(2)).join(" "),
    String(node.runningComponents.length),
  ]);
  await call.output.table(NODES, rows);
}

/** `ps`: lists what runs in the cluster, by component. */
export async function listInstances(call: Call): Promise<void> {
  const nodes = await getNodes(call);
  const instances = nodes
    .flatMap(({ nodeId, runningComponents }) => runningComponents.map((info) => ({ nodeId, info })))
    .toSorted((a, b) => compareText(a.info.componentName, b.info.componentName));
  if (call.flags.has("json")) {
    return await call.output.json(instances.map(({ nodeId, info }) => ({ nodeId, ...info })));
  }
  const rows = instances.map(({ nodeId, info }): Cell[] => [
    info.componentName,
    String(info.componentVersion),
    { text: info.status, style: STATUS_STYLES[info.status] },
    nodeId,
    String(info.memoryReservedMiB),
    info.lastRequestTime > 0 ? relativeTime(info.lastRequestTime, call.nowMs) : "Never",
    String(info.totalRequests),
    concurrencyPct(info).toFixed(2),
    info.progress ?? "",
  ]);
  await call.output.table(INSTANCES, rows);
}

async function getNodes(call: Call): Promise<NodeStatus[]> {
  const client = await call.client();
  const input = { forceRefresh: call.flags.has("refresh") };
  return (await client.call("NodeService.ListNodeStatus", input, call.signal)).nodes;
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
