/** The commands about containers: `ps`, `logs` and `prune`. @module */
import type { Command } from "../command.ts";
import { JSON_FLAG, REFRESH_FLAG } from "./shared.ts";

const instanceList: Command = {
  words: ["ps"],
  alias: ["cluster", "ps"],
  summary: "List what runs in the cluster.",
  examples: [
    { text: "Every instance", line: "maelstrom ps" },
    { text: "Again every five seconds", line: "maelstrom ps --watch 5" },
  ],
  usage: ["[--watch [SECONDS]] [FLAGS]"],
  operandsMax: 1,
  flags: [
    REFRESH_FLAG,
    { name: "watch", short: "w", text: "Show it again every 2 seconds, or as often as said." },
    JSON_FLAG,
  ],
  notes: [
    "Watching ends with Ctrl-C, and goes on while the node restarts. With --json it prints a list " +
    "on each line.",
    "Max RAM is the memory set aside, in MiB; Concur % is the average use of the requests an " +
    "instance may serve at once.",
  ],
  run: async (call) => (await import("../commands/node.ts")).listInstances(call),
};

const logs: Command = {
  words: ["logs"],
  summary: "Print what instances write.",
  examples: [
    { text: "The last ten minutes of every component", line: "maelstrom logs" },
    { text: "Two components, on and on", line: "maelstrom logs shop 'blog-*' -f" },
    {
      text: "What a component wrote to standard error",
      line: `maelstrom logs shop --json | jq -r 'select(.stream == "stderr").line'`,
    },
  ],
  usage: ["[COMPONENT]... [FLAGS]"],
  operandsMax: 100,
  operands: ["component"],
  flags: [
    {
      name: "components",
      value: "LIST",
      completes: "component",
      text: "Components, separated by commas; the same as naming them.",
    },
    {
      name: "since",
      value: "WHEN",
      text: "Begin there: 10m, 1h30m, 2d, 2024-05-01T12:00, or seconds since 1970 (default 10m).",
    },
    {
      name: "follow",
      short: "f",
      text: "Go on with what is written, by instances to come as well.",
    },
    { name: "timestamps", short: "t", text: "Begin each line with the time when it was written." },
    { name: "json", text: "Print one JSON object per line; at is its time in milliseconds." },
  ],
  notes: [
    "A component is a name, or one of *, PART*, *PART and *PART*. Each line begins with its " +
    "component and instance; what an instance wrote to standard error goes to standard error.",
    "It ends with what is there, as other tools do, unless -f is given (the ancestor's logs always " +
    "follow). What an instance wrote goes with its container.",
    "A reader that stops reading for 5 seconds while it follows is told later how many lines it " +
    "missed.",
  ],
  run: async (call) => (await import("../commands/logs.ts")).printLogs(call),
};

const prune: Command = {
  words: ["prune"],
  summary: "Remove images and containers that nobody needs from the node.",
  examples: [
    { text: "See what would go", line: "maelstrom prune --dry-run" },
    { text: "Remove it", line: "maelstrom prune" },
  ],
  usage: ["[--dry-run] [--json]"],
  operandsMax: 0,
  flags: [
    { name: "dry-run", text: "Only say what would go." },
    { name: "json", text: "Print one JSON object per line." },
  ],
  notes: [
    "Stopped containers that this node left over go always; images only as " +
    "the MAEL_DOCKER_PRUNE_ settings of the daemon allow.",
  ],
  run: async (call) => (await import("../commands/prune.ts")).prune(call),
};

/** In the order of help. */
export const INSTANCE_COMMANDS: readonly Command[] = [
  instanceList,
  logs,
  prune,
];
