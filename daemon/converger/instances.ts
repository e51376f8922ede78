/**
 * One component's containers on this node, each from its first mention to its end: what is reported
 * of it, its health, its sleep, its death. Knows nothing of targets; whoever has them is told when
 * to look again. Walk: worker → **instances** → health, freezer, container ⇒ members.
 * @module
 */
import { aborted } from "../../lib/async/aborted.ts";
import type { Tasks } from "../../lib/async/tasks.ts";
import { effective } from "../../lib/contract/effective.ts";
import type { HealthResult, InstanceStatus } from "../../lib/contract/v1.ts";
import type { DockerClient } from "../../lib/docker/client.ts";
import { isAbort, MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Members } from "../cluster/members.ts";
import type { StoredComponent } from "../store/store.ts";
import type { FailedStart } from "./back_off.ts";
import { type Address, removeContainer, stopContainer } from "./container.ts";
import { type Freezer, untilIdle, type Use } from "./freezer.ts";
import { type Container, factOf, isServing, newContainer } from "./instance.ts";
import { checkHealth, watchHealth, withNews, withResult } from "./health.ts";

const STOP_GRACE_SECONDS = 20;
const STOP_LIMIT_MS = 120_000;
const FAILED_COMMAND_LIMIT_MS = 30_000;
/** Time that other threads get to give idle places back before an instance is frozen. */
const FREEZE_DRAIN_MS = 5000;
/** An instance that dies sooner than this after it began to serve counts as a failed start. */
const PROVEN_MS = 10_000;
const LAST_LINES = 3;
const LAST_LINES_LIMIT_MS = 2000;
const UNHEALTHY = "health check failed";

/** What all components' instances share. */
export interface InstancesContext {
  readonly docker: DockerClient;
  readonly members: Members;
  readonly log: Log;
  readonly tasks: Tasks;
  readonly freezer: Freezer;
  /** Time that requests in progress get when an instance stops, in milliseconds. */
  readonly drainMs: number;
  /** Resolves when the instance has no request in progress, or when `signal` aborts. */
  readonly drain: (id: string, signal: AbortSignal) => Promise<void>;
  /** Traffic of an instance, once it had any. */
  readonly traffic: (
    id: string,
  ) => { readonly inFlight: number; readonly lastRequestMs: number } | undefined;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Told of what happens by itself. */
export interface InstancesListener {
  /** Something changed: look again. */
  changed(): void;
  /** An instance failed so early that it counts as a failed start. */
  failed(start: FailedStart): void;
}

/** Keeps containers of one component. */
export class Instances {
  readonly #component: string;
  readonly #context: InstancesContext;
  readonly #listener: InstancesListener;
  readonly #containers = new Map<string, Container>();

  constructor(component: string, context: InstancesContext, listener: InstancesListener) {
    this.#component = component;
    this.#context = context;
    this.#listener = listener;
  }

  get size(): number {
    return this.#containers.size;
  }

  has(name: string): boolean {
    return this.#containers.has(name);
  }

  list(): Container[] {
    return [...this.#containers.values()];
  }

  /** Those to keep first: the busiest; one that is frozen has the least to lose. */
  toKeep(): Container[] {
    const { traffic } = this.#context;
    const worth = ({ name, status }: Container) =>
      status === "frozen" ? -1 : Math.sign(traffic(name)?.inFlight ?? 0);
    return this.list().filter(({ status }) => status !== "stopping")
      .sort((a, b) => worth(b) - worth(a));
  }

  /** Names of the containers whose process should live. */
  serving(): string[] {
    return this.list().filter(isServing).map(({ name }) => name);
  }

  /** A container that starts from now on. */
  track(name: string, stored: StoredComponent): Container {
    const container = newContainer(name, stored, this.#context.now());
    this.#containers.set(name, container);
    this.#report(container);
    return container;
  }

  /** What the start of `container` is busy with. */
  tell(container: Container, progress: string | undefined): void {
    if (this.#containers.get(container.name) !== container) return;
    container.progress = progress;
    this.#report(container);
  }

  /** What came of a start check. */
  checked(container: Container, result: HealthResult): void {
    container.health = withNews(container.health, result);
    this.#context.members.note(factOf(container));
  }

  /** The start has ended well: requests may come. */
  serve(container: Container, address: Address): void {
    container.address = address;
    container.sinceMs = this.#context.now();
    // That it was not up at once is no news any longer.
    container.health = container.health.slice(-1);
    this.#serve(container, "spread");
  }

  /** Takes over a container that an earlier daemon started, and maybe froze. */
  adopt(name: string, stored: StoredComponent, address: Address, isPaused: boolean): void {
    const container = this.track(name, stored);
    if (!isPaused) return this.serve(container, address);
    container.address = address;
    this.#sleep(container, true);
  }

  /** The container is gone, or never came to be. */
  forget(container: Container): void {
    container.phase.abort();
    container.exited.abort();
    this.#containers.delete(container.name);
    this.#context.members.forget(container.name);
    this.#listener.changed();
  }

  /** Takes container `name` out of rotation, lets its requests end, and stops it. */
  stop(name: string, reason: string): Promise<void> {
    const container = this.#containers.get(name);
    if (!container) return Promise.resolve();
    if (container.stopping) return container.stopping;
    this.#become(container, "stopping");
    const { log, tasks } = this.#context;
    log.info("stopping instance", { component: this.#component, container: name, reason });
    container.stopping = new Promise((resolve) =>
      tasks.run(
        `stop ${name}`,
        (signal) => this.#drainAndStop(container, signal).finally(resolve),
      )
    );
    return container.stopping;
  }

  /** The process of container `name` has ended. */
  died(name: string): void {
    const container = this.#containers.get(name);
    if (!container) return;
    container.exited.abort(new MaelstromError("start_failed", "process exited"));
    if (!isServing(container)) return;
    const { now, tasks } = this.#context;
    const isEarly = container.status === "active" && now() - container.sinceMs < PROVEN_MS;
    this.#become(container, "stopping");
    tasks.run(`bury ${name}`, (signal) => this.#bury(container, isEarly, signal));
  }

  /** Container `name` could not be reached: find out whether it is alive. */
  verify(name: string): void {
    const container = this.#containers.get(name);
    if (container?.status !== "active") return;
    const { docker, tasks } = this.#context;
    tasks.run(`verify ${name}`, async (signal) => {
      // When Docker does not answer, the instance itself is asked.
      const running = await docker.inspectContainer(name, signal)
        .then((detail) => detail?.state.running ?? false, () => true);
      if (!running) return this.died(name);
      const result = await this.#check(container, signal);
      if (container.status !== "active") return;
      container.health = withResult(container.health, result);
      if (result.healthy) this.#report(container);
      else await this.#giveUp(container, signal);
    });
  }

  /** Somebody waits for frozen container `name`. */
  thaw(name: string): void {
    const container = this.#containers.get(name);
    if (container?.status === "frozen") container.phase.abort();
  }

  #become(container: Container, status: InstanceStatus): void {
    container.phase.abort();
    container.phase = new AbortController();
    container.status = status;
    this.#report(container);
  }

  #report(container: Container): void {
    this.#context.members.report(factOf(container));
  }

  #doom(container: Container, reason: string): void {
    container.doomed = reason;
    this.#report(container);
  }

  #serve(container: Container, firstCheck: "at once" | "spread"): void {
    this.#become(container, "active");
    const { tasks } = this.#context;
    const { phase: { signal }, name, stored } = container;
    const {
      healthCheckEveryMs: everyMs,
      healthCheckMaxFailures: failuresMax,
      idleMode,
    } = effective(stored.component);
    tasks.run(`health ${name}`, async (stop) => {
      const isUnwell = await watchHealth({
        everyMs,
        failuresMax,
        first: firstCheck,
        check: (signal) => this.#check(container, signal),
        checked: (result, failures) => this.#checked(container, result, failures),
      }, AbortSignal.any([stop, signal]));
      if (isUnwell) await this.#giveUp(container, stop);
    });
    if (idleMode !== "freeze" || container.isSleepless) return;
    tasks.run(`idle ${name}`, async (stop) => {
      if (await this.#untilIdle(container, AbortSignal.any([stop, signal]))) {
        this.#sleep(container, false);
      }
    });
  }

  // Health

  #check({ address, stored }: Container, signal: AbortSignal): Promise<HealthResult> {
    const { healthCheckPath } = effective(stored.component);
    return checkHealth({ address: address!, path: healthCheckPath }, signal);
  }

  #checked(container: Container, result: HealthResult, failures: number): void {
    container.health = withResult(container.health, result);
    container.isProven ||= result.healthy;
    // Thousands of checks a minute concern nobody else: who wants to know looks.
    this.#context.members.note(factOf(container));
    if (result.healthy) return;
    const { name } = container;
    this.#context.log.warn(UNHEALTHY, { container: name, failures, found: result.detail });
  }

  /** Too many checks failed: out of rotation at once, then told of, then replaced. */
  async #giveUp(container: Container, signal: AbortSignal): Promise<void> {
    if (container.status !== "active" || container.doomed !== undefined) return;
    this.#doom(container, UNHEALTHY);
    const { name, stored: { component }, health } = container;
    const lines = await this.#lastLines(name, signal);
    const found = health.map(({ detail }) => detail);
    this.#context.log.warn("instance is unhealthy", {
      component: component.name,
      container: name,
      found,
      lines,
    });
    // One that was never well after its start is a start that failed: the next one waits.
    if (!container.isProven) {
      const message = `Cannot run "${component.name}": health check failed, found ${found.at(-1)}`;
      const error = new MaelstromError("start_failed", message, { lines });
      this.#listener.failed({ componentVersion: component.version, error, health });
    }
    this.#listener.changed();
  }

  async #lastLines(name: string, signal: AbortSignal): Promise<string[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LAST_LINES_LIMIT_MS)]);
    return await this.#context.docker.lastLogLines(name, LAST_LINES, limit).catch(() => []);
  }

  // Sleep

  #useOf({ name, sinceMs }: Container): Use {
    const { inFlight = 0, lastRequestMs = 0 } = this.#context.traffic(name) ?? {};
    return { inFlight, lastMs: Math.max(sinceMs, lastRequestMs) };
  }

  #untilIdle(container: Container, signal: AbortSignal): Promise<boolean> {
    const { idleTimeoutMs, minInstances } = effective(container.stored.component);
    return untilIdle({
      idleTimeoutMs,
      use: () => this.#useOf(container),
      isSpare: () => container.doomed === undefined && this.#awake() > minInstances,
      now: this.#context.now,
    }, signal);
  }

  #awake(): number {
    return this.list().filter(({ status, doomed }) => status === "active" && !doomed).length;
  }

  /** Out of rotation, then paused, until somebody asks for it or it has to go. */
  #sleep(container: Container, isPaused: boolean): void {
    this.#become(container, "frozen");
    const { freezer, tasks, log, now } = this.#context;
    const { phase: { signal: asked }, name } = container;
    const isOver = (stop: AbortSignal) => stop.aborted || container.status !== "frozen";
    tasks.run(`freeze ${name}`, async (stop) => {
      const isAsleep = isPaused || await this.#pause(container, asked, stop);
      if (isAsleep) await aborted(AbortSignal.any([asked, stop]));
      if (isOver(stop)) return;
      const begun = performance.now();
      const isAwake = !isAsleep || await freezer.unpause(name, stop);
      if (isOver(stop)) return;
      if (!isAwake) {
        this.#doom(container, "cannot be unpaused");
        return this.#listener.changed();
      }
      if (asked.aborted) container.sinceMs = now();
      this.#serve(container, "at once");
      const unpauseMs = Math.round(performance.now() - begun);
      if (isAsleep) log.info("instance thawed", { container: name, unpauseMs });
    });
  }

  /** True when the container is paused: nobody has asked for it, and no request was on its way. */
  async #pause(container: Container, asked: AbortSignal, stop: AbortSignal): Promise<boolean> {
    const { drain, freezer, log } = this.#context;
    const { name } = container;
    const before = this.#useOf(container);
    const limit = AbortSignal.timeout(FREEZE_DRAIN_MS);
    await drain(name, AbortSignal.any([asked, stop, limit]));
    const { inFlight, lastMs } = this.#useOf(container);
    const isIdle = !limit.aborted && inFlight === 0 && lastMs === before.lastMs;
    if (asked.aborted || stop.aborted || !isIdle) return false;
    // Not called off by whoever asks: what the engine made of it would not be known.
    const isPaused = await freezer.pause(name, stop);
    container.isSleepless = !isPaused;
    if (isPaused) log.info("instance frozen", { component: this.#component, container: name });
    return isPaused;
  }

  // End

  async #drainAndStop(container: Container, signal: AbortSignal): Promise<void> {
    const { docker, drain, drainMs, log } = this.#context;
    const { name } = container;
    try {
      await drain(name, AbortSignal.any([signal, AbortSignal.timeout(drainMs)]));
      signal.throwIfAborted();
      if (container.doomed === UNHEALTHY) await this.#runFailedCommand(container, signal);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(STOP_LIMIT_MS)]);
      await stopContainer(docker, name, STOP_GRACE_SECONDS, limit);
    } catch (error) {
      // Forgotten all the same: what the engine still lists is found and removed by reconciling.
      if (!isAbort(error)) log.warn("cannot stop container", { container: name, error });
    }
    if (!signal.aborted) this.forget(container);
  }

  async #runFailedCommand({ name, stored }: Container, signal: AbortSignal): Promise<void> {
    const { docker, log } = this.#context;
    const command = stored.component.docker.healthCheckFailedCommand ?? [];
    if (command.length === 0) return;
    const fields = { component: this.#component, container: name };
    try {
      const options = { timeoutMs: FAILED_COMMAND_LIMIT_MS, signal };
      const { exitCode, stdout, stderr } = await docker.exec(name, command, options);
      const lastLine = (stdout + stderr).trimEnd().split("\n").at(-1);
      log.info("healthCheckFailedCommand ended", { ...fields, exitCode, lastLine });
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn("cannot run healthCheckFailedCommand", { ...fields, error });
    }
  }

  /** An instance ended by itself: its last words into the log, and replaced. */
  async #bury(container: Container, isEarly: boolean, signal: AbortSignal): Promise<void> {
    const { docker, log } = this.#context;
    const { name, stored: { component }, health } = container;
    const detail = await docker.inspectContainer(name, signal).catch(() => undefined);
    const lines = await this.#lastLines(name, signal);
    const exitCode = detail?.state.exitCode;
    log.warn("instance died", { component: component.name, container: name, exitCode, lines });
    if (isEarly) {
      const said = lines.length > 0 ? `, last line: ${lines.at(-1)}` : "";
      const message = `Cannot run "${component.name}": process exited with code ${exitCode}${said}`;
      const error = new MaelstromError("start_failed", message, { exitCode, lines });
      this.#listener.failed({ componentVersion: component.version, error, health });
    }
    await removeContainer(docker, name, signal).catch((error: unknown) => {
      log.warn("cannot remove container, will try again", { container: name, error });
    });
    this.forget(container);
  }
}
