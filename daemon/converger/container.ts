/**
 * One container's way from nothing to serving, and back. Knows nothing of targets or rotation.
 * @module
 */
import type { Limiter } from "../../lib/async/limiter.ts";
import { pause } from "../../lib/async/pause.ts";
import { withDeadline } from "../../lib/async/deadline.ts";
import type { Component, HealthResult } from "../../lib/contract/v1.ts";
import type { ContainerDetail, ContainerSpec, DockerClient } from "../../lib/docker/client.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { containerSpec, type SpecOptions } from "./container_spec.ts";
import { checkHealth } from "./health.ts";
import type { Images, OnPullProgress } from "./images.ts";
import { readBack } from "./read_back.ts";

const PROBE_EVERY_MS_MIN = 2;
const PROBE_EVERY_MS_MAX = 250;
const RUNNING_EVERY_MS = 1000;
const CLEANUP_LIMIT_MS = 60_000;
const LOG_LINES = 10;

/** Where a container serves. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** What is needed to start a container of `stored` under `name`. */
export interface StartOptions extends SpecOptions {
  readonly docker: DockerClient;
  /** The engine's own work for a start, of which only so much helps at once. */
  readonly starts: Limiter;
  readonly images: Pick<Images, "refresh" | "pull">;
  /** True when the image has been pulled for this start, or need not be. */
  readonly isPulled: boolean;
  readonly onProgress: OnPullProgress;
  /** Told what came of each start check. */
  readonly onChecked: (result: HealthResult) => void;
  readonly log: Log;
  /** Aborts when the engine says that the process has ended. */
  readonly exited: AbortSignal;
}

/** A container that serves, and what it took, in milliseconds. */
export interface Started {
  readonly address: Address;
  readonly phases: {
    readonly pullMs: number;
    readonly createMs: number;
    readonly startMs: number;
    readonly readyMs: number;
    /** When the engine said that the process runs, in milliseconds since 1970. */
    readonly startedAtMs: number;
  };
}

/**
 * Creates, starts and probes a container until it is healthy. On failure no container is left.
 *
 * @throws {MaelstromError} start_failed: image missing, engine refuses, or the process ended
 * @throws {MaelstromError} start_timeout: not healthy within the component's start limit
 * @throws {DOMException} AbortError: `signal` aborted
 */
export async function startContainer(options: StartOptions, signal: AbortSignal): Promise<Started> {
  const { docker, starts, name, log } = options;
  const begun = performance.now();
  let started = 0;
  try {
    const spec = containerSpec(options);
    const { pullMs, warnings } = await create(spec, options, signal);
    const created = performance.now();
    await starts.run(() => docker.startContainer(name, signal), signal);
    started = performance.now();
    const startedAtMs = Date.now();
    const address = await look(spec, warnings, options, signal);
    await untilHealthy(address, options, signal);
    const ready = performance.now();
    return {
      address,
      phases: {
        pullMs,
        createMs: Math.round(created - begun - pullMs),
        startMs: Math.round(started - created),
        readyMs: Math.round(ready - started),
        startedAtMs,
      },
    };
  } catch (error) {
    // What ended the attempt must not end the clean-up too.
    const cleanup = AbortSignal.timeout(CLEANUP_LIMIT_MS);
    const failure = signal.aborted ? error : await explain(error, started > 0, options, cleanup);
    await removeContainer(docker, name, cleanup).catch((cause: unknown) => {
      log.warn("cannot remove container, will try again", { container: name, error: cause });
    });
    throw failure;
  }
}

async function untilHealthy(
  address: Address,
  { docker, name, stored: { component }, settings, exited, onChecked }: StartOptions,
  signal: AbortSignal,
): Promise<void> {
  const { startLimitMs, healthCheckPath } = settings;
  if (startLimitMs === undefined) return;
  let heard = "no answer yet";
  const check: StartCheck = {
    async isHealthy(signal) {
      const result = await checkHealth({ address, path: healthCheckPath }, signal);
      heard = result.detail;
      onChecked(result);
      return result.healthy;
    },
    isRunning: async (signal) =>
      (await docker.inspectContainer(name, signal))?.state.running ?? false,
  };
  await withDeadline(
    startLimitMs,
    AbortSignal.any([signal, exited]),
    (limit) => probeUntilHealthy(check, limit),
    () => {
      const limit = `${startLimitMs / 1000} s, last check: ${heard}`;
      const message = `Cannot start "${component.name}": not healthy within ${limit}`;
      return new MaelstromError("start_timeout", message);
    },
  );
}

/**
 * Creates the container, its image pulled before when the component wants that, or else when it is
 * not here.
 */
async function create(
  spec: ContainerSpec,
  { docker, images, isPulled, onProgress, stored, log }: StartOptions,
  signal: AbortSignal,
): Promise<{ readonly pullMs: number; readonly warnings: readonly string[] }> {
  const begun = performance.now();
  let pullMs = 0;
  const attempt = async () => {
    pullMs = Math.round(performance.now() - begun);
    return await docker.createContainer(spec, signal);
  };
  const failure = isPulled ? undefined : await images.refresh(stored, onProgress, signal);
  const { warnings } = await attempt().catch(async (error: unknown) => {
    if (!isMissingImage(error)) throw error;
    if (failure) throw failure;
    await images.pull(stored, onProgress, signal);
    return await attempt();
  });
  if (warnings.length > 0) {
    log.info("Docker warns", { component: stored.component.name, container: spec.name, warnings });
  }
  return { pullMs, warnings };
}

/**
 * Where the new container serves.
 *
 * @throws {MaelstromError} start_failed: it has no address, or the engine did not take a setting
 */
async function look(
  spec: ContainerSpec,
  warnings: readonly string[],
  { docker, name, stored: { component }, log }: StartOptions,
  signal: AbortSignal,
): Promise<Address> {
  const detail = await docker.inspectContainer(name, signal);
  const address = addressOf(detail, component);
  for (const { field, asked, got } of detail ? readBack(spec, detail) : []) {
    const said = warnings.length > 0 ? ` (${warnings.join("; ")})` : "";
    const message = `Docker did not take ${field}: asked for ${asked}, it has ${got}${said}`;
    if (field !== "reserveMemoryMiB" || component.docker.reserveMemoryMiB) {
      const hint = "take it out, or use an engine and kernel that know it (see docker info)";
      throw new MaelstromError("start_failed", `${message}; ${hint}`, { field });
    }
    // The default is ours: nobody asked for it.
    log.info(message, { component: component.name, container: name });
  }
  return address;
}

function isMissingImage(error: unknown): boolean {
  return error instanceof MaelstromError && error.code === "not_found" &&
    error.detail?.image !== undefined;
}

interface StartCheck {
  isHealthy(signal: AbortSignal): Promise<boolean>;
  isRunning(signal: AbortSignal): Promise<boolean>;
}

/** Resolves at the first healthy answer; rejects when `signal` aborts or the process is gone. */
async function probeUntilHealthy(check: StartCheck, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  let checkedAt = begun;
  while (true) {
    signal.throwIfAborted();
    if (await check.isHealthy(signal)) return;
    const now = performance.now();
    // The events tell at once that a process ended, but they may be cut off.
    if (now - checkedAt > RUNNING_EVERY_MS) {
      checkedAt = now;
      if (!await check.isRunning(signal)) throw new Error("process ended");
    }
    // A tenth of what has passed: a quick start pays little, a slow one is not pestered.
    const wait = (now - begun) / 10;
    await pause(Math.min(PROBE_EVERY_MS_MAX, Math.max(PROBE_EVERY_MS_MIN, wait)), signal);
  }
}

/** Why a start failed, with the container's last words when it had any. */
async function explain(
  error: unknown,
  started: boolean,
  { docker, name, stored: { component }, exited, log }: StartOptions,
  signal: AbortSignal,
): Promise<MaelstromError> {
  const detail = await docker.inspectContainer(name, signal).catch(() => undefined);
  const lines = detail ? await docker.lastLogLines(name, LOG_LINES, signal).catch(() => []) : [];
  for (const line of lines) {
    log.warn("last words", { component: component.name, container: name, line });
  }
  const hint = detail && !detail.state.running
    ? await platformHint(component.docker.image, docker, signal)
    : "";
  if (started && (exited.aborted || detail?.state.running === false)) {
    const said = lines.length > 0 ? `, last line: ${lines.at(-1)}` : "";
    const code = detail?.state.exitCode ?? "unknown";
    const message =
      `Cannot start "${component.name}": process exited with code ${code}${said}${hint}`;
    return new MaelstromError("start_failed", message, { exitCode: code, lines });
  }
  if (error instanceof MaelstromError && error.code === "start_timeout") {
    return new MaelstromError("start_timeout", error.message, { lines });
  }
  const message = `Cannot start "${component.name}": ${messageOf(error)}${hint}`;
  return new MaelstromError("start_failed", message, { lines }, { cause: error });
}

/** Says so when an image is for another kind of machine: its program can hardly run. */
async function platformHint(
  image: string,
  docker: DockerClient,
  signal: AbortSignal,
): Promise<string> {
  const [wanted, found] = await Promise.all([
    docker.platform(signal),
    docker.inspectImage(image, signal).then((detail) => detail?.platform),
  ]).catch(() => []);
  if (!wanted || !found || found.startsWith(wanted)) return "";
  return `; image "${image}" is for ${found}, this machine is ${wanted}`;
}

/** Stops a container, letting its process end by itself first, and removes it. */
export async function stopContainer(
  docker: DockerClient,
  name: string,
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  await docker.stopContainer(name, { graceSeconds, signal });
  await removeContainer(docker, name, signal);
}

/** Removes a container with its anonymous volumes, running or not. */
export async function removeContainer(
  docker: DockerClient,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  await docker.removeContainer(name, { force: true, volumes: true }, signal);
}

/** Where the container serves: its first address. */
export function addressOf(detail: ContainerDetail | undefined, component: Component): Address {
  const hostname = Object.values(detail?.addresses ?? {})[0];
  if (detail?.state.running && hostname) return { hostname, port: component.docker.httpPort };
  // Host networking has no address of its own: the container listens on this machine.
  if (detail?.state.running && component.docker.networkName === "host") {
    return { hostname: "127.0.0.1", port: component.docker.httpPort };
  }
  throw new MaelstromError("start_failed", "the container has no network address");
}
