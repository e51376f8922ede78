/**
 * The steps by which the schema grew, oldest first. A released step is never edited: databases
 * remember its checksum. In a script each statement ends with a semicolon at the end of a line, and
 * `collate "binary"` means comparison byte by byte.
 * @module
 */
import initial from "./001_initial.sql" with { type: "text" };
import versionsAndCfg from "./002_versions_and_cfg.sql" with { type: "text" };
import tokens from "./003_tokens.sql" with { type: "text" };
import nodeState from "./004_node_state.sql" with { type: "text" };
import cron from "./005_cron.sql" with { type: "text" };
import queue from "./006_queue.sql" with { type: "text" };

/** One step of the schema. */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  readonly script: string;
  /**
   * An executable that does not know this step can go on with the database: nothing that it reads
   * or writes has changed, and nothing goes wrong when it does not care for what is new. So nodes
   * of the release before run beside those of this one, and may be started again.
   */
  readonly isCompatible?: boolean;
}

/** Every step this executable knows. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "initial", script: initial },
  { version: 2, name: "versions and cfg", script: versionsAndCfg },
  { version: 3, name: "tokens", script: tokens },
  { version: 4, name: "node state", script: nodeState },
  { version: 5, name: "cron", script: cron },
  { version: 6, name: "queue", script: queue },
];
