/** The crontab shorthand of a project file: a schedule and a path on each line. Pure. @module */

/** One line: `{ "schedule": "0 3 * * *", "path": "/nightly", "line": 2 }`. */
export interface CrontabEntry {
  readonly schedule: string;
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
}

/** What a crontab holds. */
export interface Crontab {
  readonly entries: readonly CrontabEntry[];
  /** Numbers, from 1, of lines that are neither an entry nor empty nor a comment. */
  readonly ignored: readonly number[];
}

/**
 * The entries of `text`, in order. The last column of a line is the path and begins with `/`, what
 * stands before it is the schedule.
 *
 * Source: the ancestor's rules, under which other lines are ignored.
 */
export function parseCrontab(text: string): Crontab {
  const entries: CrontabEntry[] = [];
  const ignored: number[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const columns = line.split(/\s+/);
    const path = columns.at(-1) ?? "";
    if (columns.length < 2 || !path.startsWith("/")) ignored.push(index + 1);
    else entries.push({ schedule: columns.slice(0, -1).join(" "), path, line: index + 1 });
  }
  return { entries, ignored };
}
