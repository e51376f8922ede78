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
const PROJECT_FLAG: Flag = { name: "project", value: "NAME", text: "Only those of this project." };
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
  usage: ["-f FILE", "NAME --image REF --port N [FLAGS]"],
  operandsMax: 1,
  flags: [
    {
      name: "file",
      short: "f",
      value: "FILE",
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
      text: "startstop: start the new instance first; stopstart (default).",
    },
  ],
  notes: [
    "A put states the whole component: settings that are not named get their defaults, also when " +
    "the component exists.",
    FILE_NOTE,
    VERSION_NOTE,
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
  summary: "Print a component, in the form that comp put takes.",
  examples: [{ text: "As YAML", line: "maelstrom comp get shop" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  flags: [{ name: "json", text: "Print JSON instead of YAML." }],
  run: async (call) => (await import("./commands/component.ts")).getComponent(call),
};

const componentRemove: Command = {
  words: ["comp", "rm"],
  summary: "Remove a component and its event sources.",
  examples: [{ text: "Remove one", line: "maelstrom comp rm shop" }],
  usage: ["NAME"],
  operandsMax: 1,
  flags: [],
  notes: ["Its containers are stopped once the requests they serve have ended."],
  run: async (call) => (await import("./commands/component.ts")).removeComponent(call),
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
  usage: ["-f FILE", "NAME --component C [--host H] [--path P] [--strip-prefix]"],
  operandsMax: 1,
  flags: [
    {
      name: "file",
      short: "f",
      value: "FILE",
      text: "Event sources as YAML or JSON; - reads standard input.",
    },
    { name: "component", value: "C", text: "Component that serves the requests." },
    { name: "host", value: "H", text: "Host name of the requests, such as shop.example.com." },
    { name: "path", value: "P", text: "What the path of the requests begins with." },
    { name: "strip-prefix", text: "Hide the prefix from the component." },
  ],
  notes: [
    "Flags describe HTTP sources; cron, sqs and awsstepfunc sources are put from a file.",
    FILE_NOTE,
    VERSION_NOTE,
  ],
  run: async (call) => (await import("./commands/source.ts")).putEventSource(call),
};

const sourceList: Command = {
  words: ["es", "ls"],
  summary: "List event sources.",
  examples: [
    { text: "All of them", line: "maelstrom es ls" },
    { text: "The cron times of a component", line: "maelstrom es ls --type cron --component shop" },
  ],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [
    PREFIX_FLAG,
    { name: "component", value: "NAME", text: "Only those of this component." },
    PROJECT_FLAG,
    { name: "type", value: "TYPE", text: "Only http, cron, sqs or awsstepfunc." },
    JSON_FLAG,
  ],
  run: async (call) => (await import("./commands/source.ts")).listEventSources(call),
};

const sourceGet: Command = {
  words: ["es", "get"],
  summary: "Print an event source, in the form that es put takes.",
  examples: [{ text: "As YAML", line: "maelstrom es get shop_http" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  flags: [{ name: "json", text: "Print JSON instead of YAML." }],
  run: async (call) => (await import("./commands/source.ts")).getEventSource(call),
};

const sourceRemove: Command = {
  words: ["es", "rm"],
  summary: "Remove an event source.",
  examples: [{ text: "Remove one", line: "maelstrom es rm shop_http" }],
  usage: ["NAME"],
  operandsMax: 1,
  flags: [],
  run: async (call) => (await import("./commands/source.ts")).removeEventSource(call),
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

const instanceList: Command = {
  words: ["ps"],
  alias: ["cluster", "ps"],
  summary: "List what runs in the cluster.",
  examples: [{ text: "Every instance", line: "maelstrom ps" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [REFRESH_FLAG, JSON_FLAG],
  notes: [
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
  flags: [
    {
      name: "components",
      value: "LIST",
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
    { name: "json", text: "Print one JSON object per line." },
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
    text: "Project file (default maelstrom.yml); - reads standard input.",
  },
  {
    name: "env",
    value: "FILE",
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
  ],
  notes: [
    "Components and event sources of the project that the file does not name are removed.",
    PROJECT_NOTE,
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
  flags: [{ name: "json", text: "Print JSON, with the fields of the API, instead of YAML." }],
  run: async (call) => await (await import("./commands/project.ts")).getProject(call),
};

const projectRemove: Command = {
  words: ["project", "rm"],
  summary: "Remove a project: its components and event sources.",
  examples: [{ text: "Remove one", line: "maelstrom project rm demo" }],
  usage: ["NAME"],
  operandsMax: 1,
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
  sourcePut,
  sourceList,
  sourceGet,
  sourceRemove,
  projectPut,
  projectDiff,
  projectList,
  projectGet,
  projectRemove,
  projectSchema,
  nodeList,
  instanceList,
  logs,
  prune,
  version,
  help,
];
