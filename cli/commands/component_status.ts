/** How a component fares, as lines of a YAML comment. Pure. @module */
import type { ComponentInfo, ComponentStatus } from "../../lib/contract/v1.ts";
import { nextTry } from "../next_try.ts";
import { relativeTime } from "../relative_time.ts";
import { printable } from "../text.ts";

type Instance = ComponentStatus["instances"][number];
type Failure = ComponentStatus["failures"][number];

/** `status` as seen at `nowMs`, a comment that readers of YAML pass over. */
export function statusComment(
  { instances, failures, refused }: ComponentStatus,
  nowMs: number,
): string {
  const lines = [
    ...instances.length === 0 ? ["nothing runs now"] : instanceLines(instances, nowMs),
    ...refused ? [`fewer than wanted: ${refused.reason}`] : [],
    ...failures.flatMap((failure) => failureLines(failure, instances, nowMs)),
  ];
  // A line break would end the comment, and the terminal is not theirs to steer.
  return lines.map((line) => `# ${printable(line)}\n`).join("");
}

function instanceLines(instances: readonly Instance[], nowMs: number): string[] {
  const places = Map.groupBy(
    instances,
    ({ componentVersion, nodeId }) => `version ${componentVersion} on ${nodeId}`,
  );
  return [...places].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([place, here]) => [
    `${place}: ${countsOf(here)}`,
    ...here.filter(({ health }) => health.length > 0).map((info) => healthLine(info, nowMs)),
  ]);
}

/** `2 active, 1 starting (pulling shop:7, 45 %)`. */
function countsOf(instances: readonly ComponentInfo[]): string {
  const words = instances.map(({ status, progress }) =>
    progress === undefined ? status : `${status} (${progress})`
  );
  return [...Map.groupBy(words, (word) => word)].map(([word, { length }]) => `${length} ${word}`)
    .join(", ");
}

function healthLine({ containerName, health }: ComponentInfo, nowMs: number): string {
  const checks = health.map(({ healthy, detail }) => healthy ? detail : `${detail} (failed)`);
  const last = relativeTime(health.at(-1)!.at, nowMs);
  return `  ${containerName}: health ${checks.join(", ")}; ${last}`;
}

function failureLines(failure: Failure, instances: readonly Instance[], nowMs: number): string[] {
  const { componentVersion, message, attempts, health, lines } = failure;
  const reason = message.replace(/^Cannot [^:]*: /, "");
  const others = new Set(
    instances.filter((info) => info.status === "active" || info.status === "frozen")
      .map((info) => info.componentVersion).filter((version) => version !== componentVersion),
  );
  const fallback = others.size > 0
    ? `version ${[...others].sort((a, b) => a - b).join(" and ")} serves`
    : "no other version serves";
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const next = nextTry(failure, nowMs);
  if (failure.pullRetryAt !== undefined) {
    const fault = `version ${componentVersion} is not pulled on ${failure.nodeId}`;
    return [`${fault}: ${reason}; ${tries}, ${next}`];
  }
  return [
    `version ${componentVersion} does not start on ${failure.nodeId}: ${reason}; ` +
    `${tries}, ${next}; ${fallback}`,
    ...health.map(({ at, healthy, detail }) =>
      `  health check ${healthy ? "passed" : "failed"}: ${detail}; ${relativeTime(at, nowMs)}`
    ),
    ...lines.map((line) => `  | ${line}`),
  ];
}
