/** The commands `comp`: components, their versions and the way back. @module */
import type { Command } from "../command.ts";
import {
  FILE_NOTE,
  JSON_FLAG,
  PREFIX_FLAG,
  PROJECT_FLAG,
  VERSION_NOTE,
  WAIT_FLAGS,
  WAIT_NOTE,
} from "./shared.ts";

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
  run: async (call) => (await import("../commands/component.ts")).putComponent(call),
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
  run: async (call) => (await import("../commands/component.ts")).listComponents(call),
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
  run: async (call) => (await import("../commands/component.ts")).getComponent(call),
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
  run: async (call) => (await import("../commands/component.ts")).removeComponent(call),
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
  run: async (call) => (await import("../commands/component.ts")).listVersions(call),
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
  run: async (call) => (await import("../commands/component.ts")).rollbackComponent(call),
};

/** In the order of help. */
export const COMPONENT_COMMANDS: readonly Command[] = [
  componentPut,
  componentList,
  componentGet,
  componentRemove,
  componentVersions,
  componentRollback,
];
