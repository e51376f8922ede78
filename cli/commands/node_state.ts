/** What `maelstrom node get`, `cordon`, `drain`, `uncordon` and `rm` do: one node at a time. @module */
import { pause } from "../../lib/async/pause.ts";
import type { NodeState, NodeStatus } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Call } from "../command.ts";
import { oneName } from "./operands.ts";
import { printYaml } from "./yaml.ts";

const LOOK_EVERY_MS = 300;
const DEADLINE_SECONDS = 600;

/** `node get`: prints what a node says of itself. */
export async function getNode(call: Call): Promise<void> {
  const node = await findNode(call, ["node", "get"]);
  if (call.flags.has("json")) return await call.output.json(node);
  await printYaml(node, call.output);
}

/** `node cordon`: the node gets no new instances. */
export async function cordonNode(call: Call): Promise<void> {
  const nodeId = await want(call, "cordoned", ["node", "cordon"]);
  await call.output.line(`Node cordoned: ${nodeId}`);
}

/** `node uncordon`: the node takes instances again. */
export async function uncordonNode(call: Call): Promise<void> {
  const nodeId = await want(call, "ready", ["node", "uncordon"]);
  await call.output.line(`Node ready: ${nodeId}`);
}

/**
 * `node drain`: moves the node's instances and its pollers elsewhere, and waits until they have gone
 * and what they held is finished.
 */
export async function drainNode(call: Call): Promise<void> {
  const words = ["node", "drain"];
  const seconds = call.flags.count("deadline") ?? DEADLINE_SECONDS;
  const nodeId = await want(call, "draining", words);
  const endMs = performance.now() + seconds * 1000;
  for (let said = "";;) {
    const nodes = await listNodes(call);
    const left = leftOn(nodeId, nodes);
    if (left === "") return await call.output.line(`Node drained: ${nodeId}`);
    const news = [left, ...stuckOn(nodeId, nodes)];
    if (news.join() !== said) {
      for (const line of news) await call.output.line(line);
      said = news.join();
    }
    if (performance.now() > endMs) {
      throw new MaelstromError(
        "timeout",
        `Cannot drain node "${nodeId}" within ${seconds} s: ${
          news.join("; ")
        }; it goes on draining`,
      );
    }
    await pause(LOOK_EVERY_MS, call.signal);
    call.signal.throwIfAborted();
  }
}

/** What a node that drains has yet to give away or finish, in words; empty when it has nothing. */
function leftOn(nodeId: string, nodes: readonly NodeStatus[]): string {
  const node = nodes.find((node) => node.nodeId === nodeId);
  if (!node) return "";
  const names = [...new Set(node.runningComponents.map(({ componentName }) => componentName))];
  const isLast = nodes.every(({ state }) => state === "draining");
  // Without another node it goes on to poll.
  const pollers = isLast ? 0 : node.roles.filter(({ role }) => role.startsWith("source/")).length;
  const messages = isLast ? 0 : node.sources.reduce((sum, { inFlight }) => sum + inFlight, 0);
  const left = [
    ...(names.length > 0 ? [count(node.runningComponents.length, "instance")] : []),
    ...(pollers > 0 ? [count(pollers, "poller")] : []),
    ...(messages > 0 ? [count(messages, "message")] : []),
  ];
  if (left.length === 0) return "";
  const of = names.length > 0 ? `: ${names.sort().join(", ")}` : "";
  return `${left.join(", ")} left${of}`;
}

/** Why what is left on a node stays there, as its scheduler sees it. */
function stuckOn(nodeId: string, nodes: readonly NodeStatus[]): string[] {
  const { stuck = [] } = nodes.find((node) => node.nodeId === nodeId) ?? {};
  return stuck.map(({ componentName, reason }) =>
    `no other node takes "${componentName}": ${reason}`
  );
}

/** `node rm`: forgets a node that is gone. */
export async function removeNode(call: Call): Promise<void> {
  const { nodeId } = await findNode(call, ["node", "rm"]);
  const client = await call.client();
  await client.call("NodeService.RemoveNode", { nodeId }, call.signal);
  await call.output.line(`Node removed: ${nodeId}`);
}

async function want(call: Call, state: NodeState, words: readonly string[]): Promise<string> {
  const { nodeId } = await findNode(call, words);
  const client = await call.client();
  await client.call("NodeService.PutNodeState", { nodeId, state }, call.signal);
  return nodeId;
}

/** The node whose id begins with the operand; lists show only the beginning. */
async function findNode(call: Call, words: readonly string[]): Promise<NodeStatus> {
  const given = oneName(call, words);
  const nodes = await listNodes(call);
  const exact = nodes.find(({ nodeId }) => nodeId === given);
  const meant = exact ? [exact] : nodes.filter(({ nodeId }) => nodeId.startsWith(given));
  if (meant.length === 1) return meant[0]!;
  if (meant.length === 0) throw new MaelstromError("not_found", `Node not found: ${given}`);
  const found = meant.map(({ nodeId }) => nodeId).join(" and ");
  throw new MaelstromError("invalid", `Cannot tell which node "${given}" is: found ${found}`);
}

async function listNodes(call: Call): Promise<readonly NodeStatus[]> {
  const client = await call.client();
  return (await client.call("NodeService.ListNodeStatus", {}, call.signal)).nodes;
}

function count(many: number, noun: string): string {
  return many === 1 ? `1 ${noun}` : `${many} ${noun}s`;
}
