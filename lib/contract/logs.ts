/** What `GET /_mael/logs` sends, one JSON object per line. Ours; beside it stands the ancestor's. @module */

/** Where an entry comes from. A line belongs to a component and its instance, never to a container id. */
export interface LogSource {
  readonly node: string;
  readonly component: string;
  /** Name of the instance: `maelstrom-shop-1a2b3c4d`. */
  readonly instance: string;
  readonly version: number;
}

/** A line an instance wrote; one above 65,536 characters comes as several. */
export interface LogRecord extends LogSource {
  /** When it was written, in milliseconds since 1970; absent when the engine does not tell. */
  readonly at?: number;
  readonly stream: "stdout" | "stderr";
  readonly line: string;
}

/** Lines that were not sent because the reader was too slow. */
export interface LogGap extends LogSource {
  readonly dropped: number;
}

/** Something about an instance's output that its reader should know. */
export interface LogNotice extends LogSource {
  readonly notice: string;
}

/** One line of the stream; empty lines between entries only say that the node is alive. */
export type LogEntry = LogRecord | LogGap | LogNotice;

/** Longest silence of a stream of the API, in milliseconds; a line comes at the latest then. */
export const STREAM_SILENCE_MS = 15_000;
