/** The commands `es`: event sources, their switch, and the runs of cron. @module */
import type { Command, Flag } from "../command.ts";
import { FILE_NOTE, JSON_FLAG, PREFIX_FLAG, PROJECT_FLAG, VERSION_NOTE } from "./shared.ts";

const sourcePut: Command = {
  words: ["es", "put"],
  summary: "Create or replace an event source: what wakes a component.",
  examples: [
    { text: "Put what a file says", line: "maelstrom es put -f shop_http.yml" },
    {
      text: "Send the requests of a host to a component",
      line: "maelstrom es put shop_http --component shop --host shop.example.com",
    },
  ],
  usage: [
    "-f FILE [--dry-run]",
    "NAME --component C [--host H] [--path P] [FLAGS]",
  ],
  operandsMax: 1,
  operands: ["source"],
  flags: [
    {
      name: "file",
      short: "f",
      value: "FILE",
      completes: "file",
      text: "Event sources as YAML or JSON; - reads standard input.",
    },
    {
      name: "component",
      value: "C",
      completes: "component",
      text: "Component that serves the requests.",
    },
    { name: "host", value: "H", text: "Host name of the requests, such as shop.example.com." },
    { name: "path", value: "P", text: "What the path of the requests begins with." },
    { name: "strip-prefix", text: "Hide the prefix from the component." },
    {
      name: "dry-run",
      text: "Put nothing; check, and print the next ten times of cron event sources.",
    },
  ],
  notes: [
    "Flags describe HTTP sources; cron, sqs, awsstepfunc and queue sources are put from a file.",
    FILE_NOTE,
    VERSION_NOTE,
  ],
  run: async (call) => (await import("../commands/source.ts")).putEventSource(call),
};

const SOURCE_FILTER_FLAGS: readonly Flag[] = [
  PREFIX_FLAG,
  {
    name: "component",
    value: "NAME",
    completes: "component",
    text: "Only those of this component.",
  },
  PROJECT_FLAG,
  {
    name: "type",
    value: "TYPE",
    completes: ["http", "cron", "sqs", "awsstepfunc", "queue"],
    text: "Only http, cron, sqs, awsstepfunc or queue.",
  },
];

const sourceList: Command = {
  words: ["es", "ls"],
  summary: "List event sources.",
  examples: [
    { text: "All of them", line: "maelstrom es ls" },
    { text: "The cron times of a component", line: "maelstrom es ls --type cron --component shop" },
  ],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [...SOURCE_FILTER_FLAGS, JSON_FLAG],
  run: async (call) => (await import("../commands/source.ts")).listEventSources(call),
};

const sourceGet: Command = {
  words: ["es", "get"],
  summary: "Print an event source, in the form that es put takes.",
  examples: [{ text: "As YAML", line: "maelstrom es get shop_http" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["source"],
  flags: [{ name: "json", text: "Print JSON instead of YAML." }],
  run: async (call) => (await import("../commands/source.ts")).getEventSource(call),
};

const sourceRemove: Command = {
  words: ["es", "rm"],
  summary: "Remove an event source.",
  examples: [{ text: "Remove one", line: "maelstrom es rm shop_http" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["source"],
  flags: [],
  run: async (call) => (await import("../commands/source.ts")).removeEventSource(call),
};

const TOGGLE_NOTE = "Without a flag it is all of them. What was so already is not listed, and a " +
  "put of an event source or a project leaves the switch as it is.";

const sourceEnable: Command = {
  words: ["es", "enable"],
  summary: "Switch event sources on.",
  examples: [{ text: "Those of a component", line: "maelstrom es enable --component shop" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [...SOURCE_FILTER_FLAGS, JSON_FLAG],
  notes: [TOGGLE_NOTE],
  run: async (call) => (await import("../commands/source.ts")).toggleEventSources(call, true),
};

const sourceDisable: Command = {
  words: ["es", "disable"],
  summary: "Switch event sources off: they wake nothing.",
  examples: [
    { text: "Those of a component", line: "maelstrom es disable --component shop" },
    {
      text: "The cron times of a project",
      line: "maelstrom es disable --project shop --type cron",
    },
  ],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [...SOURCE_FILTER_FLAGS, JSON_FLAG],
  notes: [TOGGLE_NOTE],
  run: async (call) => (await import("../commands/source.ts")).toggleEventSources(call, false),
};

const sourceRuns: Command = {
  words: ["es", "runs"],
  summary: "List what became of the times of a cron event source, newest first.",
  examples: [
    { text: "The last twenty", line: "maelstrom es runs shop_nightly" },
    { text: "More of them, for a program", line: "maelstrom es runs shop_nightly -n 500 --json" },
  ],
  usage: ["NAME [-n COUNT] [--json]"],
  operandsMax: 1,
  operands: ["source"],
  flags: [
    { name: "count", short: "n", value: "COUNT", text: "How many, at most 1000 (default 20)." },
    JSON_FLAG,
  ],
  notes: [
    "succeeded: answered with 2xx; failed: another answer, or none; lost: its node died or lost " +
    "the database; waiting: for another attempt; queued: for the run before; replaced: by a later " +
    "one; skipped: never started. One line may stand for several times that were skipped.",
  ],
  run: async (call) => await (await import("../commands/source_runs.ts")).listRuns(call),
};

const sourceRun: Command = {
  words: ["es", "run"],
  summary: "Run a cron event source now, whatever its schedule and its switch say.",
  examples: [{ text: "Run it", line: "maelstrom es run shop_nightly" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["source"],
  flags: [{ name: "json", text: "Print what the node answers, as JSON." }],
  run: async (call) => await (await import("../commands/source_runs.ts")).runSource(call),
};

const sourceNext: Command = {
  words: ["es", "next"],
  summary: "Print the next times of a cron event source.",
  examples: [{ text: "The next three", line: "maelstrom es next shop_nightly -n 3" }],
  usage: ["NAME [-n COUNT] [--json]"],
  operandsMax: 1,
  operands: ["source"],
  flags: [
    { name: "count", short: "n", value: "COUNT", text: "How many, at most 1000 (default 10)." },
    { name: "json", text: "Print JSON, with times in milliseconds since 1970." },
  ],
  run: async (call) => await (await import("../commands/source_runs.ts")).nextTimes(call),
};

/** In the order of help. */
export const SOURCE_COMMANDS: readonly Command[] = [
  sourcePut,
  sourceList,
  sourceGet,
  sourceRemove,
  sourceEnable,
  sourceDisable,
  sourceRuns,
  sourceRun,
  sourceNext,
];
