/** The commands `queue`: what is in the queues that the nodes keep. @module */
import type { Command } from "../command.ts";
import { JSON_FLAG } from "./shared.ts";

const queueSend: Command = {
  words: ["queue", "send"],
  summary: "Send a message to a queue that the nodes keep.",
  examples: [
    { text: "Send one", line: `maelstrom queue send images '{"id":7}'` },
    { text: "Each line of a stream", line: "cat ids.txt | maelstrom queue send images --lines" },
  ],
  usage: ["NAME MESSAGE|- [FLAGS]", "NAME --lines [FLAGS]"],
  operandsMax: 2,
  operands: ["queue", []],
  flags: [
    { name: "lines", text: "Send each line of standard input." },
    { name: "delay", value: "SECONDS", text: "Deliver it after this time, at most a week." },
    { name: "priority", value: "N", text: "0 (default) to 9; higher ones are delivered first." },
    {
      name: "attribute",
      value: "NAME=VALUE",
      repeat: true,
      text: "Sent to the component as header mael-attribute-NAME.",
    },
    { name: "json", text: "Print the ids as JSON." },
  ],
  notes: [
    "A queue is there when an event source reads it. A message that was sent is on disk, and is " +
    "delivered at least once.",
    "Attribute content-type becomes the header of that name. A - reads the message from standard " +
    "input.",
  ],
  run: async (call) => (await import("../commands/queue.ts")).sendMessages(call),
};

const queueList: Command = {
  words: ["queue", "ls"],
  summary: "List the queues that the nodes keep.",
  examples: [{ text: "All of them", line: "maelstrom queue ls" }],
  usage: ["[--json]"],
  operandsMax: 0,
  flags: [JSON_FLAG],
  notes: ["Dead are the messages that the queue gave up; queue peek --dead shows them."],
  run: async (call) => (await import("../commands/queue.ts")).listQueues(call),
};

const queuePeek: Command = {
  words: ["queue", "peek"],
  summary: "Show the next messages of a queue, and take none.",
  examples: [{ text: "Why messages were given up", line: "maelstrom queue peek images --dead" }],
  usage: ["NAME [FLAGS]"],
  operandsMax: 1,
  operands: ["queue"],
  flags: [
    { name: "limit", short: "n", value: "N", text: "At most so many, up to 100 (default 10)." },
    { name: "dead", text: "Show those that the queue gave up." },
    JSON_FLAG,
  ],
  run: async (call) => (await import("../commands/queue.ts")).peekQueue(call),
};

const queuePurge: Command = {
  words: ["queue", "purge"],
  summary: "Remove every message of a queue.",
  examples: [{ text: "Remove what was given up", line: "maelstrom queue purge images-dead" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["queue"],
  flags: [],
  run: async (call) => (await import("../commands/queue.ts")).purgeQueue(call),
};

const queueRedrive: Command = {
  words: ["queue", "redrive"],
  summary: "Move the messages that a queue gave up back into it.",
  examples: [{ text: "Try again", line: "maelstrom queue redrive images" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["queue"],
  flags: [],
  notes: ["NAME is the queue that gave them up. They are delivered as if they were new."],
  run: async (call) => (await import("../commands/queue.ts")).redriveQueue(call),
};

/** In the order of help. */
export const QUEUE_COMMANDS: readonly Command[] = [
  queueSend,
  queueList,
  queuePeek,
  queuePurge,
  queueRedrive,
];
