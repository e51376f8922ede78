/** The commands `project`: a file of components that are put as one. @module */
import type { Command, Flag } from "../command.ts";
import { JSON_FLAG, PREFIX_FLAG, WAIT_FLAGS, WAIT_NOTE } from "./shared.ts";

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
  run: async (call) => await (await import("../commands/project.ts")).putProject(call),
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
  run: async (call) => await (await import("../commands/project.ts")).diffProject(call),
};

const projectList: Command = {
  words: ["project", "ls"],
  summary: "List projects.",
  examples: [{ text: "All of them", line: "maelstrom project ls" }],
  usage: ["[FLAGS]"],
  operandsMax: 0,
  flags: [PREFIX_FLAG, JSON_FLAG],
  run: async (call) => await (await import("../commands/project.ts")).listProjects(call),
};

const projectGet: Command = {
  words: ["project", "get"],
  summary: "Print a project as a file that project put takes.",
  examples: [{ text: "Keep it in a file", line: "maelstrom project get demo > maelstrom.yml" }],
  usage: ["NAME [--json]"],
  operandsMax: 1,
  operands: ["project"],
  flags: [{ name: "json", text: "Print JSON, with the fields of the API, instead of YAML." }],
  run: async (call) => await (await import("../commands/project.ts")).getProject(call),
};

const projectRemove: Command = {
  words: ["project", "rm"],
  summary: "Remove a project: its components and event sources.",
  examples: [{ text: "Remove one", line: "maelstrom project rm demo" }],
  usage: ["NAME"],
  operandsMax: 1,
  operands: ["project"],
  flags: [],
  run: async (call) => await (await import("../commands/project.ts")).removeProject(call),
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
  run: async (call) => await (await import("../commands/project.ts")).printProjectSchema(call),
};

/** In the order of help. */
export const PROJECT_COMMANDS: readonly Command[] = [
  projectPut,
  projectDiff,
  projectList,
  projectGet,
  projectRemove,
  projectSchema,
];
