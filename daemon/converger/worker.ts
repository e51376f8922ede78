/**
 * One component's containers on this node: makes them match the target, watches their health, and
 * notices when they die. Owned by the converger. Walk: converger.setTargets → **worker** → plan →
 * container ⇒ members.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import type { Tasks } from "../../lib/async/tasks.ts";
import { pause } from "../../lib/async/pause.ts";
import { effective } from "../../lib/contract/effective.ts";
import type { ComponentFailure, InstanceStatus } from "../../lib/contract/v1.ts";
import type { DockerClient } from "../../lib/docker/client.ts";
import { asMaelstromError, isAbort, MaelstromError, messageOf } from "../../lib/errors.ts";
import { probe } from "../../lib/http/upstream.ts";
import type { Log } from "../../lib/log.ts";
import type { Members } from "../cluster/members.ts";
import type { StoredComponent } from "../store/store.ts";
import {
  type Address,
  isHealthy,
  removeContainer,
  startContainer,
  stopContainer,
} from "./container.ts";
import type { Images } from "./images.ts";
import { plan, type Step } from "./plan.ts";

const LOOK_EVERY_MS = 60_000;
const STOP_GRACE_SECONDS = 20;
const STOP_LIMIT_MS = 120_000;
const PROBE_LIMIT_MS = 15_000;
/** Containers of one component that start at the same time. */
const BATCH_MAX = 8;
const BACK_OFF_MS_MIN = 1000;
const BACK_OFF_MS_MAX = 60_000;
/** An instance that dies sooner than this after it began to serve counts as a failed start. */
const PROVEN_MS = 10_000;

/** What every worker of a node shares. */
export interface WorkerContext {
  readonly docker: DockerClient;
  readonly nodeId: string;
  /** Where components reach others, as seen from a container. */
  readonly privateUrl: string;
  readonly images: Images;
  /** Puts named values in place of the references in a text. */
  readonly resolve: (text: string) => string;
  readonly members: Members;
  readonly log: Log;
  readonly tasks: Tasks;
  /** Time that requests in progress get when an instance stops, in milliseconds. */
  readonly drainMs: number;
  /** Resolves when the instance has no request in progress, or when `signal` aborts. */
  readonly drain: (id: string, signal: AbortSignal) => Promise<void>;
  /** Requests in progress at an instance. */
  readonly inFlight: (id: string) => number;
  /** A start failed: whoever waits for it should know. */
  readonly failed: (component: string, error: MaelstromError) => void;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

interface Container {
  readonly name: string;
  readonly stored: StoredComponent;
  status: InstanceStatus;
  sinceMs: number;
  address?: Address;
  doomed?: string;
  /** What the start is busy with. */
  progress?: string | undefined;
  /** Ends the start under way. */
  readonly cancel: AbortController;
  /** Aborts when the process has ended. */
  readonly exited: AbortController;
  stopping?: Promise<void>;
}

interface Failure {
  readonly error: MaelstromError;
  readonly attempts: number;
  readonly retryAtMs: number;
}

/** Keeps one component's containers on this node. */
export class Worker implements AsyncDisposable {
  readonly #context: WorkerContext;
  readonly #look: Recurring;
  readonly #containers = new Map<string, Container>();
  #target: { readonly stored: StoredComponent; readonly count: number };
  #failure: Failure | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** The version, if any, of which an instance has started. */
  #deployed = "";

  constructor(stored: StoredComponent, context: WorkerContext) {
    this.#context = context;
    this.#target = { stored, count: 0 };
    this.#look = new Recurring((signal) => this.#converge(signal), {
      name: `converge ${stored.component.name}`,
      everyMs: LOOK_EVERY_MS,
      log: context.log,
    });
  }

  get component(): string {
    return this.#target.stored.component.name;
  }

  /** Names of the containers this worker answers for. */
  has(name: string): boolean {
    return this.#containers.has(name);
  }

  /** Names of the containers that serve. */
  serving(): string[] {
    return [...this.#containers.values()].filter(({ status }) => status === "active")
      .map(({ name }) => name);
  }

  /** True when there is nothing left to do for a component that is gone. */
  get idle(): boolean {
    return this.#containers.size === 0 && this.#target.count === 0;
  }

  /** Why no instance can be had now: the last start failed and the next try is not due. */
  get blocked(): MaelstromError | undefined {
    const { now } = this.#context;
    return this.#failure && this.#failure.retryAtMs > now() ? this.#failure.error : undefined;
  }

  /** What keeps instances from starting; undefined while they start. */
  get failure(): ComponentFailure | undefined {
    if (!this.#failure) return undefined;
    const { error, attempts, retryAtMs } = this.#failure;
    return {
      componentName: this.component,
      componentVersion: this.#target.stored.component.version,
      message: error.message,
      attempts,
      retryAt: retryAtMs,
      lines: [],
      health: [],
    };
  }

  /** The whole target; the same one again costs nothing. */
  setTarget(stored: StoredComponent, count: number): void {
    const before = this.#target;
    if (before.count === count && revision(before.stored) === revision(stored)) return;
    this.#target = { stored, count };
    if (revision(before.stored) !== revision(stored)) this.#failure = undefined;
    for (const container of this.#containers.values()) {
      const wanted = count > 0 && revision(container.stored) === revision(stored);
      if (container.status === "starting" && !wanted) container.cancel.abort();
    }
    this.#look.poke();
  }

  /** The component is gone: so are its instances. */
  clearTarget(): void {
    this.setTarget(this.#target.stored, 0);
  }

  /** Takes over a container that an earlier daemon started. */
  adopt(name: string, stored: StoredComponent, address: Address): void {
    const container = this.#track(name, stored);
    this.#target = { stored, count: this.#target.count + 1 };
    this.#activate(container, address);
  }

  /** The process of container `name` has ended. */
  died(name: string): void {
    const container = this.#containers.get(name);
    if (!container) return;
    container.exited.abort(new MaelstromError("start_failed", "process exited"));
    if (container.status !== "active") return;
    this.#context.tasks.run(`bury ${name}`, (signal) => this.#bury(container, signal));
  }

  /** Container `name` could not be reached: find out whether it is alive. */
  verify(name: string): void {
    const container = this.#containers.get(name);
    if (container?.status !== "active") return;
    this.#context.tasks.run(`verify ${name}`, async (signal) => {
      // When Docker does not answer, the instance itself is asked.
      const running = await this.#context.docker.inspectContainer(name, signal)
        .then((detail) => detail?.state.running ?? false, () => true);
      if (!running) return this.died(name);
      if (await this.#isHealthy(container, signal)) this.#report(container);
      else this.#doom(container, "health check failed");
    });
  }

  /** Stops looking. Containers are left running for the next daemon to adopt. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retryTimer);
    for (const { status, cancel } of this.#containers.values()) {
      if (status === "starting") cancel.abort();
    }
    await this.#look[Symbol.asyncDispose]();
  }

  async #converge(signal: AbortSignal): Promise<void> {
    const target = this.#target;
    const steps = this.#plan();
    // Stopping the old version while the new one cannot start would only lose capacity.
    if (this.blocked && steps.some(({ kind }) => kind === "start")) return this.#retryLater();
    // Nor while its image is still to come: the old one serves until then.
    const isPulled = steps[0]?.kind === "stop" && steps.some(({ kind }) => kind === "start");
    if (isPulled && !await this.#pull(target.stored)) return this.#retryLater();
    for (const [index, batch] of batches(steps).entries()) {
      if (signal.aborted) return;
      if (this.#target !== target) return this.#look.poke();
      if (batch[0]?.kind === "start") {
        const started = await Promise.all(batch.map(() => this.#start(target.stored, isPulled)));
        if (started.includes(false)) return this.#retryLater();
      } else {
        const stops = batch.flatMap((step) => step.kind === "stop" ? [this.#stop(step)] : []);
        const startsFollow = batches(steps).slice(index + 1).some(([next]) =>
          next?.kind === "start"
        );
        // Only a rollout waits for a stop; a scale-down must not hold up the next start.
        if (startsFollow) await Promise.all(stops);
      }
    }
  }

  #plan(): Step[] {
    const { stored, count } = this.#target;
    const { restartOrder, startParallelism } = effective(stored.component);
    const { inFlight } = this.#context;
    // The busiest are kept; a container that is starting has shown nothing yet.
    const present = [...this.#containers.values()]
      .filter(({ status }) => status !== "stopping")
      .map(({ name, doomed, stored: { uid, component: { version } } }) => ({
        id: name,
        uid,
        version,
        ...(doomed === undefined ? {} : { doomed }),
      }))
      .sort((a, b) => Math.sign(inFlight(b.id)) - Math.sign(inFlight(a.id)));
    const deployed = this.#deployed === revision(stored);
    const { uid, component: { version } } = stored;
    return plan(present, { uid, version, count, restartOrder, startParallelism, deployed });
  }

  /** Gets the image, shown as an instance that starts; false when it cannot be had. */
  async #pull(stored: StoredComponent): Promise<boolean> {
    const { name } = stored.component;
    const container = this.#track(containerName(name), stored);
    try {
      const tell = (progress: string | undefined) => this.#tell(container, progress);
      await this.#context.images.ensure(stored, tell, container.cancel.signal);
      return true;
    } catch (error) {
      if (container.cancel.signal.aborted || isAbort(error)) return true;
      const message = `Cannot start "${name}": ${messageOf(error)}`;
      this.#fail(stored, new MaelstromError("start_failed", message, undefined, { cause: error }));
      return false;
    } finally {
      this.#forget(container);
    }
  }

  #tell(container: Container, progress: string | undefined): void {
    if (this.#containers.get(container.name) !== container) return;
    container.progress = progress;
    this.#report(container);
  }

  /** True when an instance serves or the attempt was called off; false when it failed. */
  async #start(stored: StoredComponent, isPulled: boolean): Promise<boolean> {
    const { docker, images, nodeId, privateUrl, resolve, log } = this.#context;
    const { component } = stored;
    const container = this.#track(containerName(component.name), stored);
    try {
      const { address, phases } = await startContainer({
        docker,
        images,
        isPulled,
        onProgress: (progress) => this.#tell(container, progress),
        name: container.name,
        stored,
        settings: effective(component),
        nodeId,
        privateUrl,
        resolve,
        log,
        exited: container.exited.signal,
      }, container.cancel.signal);
      log.info("instance serves", {
        component: component.name,
        container: container.name,
        version: component.version,
        ...phases,
      });
      this.#deployed = revision(stored);
      this.#activate(container, address);
      return true;
    } catch (error) {
      this.#forget(container);
      if (container.cancel.signal.aborted || isAbort(error)) return true;
      this.#fail(stored, asMaelstromError(error));
      return false;
    }
  }

  #fail(stored: StoredComponent, error: MaelstromError): void {
    const nowMs = this.#context.now();
    const recent = this.#failure && nowMs - this.#failure.retryAtMs < BACK_OFF_MS_MAX;
    const attempts = recent ? this.#failure!.attempts + 1 : 1;
    const backOffMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** (attempts - 1));
    this.#failure = { error, attempts, retryAtMs: nowMs + backOffMs };
    this.#context.log.warn(error.message, { component: stored.component.name, backOffMs });
    this.#context.failed(stored.component.name, error);
  }

  #retryLater(): void {
    const dueMs = (this.#failure?.retryAtMs ?? 0) - this.#context.now();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#look.poke(), Math.max(0, dueMs) + 1);
  }

  #stop({ id, reason }: Extract<Step, { kind: "stop" }>): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return Promise.resolve();
    if (container.stopping) return container.stopping;
    container.status = "stopping";
    container.cancel.abort();
    this.#report(container);
    this.#context.log.info("stopping instance", {
      component: this.component,
      container: id,
      reason,
    });
    const stopping = new Promise<void>((resolve) =>
      this.#context.tasks.run(
        `stop ${id}`,
        (signal) => this.#drainAndStop(container, signal).finally(resolve),
      )
    );
    container.stopping = stopping;
    return stopping;
  }

  async #drainAndStop(container: Container, signal: AbortSignal): Promise<void> {
    const { docker, drain, drainMs, log } = this.#context;
    try {
      await drain(container.name, AbortSignal.any([signal, AbortSignal.timeout(drainMs)]));
      signal.throwIfAborted();
      const limit = AbortSignal.any([signal, AbortSignal.timeout(STOP_LIMIT_MS)]);
      await stopContainer(docker, container.name, STOP_GRACE_SECONDS, limit);
    } catch (error) {
      // Forgotten all the same: what the engine still lists is found and removed by reconciling.
      if (!isAbort(error)) log.warn("cannot stop container", { container: container.name, error });
    }
    if (!signal.aborted) this.#forget(container);
  }

  /** An instance ended by itself: out of rotation, its last words into the log, replaced. */
  async #bury(container: Container, signal: AbortSignal): Promise<void> {
    const { docker, log, now } = this.#context;
    if (container.status !== "active") return;
    container.status = "stopping";
    this.#report(container);
    const detail = await docker.inspectContainer(container.name, signal).catch(() => undefined);
    const lines = await docker.lastLogLines(container.name, 3, signal).catch(() => []);
    const exitCode = detail?.state.exitCode;
    log.warn("instance died", {
      component: this.component,
      container: container.name,
      exitCode,
      lines,
    });
    if (now() - container.sinceMs < PROVEN_MS) {
      const said = lines.length > 0 ? `, last line: ${lines.at(-1)}` : "";
      const message = `Cannot run "${this.component}": process exited with code ${exitCode}${said}`;
      this.#fail(container.stored, new MaelstromError("start_failed", message, { exitCode }));
    }
    await removeContainer(docker, container.name, signal).catch((error: unknown) => {
      log.warn("cannot remove container, will try again", { container: container.name, error });
    });
    this.#forget(container);
  }

  #track(name: string, stored: StoredComponent): Container {
    const container: Container = {
      name,
      stored,
      status: "starting",
      sinceMs: this.#context.now(),
      cancel: new AbortController(),
      exited: new AbortController(),
    };
    this.#containers.set(name, container);
    this.#report(container);
    return container;
  }

  #activate(container: Container, address: Address): void {
    container.address = address;
    container.status = "active";
    container.sinceMs = this.#context.now();
    this.#report(container);
    this.#context.tasks.run(`health ${container.name}`, (signal) => this.#watch(container, signal));
  }

  #report({ name, stored, status, address, sinceMs, progress }: Container): void {
    const { component, uid } = stored;
    const { maxConcurrency, softConcurrencyLimit, reserveMemoryMiB } = effective(component);
    this.#context.members.report({
      id: name,
      component: component.name,
      version: component.version,
      uid,
      status,
      ...(address ? { address } : {}),
      admits: softConcurrencyLimit ? Infinity : maxConcurrency,
      maxConcurrency,
      reserveMemoryMiB,
      sinceMs,
      ...(progress === undefined ? {} : { progress }),
    });
  }

  #forget(container: Container): void {
    container.exited.abort();
    this.#containers.delete(container.name);
    this.#context.members.forget(container.name);
    this.#look.poke();
  }

  #doom(container: Container, reason: string): void {
    container.doomed = reason;
    this.#look.poke();
  }

  /** Checks a serving instance's health until it stops; dooms it after too many failures. */
  async #watch(container: Container, stop: AbortSignal): Promise<void> {
    const { healthCheckEveryMs, healthCheckMaxFailures } = effective(container.stored.component);
    const signal = AbortSignal.any([stop, container.exited.signal]);
    let failures = 0;
    while (!signal.aborted && failures < healthCheckMaxFailures) {
      await pause(healthCheckEveryMs, signal);
      if (signal.aborted || container.status !== "active") return;
      failures = await this.#isHealthy(container, signal) ? 0 : failures + 1;
      if (!signal.aborted && failures > 0) {
        this.#context.log.warn("health check failed", { container: container.name, failures });
      }
    }
    if (!signal.aborted) this.#doom(container, "health check failed");
  }

  async #isHealthy({ address, stored }: Container, signal: AbortSignal): Promise<boolean> {
    const { healthCheckPath } = effective(stored.component);
    try {
      return isHealthy(
        await probe(address!, healthCheckPath, { timeoutMs: PROBE_LIMIT_MS, signal }),
      );
    } catch {
      return false;
    }
  }
}

/** Tells versions of a component apart, also when it was removed and put again. */
function revision({ uid, component }: StoredComponent): string {
  return `${uid}/${component.version}`;
}

function containerName(component: string): string {
  return `maelstrom-${component}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Runs of steps that may go on at the same time: starts without a lock, or stops. */
function batches(steps: readonly Step[]): Step[][] {
  const runs: Step[][] = [];
  for (const step of steps) {
    const run = runs.at(-1);
    const alone = step.kind === "start" && step.lock;
    const joins = run && !alone && run.length < BATCH_MAX && run[0]!.kind === step.kind &&
      !(run[0]!.kind === "start" && run[0]!.lock);
    if (joins) run.push(step);
    else runs.push([step]);
  }
  return runs;
}
