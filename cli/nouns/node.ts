/** The commands `node`: the machines of the cluster. @module */
import type { Command } from "../command.ts";
import { JSON_FLAG, REFRESH_FLAG } from "./shared.ts";

const nodeList: Command = {
  words: ["node", "ls"],
  alias: ["cluster", "nodes"],
  summary: "List the nodes of the cluster.",
  examples: [{ text: "All of them", line: "maelstrom node ls" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [REFRESH_FLAG, JSON_FLAG],
  notes: ["Free RAM is in MiB; Load Avg is over 1, 5 and 15 minutes."],
  run: async (call) => (await import("../commands/node.ts")).listNodes(call),
};

const NODE_NOTE = "NODE is the node's id, or enough of its beginning.";

const nodeGet: Command = {
  words: ["node", "get"],
  summary: "Print what a node says of itself.",
  examples: [{ text: "As YAML", line: "maelstrom node get 4f21" }],
  usage: ["NODE [--json]"],
  operandsMax: 1,
  operands: ["node"],
  flags: [{ name: "json", text: "Print JSON instead of YAML." }],
  notes: [NODE_NOTE],
  run: async (call) => await (await import("../commands/node_state.ts")).getNode(call),
};

const nodeDrain: Command = {
  words: ["node", "drain"],
  summary: "Move a node's instances and pollers to other nodes, and wait until it holds nothing.",
  examples: [{ text: "Before a machine is taken down", line: "maelstrom node drain 4f21" }],
  usage: ["NODE [--deadline SECONDS]"],
  operandsMax: 1,
  operands: ["node"],
  flags: [{
    name: "deadline",
    value: "SECONDS",
    text: "Longest wait (default 600); the node goes on draining after it.",
  }],
  notes: [
    "Each instance goes when its replacement serves, so no request fails. The node gets no new " +
    "instances until node uncordon.",
    NODE_NOTE,
  ],
  run: async (call) => await (await import("../commands/node_state.ts")).drainNode(call),
};

const nodeCordon: Command = {
  words: ["node", "cordon"],
  summary: "Give a node no new instances; it keeps those it has.",
  examples: [{ text: "Cordon one", line: "maelstrom node cordon 4f21" }],
  usage: ["NODE"],
  operandsMax: 1,
  operands: ["node"],
  flags: [],
  notes: [NODE_NOTE],
  run: async (call) => await (await import("../commands/node_state.ts")).cordonNode(call),
};

const nodeUncordon: Command = {
  words: ["node", "uncordon"],
  summary: "Let a node take instances again.",
  examples: [{ text: "After its machine is back", line: "maelstrom node uncordon 4f21" }],
  usage: ["NODE"],
  operandsMax: 1,
  operands: ["node"],
  flags: [],
  notes: [NODE_NOTE],
  run: async (call) => await (await import("../commands/node_state.ts")).uncordonNode(call),
};

const nodeRemove: Command = {
  words: ["node", "rm"],
  summary: "Forget a node that is gone for good.",
  examples: [{ text: "Remove one", line: "maelstrom node rm 4f21" }],
  usage: ["NODE"],
  operandsMax: 1,
  operands: ["node"],
  flags: [],
  notes: ["A node that runs cannot be removed; it would be back at once.", NODE_NOTE],
  run: async (call) => await (await import("../commands/node_state.ts")).removeNode(call),
};

/** In the order of help. */
export const NODE_COMMANDS: readonly Command[] = [
  nodeList,
  nodeGet,
  nodeDrain,
  nodeCordon,
  nodeUncordon,
  nodeRemove,
];
