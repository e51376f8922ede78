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

/** `node drain`: moves the node's instances elsewhere, and waits until they have gone. */
export async function drainNode(call: Call): Promise<void> {
  const words = ["node", "drain"];
  const seconds = call.flags.count("deadline") ?? DEADLINE_SECONDS;
  const nodeId = await want(call, "draining", words);
  const endMs = performance.now() + seconds * 1000;
  for (let said = "";;) {
    const node = (await listNodes(call)).find((node) => node.nodeId === nodeId);
    const left = node?.runningComponents ?? [];
    if (left.length === 0) return await call.output.line(`Node drained: ${nodeId}`);
    const stuck = (node?.stuck ?? []).map(({ componentName, reason }) =>
      `no other node takes "${componentName}": ${reason}`
    );
    const names = [...new Set(left.map(({ componentName }) => componentName))].sort();
    const news = [`${instances(left.length)} left: ${names.join(", ")}`, ...stuck];
    if (news.join() !== said) {
      for (const line of news) await call.output.line(line);
      said = news.join();
    }
    if (performance.now() > endMs) {
      throw new MaelstromError(
        "timeout",
        `Cannot drain node "${nodeId}": ${
          [`${instances(left.length)} left after ${seconds} s`, ...stuck].join("; ")
        }; it goes on draining`,
      );
    }
    await pause(LOOK_EVERY_MS, call.signal);
    call.signal.throwIfAborted();
  }
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

function instances(count: number): string {
  return count === 1 ? "1 instance" : `${count} instances`;
}
