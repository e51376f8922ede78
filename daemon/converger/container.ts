/**
 * One container's way from nothing to serving, and back. Translates a component into the engine's
 * words. Knows nothing of targets or rotation.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { withDeadline } from "../../lib/async/deadline.ts";
import type { Effective } from "../../lib/contract/effective.ts";
import type { Component } from "../../lib/contract/v1.ts";
import type { ContainerDetail, ContainerSpec, DockerClient } from "../../lib/docker/client.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import { probe } from "../../lib/http/upstream.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredComponent } from "../store/store.ts";
import { portBindings } from "./ports.ts";

const MIB = 2 ** 20;
const PROBE_LIMIT_MS = 15_000;
const PROBE_EVERY_MS_MIN = 2;
const PROBE_EVERY_MS_MAX = 250;
const RUNNING_EVERY_MS = 1000;
const CLEANUP_LIMIT_MS = 60_000;
const LOG_LINES = 10;

/** Label that marks every container of ours. */
export const LABEL = "maelstrom";
/** Label with the id of the node that owns the container. */
export const NODE_LABEL = "maelstrom_node";
const COMPONENT_LABEL = "maelstrom_component";
const VERSION_LABEL = "maelstrom_version";
const UID_LABEL = "maelstrom_uid";

/** Where a container serves. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** What is needed to start a container of `stored` under `name`. */
export interface StartOptions {
  readonly docker: DockerClient;
  readonly name: string;
  readonly stored: StoredComponent;
  readonly settings: Effective;
  readonly nodeId: string;
  /** Where components reach others, as seen from a container. */
  readonly privateUrl: string;
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
  const { docker, name, stored: { component }, log } = options;
  const begun = performance.now();
  let started = 0;
  try {
    const pullMs = await create(options, signal);
    const created = performance.now();
    await docker.startContainer(name, signal);
    started = performance.now();
    const startedAtMs = Date.now();
    const address = addressOf(await docker.inspectContainer(name, signal), component);
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
  { docker, name, stored: { component }, settings, exited }: StartOptions,
  signal: AbortSignal,
): Promise<void> {
  const { startLimitMs, healthCheckPath } = settings;
  if (startLimitMs === undefined) return;
  const check: HealthCheck = {
    address,
    path: healthCheckPath,
    heard: "no answer yet",
    isRunning: async (signal) =>
      (await docker.inspectContainer(name, signal))?.state.running ?? false,
  };
  await withDeadline(
    startLimitMs,
    AbortSignal.any([signal, exited]),
    (limit) => probeUntilHealthy(check, limit),
    () => {
      const limit = `${startLimitMs / 1000} s, last check: ${check.heard}`;
      const message = `Cannot start "${component.name}": not healthy within ${limit}`;
      return new MaelstromError("start_timeout", message);
    },
  );
}

/** Creates the container, pulling its image when it is not here. Returns the time pulling took. */
async function create(options: StartOptions, signal: AbortSignal): Promise<number> {
  const { docker, stored: { component }, log } = options;
  const { image, pullImageOnStart, pullUsername, pullPassword } = component.docker;
  const spec = containerSpec(options);
  const pull = async () => {
    const begun = performance.now();
    log.info("pulling image", { component: component.name, image });
    const login = pullUsername === undefined
      ? {}
      : { username: pullUsername, password: pullPassword ?? "" };
    await docker.pullImage(image, { ...login, signal });
    return Math.round(performance.now() - begun);
  };
  const pullMs = pullImageOnStart ? await pull() : 0;
  try {
    await docker.createContainer(spec, signal);
    return pullMs;
  } catch (error) {
    if (pullImageOnStart || !isMissingImage(error)) throw error;
  }
  const latePullMs = await pull();
  await docker.createContainer(spec, signal);
  return latePullMs;
}

function isMissingImage(error: unknown): boolean {
  return error instanceof MaelstromError && error.code === "not_found" &&
    error.detail?.image !== undefined;
}

interface HealthCheck {
  readonly address: Address;
  readonly path: string;
  /** What came of the latest probe. */
  heard: string;
  readonly isRunning: (signal: AbortSignal) => Promise<boolean>;
}

/** Resolves at the first healthy answer; rejects when `signal` aborts or the process is gone. */
async function probeUntilHealthy(check: HealthCheck, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  let checkedAt = begun;
  while (true) {
    signal.throwIfAborted();
    try {
      const options = { timeoutMs: PROBE_LIMIT_MS, signal };
      const status = await probe(check.address, check.path, options);
      if (isHealthy(status)) return;
      check.heard = `status ${status}`;
    } catch (error) {
      signal.throwIfAborted();
      check.heard = messageOf(error);
    }
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

/** Redirects count as healthy: many applications send "/" to a login page. */
export function isHealthy(status: number): boolean {
  return status >= 200 && status < 400;
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
  if (started && (exited.aborted || detail?.state.running === false)) {
    const said = lines.length > 0 ? `, last line: ${lines.at(-1)}` : "";
    const code = detail?.state.exitCode ?? "unknown";
    const message = `Cannot start "${component.name}": process exited with code ${code}${said}`;
    return new MaelstromError("start_failed", message, { exitCode: code });
  }
  if (error instanceof MaelstromError && error.code === "start_timeout") return error;
  const message = `Cannot start "${component.name}": ${messageOf(error)}`;
  return new MaelstromError("start_failed", message, undefined, { cause: error });
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

/** Which component, version and incarnation a container was made for. */
export function identityOf(
  labels: Readonly<Record<string, string>>,
): { component: string; version: number; uid: string } {
  return {
    component: labels[COMPONENT_LABEL] ?? "",
    version: Number(labels[VERSION_LABEL]),
    uid: labels[UID_LABEL] ?? "",
  };
}

/** The component in the engine's words. */
export function containerSpec(
  { name, stored: { component, uid }, settings, nodeId, privateUrl }: Omit<
    StartOptions,
    "docker" | "log" | "exited"
  >,
): ContainerSpec {
  const { docker } = component;
  const bindings = portBindings(docker.ports ?? []);
  const exposed = [`${docker.httpPort}/tcp`, ...Object.keys(bindings)];
  return {
    name,
    Image: docker.image,
    ...given("Cmd", docker.command),
    ...given("Entrypoint", docker.entrypoint),
    ...given("Hostname", docker.hostname),
    ...given("Domainname", docker.domainname),
    ...given("User", docker.user),
    Env: environmentOf(component, privateUrl),
    Labels: {
      [LABEL]: "true",
      [NODE_LABEL]: nodeId,
      [COMPONENT_LABEL]: component.name,
      [VERSION_LABEL]: String(component.version),
      [UID_LABEL]: uid,
    },
    ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])),
    HostConfig: {
      ...given("PortBindings", docker.ports && bindings),
      MemoryReservation: settings.reserveMemoryMiB * MIB,
      ...given("Memory", (docker.limitMemoryMiB ?? 0) * MIB),
      ...given("CpuShares", docker.cpuShares),
      ...given("NetworkMode", docker.networkName),
      ...given("Init", docker.init),
      ...given("Ulimits", docker.ulimits?.map(ulimitOf)),
      ...given("CapAdd", docker.capadd),
      ...given("CapDrop", docker.capdrop),
      ...given("Dns", docker.dns),
      ...given("DnsOptions", docker.dnsOptions),
      ...given("DnsSearch", docker.dnsSearch),
      ...given(
        "Mounts",
        docker.volumes?.map(({ type = "bind", source, target, readOnly = false }) => ({
          Type: type,
          ...given("Source", type === "tmpfs" ? undefined : source),
          Target: target,
          ReadOnly: readOnly,
        })),
      ),
      ...given("LogConfig", logConfigOf(component)),
    },
  };
}

/** The field when it has something to say: not absent, empty, zero or false. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  const empty = !value || (Array.isArray(value) && value.length === 0);
  return empty ? {} : { [key]: value } as { [P in K]?: V };
}

/** Names that start MAELSTROM_ are ours. */
function environmentOf(component: Component, privateUrl: string): string[] {
  return [
    ...component.environment.filter(({ name }) => !name.startsWith("MAELSTROM_"))
      .map(({ name, value }) => `${name}=${value}`),
    `MAELSTROM_PRIVATE_URL=${privateUrl}`,
    `MAELSTROM_COMPONENT_NAME=${component.name}`,
    `MAELSTROM_COMPONENT_VERSION=${component.version}`,
    `MAELSTROM_PROJECT_NAME=${component.projectName ?? ""}`,
  ];
}

function ulimitOf(text: string): { Name: string; Soft: number; Hard: number } {
  const [Name = "", limits = ""] = text.split("=");
  const [soft, hard = soft] = limits.split(":");
  return { Name, Soft: Number(soft), Hard: Number(hard) };
}

function logConfigOf(component: Component) {
  const { logDriver, logDriverOptions = [] } = component.docker;
  if (!logDriver || logDriver === "maelstrom") return undefined;
  const Config = Object.fromEntries(logDriverOptions.map(({ name, value }) => [name, value]));
  return { Type: logDriver, Config };
}
