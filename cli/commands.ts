/**
 * The table of commands: help, usage errors, suggestions and the reference page are made from it.
 * Commands are loaded when they run.
 * @module
 */
import type { Command, Flag } from "./command.ts";

const JSON_FLAG: Flag = { name: "json", text: "Print JSON instead of a table." };
const REFRESH_FLAG: Flag = {
  name: "refresh",
  text: "Ask every node now, instead of what is known.",
};
const PREFIX_FLAG: Flag = {
  name: "prefix",
  value: "TEXT",
  text: "Only names that begin with TEXT.",
};
const WAIT_FLAGS: readonly Flag[] = [
  { name: "wait", text: "Follow the rollout until it serves or fails (default on a terminal)." },
  { name: "no-wait", text: "Return at once (default elsewhere)." },
  { name: "timeout", value: "SECONDS", text: "Longest time to wait; implies --wait." },
];
const WAIT_NOTE = "Waiting ends when every instance is of the new version and one serves, fails " +
  "with the last health checks and lines when the new version does not start, and times out (exit " +
  "code 6) when nothing changes for a minute more than a start may take. Whatever ends the wait, " +
  "the rollout goes on.";
const PROJECT_FLAG: Flag = {
  name: "project",
  value: "NAME",
  completes: "project",
  text: "Only those of this project.",
};
const FILE_NOTE =
  "A file holds one or more YAML documents, or one of JSON, with the fields of the " +
  "API (case does not matter). All of them are checked before the first is put.";
const VERSION_NOTE = "A version in the file must be the current one (0 creates). Without one, " +
  "whatever is there is replaced.";

const componentPut: Command = {
  words: ["comp", "put"],
  summary: "Create or replace a component.",
  examples: [
    { text: "Put what a file says", line: "maelstrom comp put -f shop.yml" },
    {
      text: "Put without a file",
      line: "maelstrom comp put shop --image shop:7 --port 8080 --env LOG_LEVEL=debug",
    },
    {
      text: "Edit what is there",
      line: "maelstrom comp get shop | sed s/shop:7/shop:8/ | maelstrom comp put -f -",
    },
  ],
  usage: ["-f FILE [--wait | --no-wait]", "NAME --image REF --port N [FLAGS]"],
  operandsMax: 1,
  operands: ["component"],
  flags: [
    {
      name: "file",
      short: "f",
      value: "FILE",
      completes: "file",
      text: "Components as YAML or JSON; - reads standard input.",
    },
    { name: "image", value: "REF", text: "Image to run." },
    { name: "port", value: "N", text: "Port in the container that receives requests." },
    {
      name: "env",
      value: "NAME=VALUE",
      repeat: true,
      text: "Environment variable of the container.",
    },
    {
      name: "command",
      value: "LINE",
      text: "Command instead of the image's; split at spaces, quotes keep them.",
    },
    { name: "min", value: "N", text: "Instances kept even without traffic (default 0)." },
    { name: "max", value: "N", text: "Most instances in the cluster (default 0: no limit)." },
    { name: "concurrency", value: "N", text: "Requests one instance serves at once (default 1)." },
    {
      name: "idle",
      value: "SECONDS",
      text: "Idle time after which the last instance stops (default 300).",
    },
    { name: "health", value: "PATH", text: "Path of the health check (default /)." },
    { name: "memory", value: "MIB", text: "Memory set aside for an instance (default 128)." },
    {
      name: "volume",
      value: "SRC:DST[:ro]",
      repeat: true,
      text: "Directory, or named volume, of the machine to mount.",
    },
    {
      name: "publish",
      value: "PORTS",
      repeat: true,
      text: "Extra port binding, such as 8080:80 or 127.0.0.1:5353:53/udp.",
    },
    {
      name: "restart-order",
      value: "ORDER",
      completes: ["startstop", "stopstart"],
      text: "startstop: start the new instance first; stopstart (default).",
    },
    ...WAIT_FLAGS,
  ],
  notes: [
    "A put states the whole component: settings that are not named get their defaults, also when " +
    "the component exists.",
    FILE_NOTE,
    VERSION_NOTE,
    WAIT_NOTE,
  ],
  run: async (call) => (await import("./commands/component.ts")).putComponent(call),
};

const componentList: Command = {
  words: ["comp", "ls"],
  summary: "List components.",
  examples: [
    { text: "All of them", line: "maelstrom comp ls" },
    { text: "Their images", line: "maelstrom comp ls --json | jq -r '.[].docker.image'" },
  ],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [PREFIX_FLAG, PROJECT_FLAG, JSON_FLAG],
  run: async (call) => (await import("./commands/component.ts")).listComponents(call),
};

const componentGet: Command = {
  words: ["comp", "get"],
  summary: "Print a component, in the form that comp put takes, and how it fares.",
  examples: [
    { text: "As YAML", line: "maelstrom comp get shop" },
    { text: "Why it does not start", line: "maelstrom comp get shop --json | jq .status.failures" },
  ],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["component"],
  flags: [{ name: "json", text: "Print JSON instead of YAML." }],
  notes: [
    "Comment lines before the component tell its instances by version and node, their last health " +
    "checks, and of a version that does not start the reason and the last lines it wrote.",
    'As JSON the same is the key "status" beside the component\'s own; comp put passes over both.',
  ],
  run: async (call) => (await import("./commands/component.ts")).getComponent(call),
};

const componentRemove: Command = {
  words: ["comp", "rm"],
  summary: "Remove a component and its event sources.",
  examples: [{ text: "Remove one", line: "maelstrom comp rm shop" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["component"],
  flags: [],
  notes: ["Its containers are stopped once the requests they serve have ended."],
  run: async (call) => (await import("./commands/component.ts")).removeComponent(call),
};

const componentVersions: Command = {
  words: ["comp", "versions"],
  summary: "List the versions of a component that one may go back to.",
  examples: [{ text: "Newest first", line: "maelstrom comp versions shop" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["component"],
  flags: [JSON_FLAG],
  notes: [
    "The last ten contents that differ are kept, with their images. Changed says what differs from " +
    "the line below.",
  ],
  run: async (call) => (await import("./commands/component.ts")).listVersions(call),
};

const componentRollback: Command = {
  words: ["comp", "rollback"],
  summary: "Put an earlier version of a component again.",
  examples: [
    { text: "What was there before", line: "maelstrom comp rollback shop" },
    { text: "A version that comp versions lists", line: "maelstrom comp rollback shop 3" },
  ],
  usage: ["NAME [VERSION] [FLAGS]"],
  operandsMax: 2,
  operands: ["component", []],
  flags: [{ name: "json", text: "Print what the node answers, as JSON." }, ...WAIT_FLAGS],
  notes: [
    "It becomes the next version, and is rolled out as every put is. Without VERSION it is the " +
    "newest that differs, so a second rollback takes back the first.",
    "Event sources stay as they are, and so do named values (cfg).",
    WAIT_NOTE,
  ],
  run: async (call) => (await import("./commands/component.ts")).rollbackComponent(call),
};

const cfgPut: Command = {
  words: ["cfg", "put"],
  summary: "Set named values that environments refer to as ${cfg:NAME}.",
  examples: [
    { text: "Set two values", line: "maelstrom cfg put LOG_LEVEL=debug REGION=eu" },
    {
      text: "Set a secret without showing it to the shell",
      line: "maelstrom cfg put DB_PASSWORD - --secret < password.txt",
    },
  ],
  usage: ["NAME=VALUE... [--secret]", "NAME - [--secret]"],
  operandsMax: 100,
  flags: [
    { name: "secret", text: "Keep them sealed; they are never shown again, also not in logs." },
  ],
  notes: [
    "A - reads the value from standard input, without its last line feed. All values are set, or " +
    "none.",
    "Components that use a value that changed get a new version and are rolled out.",
    "A secret has at least 4 characters, and is replaced with --secret only. To make it plain, " +
    "remove it first.",
  ],
  run: async (call) => (await import("./commands/cfg.ts")).putCfg(call),
};

const cfgList: Command = {
  words: ["cfg", "ls"],
  summary: "List named values and the components that use them.",
  examples: [{ text: "All of them", line: "maelstrom cfg ls" }],
  usage: ["[--json]"],
  operandsMax: 0,
  flags: [JSON_FLAG],
  run: async (call) => (await import("./commands/cfg.ts")).listCfg(call),
};

const cfgGet: Command = {
  words: ["cfg", "get"],
  summary: "Print a named value, unless it is secret.",
  examples: [{ text: "Print one", line: "maelstrom cfg get LOG_LEVEL" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["cfg"],
  flags: [{ name: "json", text: "Print JSON instead of the value." }],
  run: async (call) => (await import("./commands/cfg.ts")).getCfg(call),
};

const cfgRemove: Command = {
  words: ["cfg", "rm"],
  summary: "Remove a named value that no component uses.",
  examples: [{ text: "Remove one", line: "maelstrom cfg rm LOG_LEVEL" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["cfg"],
  flags: [],
  run: async (call) => (await import("./commands/cfg.ts")).removeCfg(call),
};

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
  run: async (call) => (await import("./commands/source.ts")).putEventSource(call),
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
  run: async (call) => (await import("./commands/source.ts")).listEventSources(call),
};

const sourceGet: Command = {
  words: ["es", "get"],
  summary: "Print an event source, in the form that es put takes.",
  examples: [{ text: "As YAML", line: "maelstrom es get shop_http" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["source"],
  flags: [{ name: "json", text: "Print JSON instead of YAML." }],
  run: async (call) => (await import("./commands/source.ts")).getEventSource(call),
};

const sourceRemove: Command = {
  words: ["es", "rm"],
  summary: "Remove an event source.",
  examples: [{ text: "Remove one", line: "maelstrom es rm shop_http" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["source"],
  flags: [],
  run: async (call) => (await import("./commands/source.ts")).removeEventSource(call),
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
  run: async (call) => (await import("./commands/source.ts")).toggleEventSources(call, true),
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
  run: async (call) => (await import("./commands/source.ts")).toggleEventSources(call, false),
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
  run: async (call) => await (await import("./commands/source_runs.ts")).listRuns(call),
};

const sourceRun: Command = {
  words: ["es", "run"],
  summary: "Run a cron event source now, whatever its schedule and its switch say.",
  examples: [{ text: "Run it", line: "maelstrom es run shop_nightly" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["source"],
  flags: [{ name: "json", text: "Print what the node answers, as JSON." }],
  run: async (call) => await (await import("./commands/source_runs.ts")).runSource(call),
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
  run: async (call) => await (await import("./commands/source_runs.ts")).nextTimes(call),
};

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
  run: async (call) => (await import("./commands/queue.ts")).sendMessages(call),
};

const queueList: Command = {
  words: ["queue", "ls"],
  summary: "List the queues that the nodes keep.",
  examples: [{ text: "All of them", line: "maelstrom queue ls" }],
  usage: ["[--json]"],
  operandsMax: 0,
  flags: [JSON_FLAG],
  notes: ["Dead are the messages that the queue gave up; queue peek --dead shows them."],
  run: async (call) => (await import("./commands/queue.ts")).listQueues(call),
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
  run: async (call) => (await import("./commands/queue.ts")).peekQueue(call),
};

const queuePurge: Command = {
  words: ["queue", "purge"],
  summary: "Remove every message of a queue.",
  examples: [{ text: "Remove what was given up", line: "maelstrom queue purge images-dead" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["queue"],
  flags: [],
  run: async (call) => (await import("./commands/queue.ts")).purgeQueue(call),
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
  run: async (call) => (await import("./commands/queue.ts")).redriveQueue(call),
};

const nodeList: Command = {
  words: ["node", "ls"],
  alias: ["cluster", "nodes"],
  summary: "List the nodes of the cluster.",
  examples: [{ text: "All of them", line: "maelstrom node ls" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [REFRESH_FLAG, JSON_FLAG],
  notes: ["Free RAM is in MiB; Load Avg is over 1, 5 and 15 minutes."],
  run: async (call) => (await import("./commands/node.ts")).listNodes(call),
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
  run: async (call) => await (await import("./commands/node_state.ts")).getNode(call),
};

const nodeDrain: Command = {
  words: ["node", "drain"],
  summary: "Move a node's instances to other nodes, and wait until they have gone.",
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
  run: async (call) => await (await import("./commands/node_state.ts")).drainNode(call),
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
  run: async (call) => await (await import("./commands/node_state.ts")).cordonNode(call),
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
  run: async (call) => await (await import("./commands/node_state.ts")).uncordonNode(call),
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
  run: async (call) => await (await import("./commands/node_state.ts")).removeNode(call),
};

const tokenCreate: Command = {
  words: ["token", "create"],
  summary: "Create a token for the API, and print it this once.",
  examples: [
    { text: "For a deploy job", line: "maelstrom token create ci --scope deploy --expires 90d" },
    {
      text: "Use it elsewhere",
      line: "MAELSTROM_TOKEN=mael_… MAELSTROM_PRIVATE_URL=http://node:8374 maelstrom ps",
    },
  ],
  usage: ["NAME --scope SCOPE [--expires TIME] [--json]"],
  operandsMax: 1,
  flags: [
    {
      name: "scope",
      value: "SCOPE",
      completes: ["read", "deploy", "admin"],
      text: "What it allows: read, deploy or admin.",
    },
    { name: "expires", value: "TIME", text: "How long it lives: 90d, 12h (default: for ever)." },
    { name: "json", text: "Print JSON instead of the token alone." },
  ],
  notes: [
    "read sees everything but secrets; deploy also changes components, event sources, projects " +
    "and plain values; admin may do all.",
  ],
  run: async (call) => (await import("./commands/token.ts")).createToken(call),
};

const tokenList: Command = {
  words: ["token", "ls"],
  summary: "List tokens.",
  examples: [{ text: "All of them", line: "maelstrom token ls" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [JSON_FLAG],
  run: async (call) => (await import("./commands/token.ts")).listTokens(call),
};

const tokenRemove: Command = {
  words: ["token", "rm"],
  summary: "Remove a token; it is refused from then on.",
  examples: [{ text: "Remove one", line: "maelstrom token rm ci" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["token"],
  flags: [],
  run: async (call) => (await import("./commands/token.ts")).removeToken(call),
};

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
  run: async (call) => (await import("./commands/node.ts")).listInstances(call),
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
  run: async (call) => (await import("./commands/logs.ts")).printLogs(call),
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
  run: async (call) => (await import("./commands/prune.ts")).prune(call),
};

const PROJECT_FILE_FLAGS: readonly Flag[] = [
  {
    name: "file",
    short: "f",
    value: "FILE",
    completes: "file",
    text: "Project file (default maelstrom.yml); - reads standard input.",
  },
  {
    name: "env",
    value: "FILE",
    completes: "file",
    text: "NAME=VALUE lines that go before the environment where the file says ${NAME}.",
  },
  { name: "json", text: "Print what the node answers, as JSON." },
];
const PROJECT_NOTE =
  "Names in the file get the project's name before them: hello of project demo " +
  "is demo_hello. 'maelstrom project schema' prints what a file may say.";

const projectPut: Command = {
  words: ["project", "put"],
  summary: "Create or replace a project: all of its components, or none.",
  examples: [
    { text: "Put maelstrom.yml", line: "maelstrom project put" },
    {
      text: "Put a file with the values of an environment",
      line: "maelstrom project put -f shop.yml --env production.env",
    },
  ],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [
    ...PROJECT_FILE_FLAGS,
    { name: "dry-run", text: "Change nothing; print what would change, as project diff does." },
    { name: "diffonly", text: "The same as --dry-run." },
    ...WAIT_FLAGS,
  ],
  notes: [
    "Components and event sources of the project that the file does not name are removed.",
    PROJECT_NOTE,
    WAIT_NOTE,
  ],
  run: async (call) => await (await import("./commands/project.ts")).putProject(call),
};

const projectDiff: Command = {
  words: ["project", "diff"],
  summary: "Print what a put of a project would change.",
  examples: [{ text: "Of maelstrom.yml", line: "maelstrom project diff" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: PROJECT_FILE_FLAGS,
  notes: [
    "Exits with 0 when nothing would change, with 1 when something would, with 2 when it fails.",
  ],
  run: async (call) => await (await import("./commands/project.ts")).diffProject(call),
};

const projectList: Command = {
  words: ["project", "ls"],
  summary: "List projects.",
  examples: [{ text: "All of them", line: "maelstrom project ls" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [PREFIX_FLAG, JSON_FLAG],
  run: async (call) => await (await import("./commands/project.ts")).listProjects(call),
};

const projectGet: Command = {
  words: ["project", "get"],
  summary: "Print a project as a file that project put takes.",
  examples: [{ text: "Keep it in a file", line: "maelstrom project get demo > maelstrom.yml" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["project"],
  flags: [{ name: "json", text: "Print JSON, with the fields of the API, instead of YAML." }],
  run: async (call) => await (await import("./commands/project.ts")).getProject(call),
};

const projectRemove: Command = {
  words: ["project", "rm"],
  summary: "Remove a project: its components and event sources.",
  examples: [{ text: "Remove one", line: "maelstrom project rm demo" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["project"],
  flags: [],
  run: async (call) => await (await import("./commands/project.ts")).removeProject(call),
};

const projectSchema: Command = {
  words: ["project", "schema"],
  summary: "Print the JSON Schema of project files.",
  examples: [
    { text: "For an editor", line: "maelstrom project schema > maelstrom.schema.json" },
  ],
  usage: [""],
  operandsMax: 0,
  flags: [],
  notes: [
    "An editor with a YAML language server completes a file that begins with the line " +
    "# yaml-language-server: $schema=maelstrom.schema.json",
  ],
  run: async (call) => await (await import("./commands/project.ts")).printProjectSchema(call),
};

const completion: Command = {
  words: ["completion"],
  summary: "Print the script that completes commands, flags and names in a shell.",
  examples: [
    {
      text: "bash, with the package bash-completion",
      line: "maelstrom completion bash > /etc/bash_completion.d/maelstrom",
    },
    {
      text: "zsh, in a directory of fpath",
      line: "maelstrom completion zsh > /usr/local/share/zsh/site-functions/_maelstrom",
    },
    {
      text: "fish",
      line: "maelstrom completion fish > ~/.config/fish/completions/maelstrom.fish",
    },
  ],
  usage: ["bash|zsh|fish"],
  operandsMax: 1,
  operands: [["bash", "zsh", "fish"], []],
  flags: [],
  notes: [
    "For one session: 'source <(maelstrom completion bash)', the same with zsh after compinit, or " +
    "'maelstrom completion fish | source'.",
    "The script asks maelstrom at each press of the key, so it stays right when maelstrom is " +
    "replaced. Without a node it completes commands and flags.",
  ],
  run: async (call) => await (await import("./commands/completion.ts")).printCompletion(call),
};

const version: Command = {
  words: ["version"],
  summary: "Print the version.",
  examples: [{ text: "For people", line: "maelstrom version" }],
  usage: ["[--json]"],
  operandsMax: 0,
  flags: [{ name: "json", text: "Print JSON instead of a line." }],
  run: async (call) => (await import("./commands/version.ts")).printVersion(call),
};

const help: Command = {
  words: ["help"],
  summary: "Print help, for one command or for all.",
  examples: [{ text: "For one command", line: "maelstrom help comp put" }],
  usage: ["[COMMAND]"],
  operandsMax: 2,
  flags: [],
  run: async (call) => (await import("./help.ts")).printHelp(call.operands, call.output),
};

/** The command that is not here: it starts the node and has a table of its own. */
export const DAEMON: Pick<Command, "words" | "summary"> = {
  words: ["daemon"],
  summary: "Make this machine a node.",
};

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = [
  componentPut,
  componentList,
  componentGet,
  componentRemove,
  componentVersions,
  componentRollback,
  sourcePut,
  sourceList,
  sourceGet,
  sourceRemove,
  sourceEnable,
  sourceDisable,
  sourceRuns,
  sourceRun,
  sourceNext,
  projectPut,
  projectDiff,
  projectList,
  projectGet,
  projectRemove,
  projectSchema,
  cfgPut,
  cfgList,
  cfgGet,
  cfgRemove,
  queueSend,
  queueList,
  queuePeek,
  queuePurge,
  queueRedrive,
  nodeList,
  nodeGet,
  nodeDrain,
  nodeCordon,
  nodeUncordon,
  nodeRemove,
  tokenCreate,
  tokenList,
  tokenRemove,
  instanceList,
  logs,
  prune,
  completion,
  version,
  help,
];
