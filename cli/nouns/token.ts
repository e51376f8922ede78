/** The commands `token`: who else may use the API. @module */
import type { Command } from "../command.ts";
import { JSON_FLAG } from "./shared.ts";

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
  run: async (call) => (await import("../commands/token.ts")).createToken(call),
};

const tokenList: Command = {
  words: ["token", "ls"],
  summary: "List tokens.",
  examples: [{ text: "All of them", line: "maelstrom token ls" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [JSON_FLAG],
  run: async (call) => (await import("../commands/token.ts")).listTokens(call),
};

const tokenRemove: Command = {
  words: ["token", "rm"],
  summary: "Remove a token; it is refused from then on.",
  examples: [{ text: "Remove one", line: "maelstrom token rm ci" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["token"],
  flags: [],
  run: async (call) => (await import("../commands/token.ts")).removeToken(call),
};

/** In the order of help. */
export const TOKEN_COMMANDS: readonly Command[] = [
  tokenCreate,
  tokenList,
  tokenRemove,
];
