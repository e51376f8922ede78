/** The commands about the tool itself: `completion`, `version` and `help`. @module */
import type { Command } from "../command.ts";

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
  run: async (call) => await (await import("../commands/completion.ts")).printCompletion(call),
};

const version: Command = {
  words: ["version"],
  summary: "Print the version.",
  examples: [{ text: "For people", line: "maelstrom version" }],
  usage: ["[--json|--licenses]"],
  operandsMax: 0,
  flags: [
    { name: "json", text: "Print JSON instead of a line." },
    { name: "licenses", text: "Print the licences of the software that it is made with." },
  ],
  run: async (call) => (await import("../commands/version.ts")).printVersion(call),
};

const help: Command = {
  words: ["help"],
  summary: "Print help, for one command or for all.",
  examples: [{ text: "For one command", line: "maelstrom help comp put" }],
  usage: ["[COMMAND]"],
  operandsMax: 2,
  flags: [],
  run: async (call) => (await import("../help.ts")).printHelp(call.operands, call.output),
};

/** In the order of help. */
export const TOOL_COMMANDS: readonly Command[] = [
  completion,
  version,
  help,
];
