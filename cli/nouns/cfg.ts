/** The commands `cfg`: named values and secrets. @module */
import type { Command } from "../command.ts";
import { JSON_FLAG, WAIT_FLAGS, WAIT_NOTE } from "./shared.ts";

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
  usage: ["NAME=VALUE... [FLAGS]", "NAME - [FLAGS]"],
  operandsMax: 100,
  flags: [
    { name: "secret", text: "Keep them sealed; they are never shown again, also not in logs." },
    ...WAIT_FLAGS,
  ],
  notes: [
    "A - reads the value from standard input, without its last line feed. All values are set, or " +
    "none.",
    "Components that use a value that changed get a new version and are rolled out.",
    "A secret has at least 4 characters, and is replaced with --secret only. To make it plain, " +
    "remove it first.",
    WAIT_NOTE,
  ],
  run: async (call) => (await import("../commands/cfg.ts")).putCfg(call),
};

const cfgList: Command = {
  words: ["cfg", "ls"],
  summary: "List named values and the components that use them.",
  examples: [{ text: "All of them", line: "maelstrom cfg ls" }],
  usage: ["[--json]"],
  operandsMax: 0,
  flags: [JSON_FLAG],
  run: async (call) => (await import("../commands/cfg.ts")).listCfg(call),
};

const cfgGet: Command = {
  words: ["cfg", "get"],
  summary: "Print a named value, unless it is secret.",
  examples: [{ text: "Print one", line: "maelstrom cfg get LOG_LEVEL" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["cfg"],
  flags: [{ name: "json", text: "Print JSON instead of the value." }],
  run: async (call) => (await import("../commands/cfg.ts")).getCfg(call),
};

const cfgRemove: Command = {
  words: ["cfg", "rm"],
  summary: "Remove a named value that no component uses.",
  examples: [{ text: "Remove one", line: "maelstrom cfg rm LOG_LEVEL" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["cfg"],
  flags: [],
  run: async (call) => (await import("../commands/cfg.ts")).removeCfg(call),
};

/** In the order of help. */
export const CFG_COMMANDS: readonly Command[] = [
  cfgPut,
  cfgList,
  cfgGet,
  cfgRemove,
];
