/**
 * The steps by which the schema grew, oldest first. A released step is never edited: databases
 * remember its checksum. In a script each statement ends with a semicolon at the end of a line, and
 * `collate "binary"` means comparison byte by byte.
 * @module
 */
import initial from "./001_initial.sql" with { type: "text" };

/** One step of the schema. */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  readonly script: string;
}

/** Every step this executable knows. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "initial", script: initial },
];
