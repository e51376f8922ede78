/**
 * Containers at the engine: create, start, stop, look. Owns the engine's field names and which of
 * its refusals are ordinary outcomes; knows nothing of components.
 *
 * Source: Docker Engine API 1.41, "Containers".
 * @module
 */
import { MaelstromError } from "../errors.ts";
import {
  type ContainerDetail,
  type ContainerSummary,
  detailOf,
  summaryOf,
  type WireDetail,
  type WireSummary,
} from "./container_detail.ts";
import type { ContainerSpec } from "./container_spec.ts";
import { type EngineAnswer, engineError, type EngineTransport } from "./transport.ts";

/** A new container, and what the engine finds doubtful: limits that its kernel cannot keep. */
export interface CreatedContainer {
  readonly id: string;
  readonly warnings: readonly string[];
}

/** `unchanged`: it already was as asked for. */
export type ChangeOutcome = "done" | "unchanged" | "not_found";

/** `in_progress`: somebody else is removing it right now. */
export type RemoveOutcome = "done" | "in_progress" | "not_found";

/** How {@linkcode stopContainer} stops. */
export interface StopOptions {
  /** Time between SIGTERM and SIGKILL, in seconds. */
  readonly graceSeconds: number;
  readonly signal: AbortSignal;
}

/** What {@linkcode listContainers} lists. */
export interface ListOptions {
  /** `name` or `name=value`; a container must have them all. */
  readonly labels?: readonly string[];
  /** True: those that do not run, too. */
  readonly all?: boolean;
}

const STOP_MARGIN_MS = 10_000;

/** Makes a container to `spec`. After an abort it may exist all the same. */
export async function createContainer(
  transport: EngineTransport,
  { name, ...spec }: ContainerSpec,
  signal: AbortSignal,
): Promise<CreatedContainer> {
  const act = `create container${name ? ` "${name}"` : ""} from "${spec.Image}"`;
  const { status, body } = await transport.call({
    method: "POST",
    path: "/containers/create",
    query: { name },
    body: spec,
    act,
    allow: [404, 409],
    signal,
  });
  const message = messageIn(body);
  if (status === 404) {
    const missing = /no such image/i.test(message);
    throw engineError(status, message, act, missing ? { image: spec.Image } : {});
  }
  if (status === 409) {
    throw new MaelstromError("already_exists", `Cannot ${act}: ${message}`, { status });
  }
  const { Id: id, Warnings } = body as { Id: string; Warnings?: readonly string[] | null };
  return { id, warnings: Warnings ?? [] };
}

/** Starts a created or stopped container; resolves when its process runs. */
export async function startContainer(
  transport: EngineTransport,
  id: string,
  signal: AbortSignal,
): Promise<Exclude<ChangeOutcome, "not_found">> {
  const { status } = await transport.call({
    method: "POST",
    path: `${pathOf(id)}/start`,
    act: `start ${shown(id)}`,
    allow: [304],
    signal,
  });
  return status === 304 ? "unchanged" : "done";
}

/** Stops the process, by force after the grace time; resolves when it has ended. */
export async function stopContainer(
  transport: EngineTransport,
  id: string,
  { graceSeconds, signal }: StopOptions,
): Promise<ChangeOutcome> {
  const answer = await transport.call({
    method: "POST",
    path: `${pathOf(id)}/stop`,
    query: { t: graceSeconds },
    act: `stop ${shown(id)}`,
    allow: [304, 404],
    deadlineMs: graceSeconds * 1000 + STOP_MARGIN_MS,
    signal,
  });
  return changeOutcome(answer);
}

/** Sends a signal such as `SIGKILL` to the process; `unchanged` when it does not run. */
export async function killContainer(
  transport: EngineTransport,
  id: string,
  processSignal: string,
  signal: AbortSignal,
): Promise<ChangeOutcome> {
  return await change(transport, id, "kill", /is not running/, signal, { signal: processSignal });
}

/** Freezes all processes; `unchanged` when they are frozen already. */
export async function pauseContainer(
  transport: EngineTransport,
  id: string,
  signal: AbortSignal,
): Promise<ChangeOutcome> {
  return await change(transport, id, "pause", /already paused/, signal);
}

/** Lets frozen processes go on; `unchanged` when they are not frozen. */
export async function unpauseContainer(
  transport: EngineTransport,
  id: string,
  signal: AbortSignal,
): Promise<ChangeOutcome> {
  return await change(transport, id, "unpause", /is not paused/, signal);
}

/** Removes a container; `force` kills it first, `volumes` takes its anonymous volumes along. */
export async function removeContainer(
  transport: EngineTransport,
  id: string,
  { force, volumes }: { readonly force?: boolean; readonly volumes?: boolean },
  signal: AbortSignal,
): Promise<RemoveOutcome> {
  const act = `remove ${shown(id)}`;
  const { status, body } = await transport.call({
    method: "DELETE",
    path: pathOf(id),
    query: { force, v: volumes },
    act,
    allow: [404, 409],
    signal,
  });
  if (status === 404) return "not_found";
  if (status !== 409) return "done";
  if (/already in progress/.test(messageIn(body))) return "in_progress";
  throw engineError(status, messageIn(body), act);
}

/** The container with this id or name, if there is one. */
export async function inspectContainer(
  transport: EngineTransport,
  id: string,
  signal: AbortSignal,
): Promise<ContainerDetail | undefined> {
  const { status, body } = await transport.call({
    method: "GET",
    path: `${pathOf(id)}/json`,
    act: `inspect ${shown(id)}`,
    allow: [404],
    signal,
  });
  return status === 404 ? undefined : detailOf(body as WireDetail);
}

/** The containers that carry all of `labels`; only running ones unless `all`. */
export async function listContainers(
  transport: EngineTransport,
  { labels, all }: ListOptions,
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const { body } = await transport.call({
    method: "GET",
    path: "/containers/json",
    query: { all, filters: labels && JSON.stringify({ label: labels }) },
    act: "list containers",
    signal,
  });
  return (body as WireSummary[]).map(summaryOf);
}

/**
 * The engine's path of a container.
 *
 * @throws {MaelstromError} invalid: `id` cannot be an id or a name
 */
export function pathOf(id: string): string {
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(id)) {
    throw new MaelstromError("invalid", `Cannot use ${JSON.stringify(id)} as a container's id`);
  }
  return `/containers/${id}`;
}

/** How errors call a container: `container "4f1e22d0a1b2"`. */
export function shown(id: string): string {
  return `container "${/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id}"`;
}

async function change(
  transport: EngineTransport,
  id: string,
  verb: "kill" | "pause" | "unpause",
  already: RegExp,
  signal: AbortSignal,
  query?: Readonly<Record<string, string>>,
): Promise<ChangeOutcome> {
  const act = `${verb} ${shown(id)}`;
  const answer = await transport.call({
    method: "POST",
    path: `${pathOf(id)}/${verb}`,
    ...(query ? { query } : {}),
    act,
    // 500 because older engines have no status of their own for "is not paused".
    allow: [404, 409, 500],
    signal,
  });
  if (answer.status !== 409 && answer.status !== 500) return changeOutcome(answer);
  if (already.test(messageIn(answer.body))) return "unchanged";
  throw engineError(answer.status, messageIn(answer.body), act);
}

function changeOutcome({ status }: EngineAnswer): ChangeOutcome {
  return status === 404 ? "not_found" : status === 304 ? "unchanged" : "done";
}

function messageIn(body: unknown): string {
  return (body as { message?: string } | undefined)?.message ?? "";
}
