/** Flags and notes that the commands of several nouns share. @module */
import type { Flag } from "../command.ts";

/** Of commands that print a table. */
export const JSON_FLAG: Flag = { name: "json", text: "Print JSON instead of a table." };

/** Of commands that print what nodes say of themselves. */
export const REFRESH_FLAG: Flag = {
  name: "refresh",
  text: "Ask every node now, instead of what is known.",
};

/** Of lists: by the beginning of the name. */
export const PREFIX_FLAG: Flag = {
  name: "prefix",
  value: "TEXT",
  text: "Only names that begin with TEXT.",
};

/** Of commands that roll a version out. */
export const WAIT_FLAGS: readonly Flag[] = [
  { name: "wait", text: "Follow the rollout until it serves or fails (default on a terminal)." },
  { name: "no-wait", text: "Return at once (default elsewhere)." },
  { name: "timeout", value: "SECONDS", text: "Longest time to wait; implies --wait." },
];

/** What {@linkcode WAIT_FLAGS} do. */
export const WAIT_NOTE =
  "Waiting ends when every instance is of the new version and one serves, fails with the last " +
  "health checks and lines when the new version does not start, and times out (exit code 6) when " +
  "nothing changes for a minute more than a start may take. Whatever ends the wait, the rollout " +
  "goes on.";

/** Of lists: by project. */
export const PROJECT_FLAG: Flag = {
  name: "project",
  value: "NAME",
  completes: "project",
  text: "Only those of this project.",
};

/** What `-f` of a put reads. */
export const FILE_NOTE =
  "A file holds one or more YAML documents, or one of JSON, with the fields of the API (case does " +
  "not matter). All of them are checked before the first is put.";

/** What a version in that file means. */
export const VERSION_NOTE =
  "A version in the file must be the current one (0 creates). Without one, whatever is there is " +
  "replaced.";
