/** What the cases found, as Markdown. Pure. @module */

/** A measured value beside the one it should reach. */
export interface Bar {
  readonly what: string;
  /** `≥ 0.75 × nginx`. */
  readonly bar: string;
  readonly stretch: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** What one case found. */
export interface Section {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly bars: readonly Bar[];
  /** Sentences below the table. */
  readonly notes: readonly string[];
}

/** What the page tells besides the sections. */
export interface PageFacts {
  readonly machine: readonly (readonly [string, string])[];
  readonly proxies: readonly string[];
  /** `2026-11-20`. */
  readonly date: string;
  readonly rounds: number;
  readonly roundSeconds: number;
  /** Share of the machine that was busy before the start. */
  readonly busy: number;
  readonly minutes: number;
}

const METHOD = [
  "Load generator, proxy and backend share one machine, so rates are lower than a proxy with a " +
  "machine of its own would show, and they drift with whatever else the machine does. Ratios " +
  "within one run and CPU time per request are the figures to trust.",
  "Maelstrom is the real daemon, with its one component in a container: rule look-up, concurrency " +
  "limit, queue, deadlines and forwarded fields are in the path. The backend is nginx in that " +
  "container on the host's network; every proxy talks to the same address of it.",
  "All proxies run at once and take turns, A B C A B C, after a warm-up each. A cell is the median " +
  "of the rounds, a ratio the median of the ratios within each; ± is half the distance between " +
  "the best and the worst round.",
  "On a virtual machine a hypervisor takes processors away for milliseconds at a time. Where that " +
  "would decide what is measured (small answers, latency), rounds are short and the quiet third of " +
  "them counts: those in which the system says that least was stolen. What all rounds came to " +
  "stands beside it.",
];

/** The whole page. */
export function page(facts: PageFacts, sections: readonly Section[]): string {
  const bars = sections.flatMap((section) => section.bars);
  const { date, rounds, roundSeconds, busy, minutes } = facts;
  const run = `${rounds} rounds of ${roundSeconds} s each, ${minutes.toFixed(0)} minutes in all; ` +
    `the machine was ${(busy * 100).toFixed(0)} % busy before the start`;
  return [
    "# Benchmarks",
    `Written by \`deno task bench\` on ${date}; do not edit. Absolute figures belong to this machine.`,
    "## Goals and what was measured",
    table(
      ["", "Bar", "Stretch", "Measured", "Bar met"],
      bars.map(({ what, bar, stretch, measured, isMet }) => [
        what,
        bar,
        stretch,
        measured,
        isMet ? "yes" : "**no**",
      ]),
    ),
    "## Machine and programs",
    table(["", ""], [
      ...facts.machine,
      ["Proxies", facts.proxies.join("; ")],
      ["Run", run],
    ]),
    "## Method",
    ...METHOD,
    ...sections.flatMap(sectionLines),
  ].join("\n\n") + "\n";
}

/** One section, for the page and for the terminal. */
export function sectionLines({ title, columns, rows, notes }: Section): string[] {
  return [`## ${title}`, table(columns, rows), ...notes];
}

/** A Markdown table with aligned columns. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) =>
    Math.max(3, ...all.map((row) => [...row[at] ?? ""].length))
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, at) => pad(row[at] ?? "", width)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(columns), rule, ...rows.map(line)].join("\n");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(width - [...text].length);
}
