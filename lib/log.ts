/**
 * Log lines for people (`text`) or programs (`json`), one per event, to a sink the caller gives.
 * Knows nothing of files or rotation: the daemon writes to standard error, systemd keeps it.
 * @module
 */
import { isAbort, MaelstromError, messageOf } from "./errors.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** Importance of a line, least first. */
export type LogLevel = typeof LEVELS[number];

/** Facts beside the message. An `error` is flattened to its message and code. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where events are told. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines all carry `fields`. */
  with(fields: LogFields): Log;
}

/** How {@linkcode createLog} writes. */
export interface LogOptions {
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  /** `text`: `22:31:07.042 INFO  message key=value`; `json`: one object per line. */
  readonly format: "text" | "json";
  /** Receives each finished line, without its line feed. */
  readonly write: (line: string) => void;
  /** @default {() => new Date()} */
  readonly now?: () => Date;
}

/** A log that writes lines of at least `level` in `format`. */
export function createLog(options: LogOptions, base: LogFields = {}): Log {
  const { level, format, write, now = () => new Date() } = options;
  const emit = (lineLevel: LogLevel, message: string, fields: LogFields = {}) => {
    if (LEVELS.indexOf(lineLevel) < LEVELS.indexOf(level)) return;
    const all = flatten({ ...base, ...fields });
    write(
      format === "json"
        ? JSON.stringify({ time: now().toISOString(), level: lineLevel, message, ...all })
        : textLine(now(), lineLevel, message, all),
    );
  };
  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    with: (fields) => createLog(options, { ...base, ...fields }),
  };
}

/** A log that keeps nothing. */
export const silentLog: Log = createLog({ level: "error", format: "text", write: () => {} });

function textLine(time: Date, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${textValue(value)}`);
  const clock = time.toISOString().slice(11, 23);
  return `${clock} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join("")}`;
}

function textValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "undefined";
  return typeof value === "string" && /[\s"=]|^$/.test(text) ? JSON.stringify(text) : text;
}

function flatten(fields: LogFields): LogFields {
  const { error, ...rest } = fields;
  if (error === undefined) return rest;
  const code = error instanceof MaelstromError ? { code: error.code } : {};
  const bug = error instanceof Error && !(error instanceof MaelstromError) && !isAbort(error);
  const stack = bug && error.stack ? { stack: error.stack.split("\n").slice(1, 4).join(" ") } : {};
  return { ...rest, ...code, error: messageOf(error), ...stack };
}
