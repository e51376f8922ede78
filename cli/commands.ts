/**
 * The table of commands: help, usage errors, suggestions and the reference page are made from it. The
 * rows of each noun are in `nouns/`; what they do is in `commands/`, and is loaded when it is run.
 * @module
 */
import type { Command } from "./command.ts";
import { CFG_COMMANDS } from "./nouns/cfg.ts";
import { COMPONENT_COMMANDS } from "./nouns/component.ts";
import { INSTANCE_COMMANDS } from "./nouns/instance.ts";
import { NODE_COMMANDS } from "./nouns/node.ts";
import { PROJECT_COMMANDS } from "./nouns/project.ts";
import { QUEUE_COMMANDS } from "./nouns/queue.ts";
import { SOURCE_COMMANDS } from "./nouns/source.ts";
import { TOKEN_COMMANDS } from "./nouns/token.ts";
import { TOOL_COMMANDS } from "./nouns/tool.ts";

/** The command that is not here: it starts the node and has a table of its own. */
export const DAEMON: Pick<Command, "words" | "summary"> = {
  words: ["daemon"],
  summary: "Make this machine a node.",
};

/** Every command, in the order of help. */
export const COMMANDS: readonly Command[] = [
  ...COMPONENT_COMMANDS,
  ...SOURCE_COMMANDS,
  ...PROJECT_COMMANDS,
  ...CFG_COMMANDS,
  ...QUEUE_COMMANDS,
  ...NODE_COMMANDS,
  ...TOKEN_COMMANDS,
  ...INSTANCE_COMMANDS,
  ...TOOL_COMMANDS,
];
