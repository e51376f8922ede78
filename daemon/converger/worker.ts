/**
 * Makes one component's containers on this node match their target. Owned by the converger. Walk:
 * converger.setTargets → **worker** → plan → container, instances ⇒ members.
 * @module
 */
import type { Limiter } from "../../lib/async/limiter.ts";
import { Recurring } from "../../lib/async/recurring.ts";
import { effective } from "../../lib/contract/effective.ts";
import type { Component, ComponentFailure } from "../../lib/contract/v1.ts";
import { asMaelstromError, isAbort, MaelstromError, messageOf } from "../../lib/errors.ts";
import type { StoredComponent } from "../store/store.ts";
import { BackOff, type FailedStart } from "./back_off.ts";
import { type Address, startContainer } from "./container.ts";
import type { Images } from "./images.ts";
import { Instances, type InstancesContext } from "./instances.ts";
import { plan, type Step } from "./plan.ts";

const LOOK_EVERY_MS = 60_000;
/** Containers of one component that start at the same time. */
const BATCH_MAX = 8;

/** What every worker of a node shares. */
export interface WorkerContext extends InstancesContext {
  readonly nodeId: string;
  /** Lets the engine start so many containers at the same time. */
  readonly starts: Limiter;
  /** Where components reach others, as seen from a container. */
  readonly privateUrl: string;
  readonly images: Images;
  /** Puts named values in place of the references in a text. */
  readonly resolve: (text: string) => string;
  /** Rejects when the component may not be started here. */
  readonly permit: (component: Component) => Promise<void>;
  /** A start failed: whoever waits for it should know. */
  readonly failed: (component: string, error: MaelstromError) => void;
}

/** Keeps one component's containers on this node. */
export class Worker implements AsyncDisposable {
  readonly #context: WorkerContext;
  readonly #look: Recurring;
  readonly #backOff: BackOff;
  /** The component's containers on this node. */
  readonly instances: Instances;
  #target: { readonly stored: StoredComponent; readonly count: number };
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
    this.#backOff = new BackOff(context.now);
    this.instances = new Instances(this.component, context, {
      changed: () => this.#look.poke(),
      failed: (start) => this.#fail(start),
    });
  }

  get component(): string {
    return this.#target.stored.component.name;
  }

  /** True when there is nothing left to do for a component that is gone. */
  get idle(): boolean {
    return this.instances.size === 0 && this.#target.count === 0;
  }

  /** Why no instance can be had now: the last start failed and the next try is not due. */
  get blocked(): MaelstromError | undefined {
    return this.#backOff.blocked;
  }

  /** What keeps instances from starting; undefined while they start. */
  get failure(): ComponentFailure | undefined {
    const { failure } = this.#backOff;
    return failure && { componentName: this.component, ...failure };
  }

  /** The whole target; the same one again costs nothing. */
  setTarget(stored: StoredComponent, count: number): void {
    const before = this.#target;
    if (before.count === count && revision(before.stored) === revision(stored)) return;
    this.#target = { stored, count };
    if (revision(before.stored) !== revision(stored)) this.#backOff.reset();
    for (const container of this.instances.list()) {
      const wanted = count > 0 && revision(container.stored) === revision(stored);
      if (container.status === "starting" && !wanted) container.phase.abort();
    }
    this.#look.poke();
  }

  /** The component is gone: so are its instances. */
  clearTarget(): void {
    this.setTarget(this.#target.stored, 0);
  }

  /** Takes over a container that an earlier daemon made from `made`, and maybe froze. */
  adopt(name: string, made: StoredComponent, address: Address, isPaused: boolean): void {
    // The oldest counts as the target, so that the newest is news when it is wanted.
    const before = this.#target;
    const isOlder = made.component.version < before.stored.component.version;
    this.#target = { stored: isOlder ? made : before.stored, count: before.count + 1 };
    this.instances.adopt(name, made, address, isPaused);
  }

  /** Stops looking. Containers are left running for the next daemon to adopt. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retryTimer);
    for (const { status, phase } of this.instances.list()) {
      if (status === "starting") phase.abort();
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
        const stops = batch.flatMap((step) =>
          step.kind === "stop" ? [this.instances.stop(step.id, step.reason)] : []
        );
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
    const present = this.instances.toKeep()
      .map(({ name, doomed, stored: { uid, component: { version } } }) => ({
        id: name,
        uid,
        version,
        ...(doomed === undefined ? {} : { doomed }),
      }));
    const deployed = this.#deployed === revision(stored);
    const { uid, component: { version } } = stored;
    return plan(present, { uid, version, count, restartOrder, startParallelism, deployed });
  }

  /** Gets the image, shown as an instance that starts; false when it cannot be had. */
  async #pull(stored: StoredComponent): Promise<boolean> {
    const { name, version } = stored.component;
    const container = this.instances.track(containerName(name), stored);
    const { signal } = container.phase;
    try {
      const tell = (progress: string | undefined) => this.instances.tell(container, progress);
      await this.#context.images.ensure(stored, tell, signal);
      return true;
    } catch (cause) {
      if (signal.aborted || isAbort(cause)) return true;
      const message = `Cannot start "${name}": ${messageOf(cause)}`;
      const error = new MaelstromError("start_failed", message, undefined, { cause });
      this.#fail({ componentVersion: version, error, health: [] });
      return false;
    } finally {
      this.instances.forget(container);
    }
  }

  /** True when an instance serves or the attempt was called off; false when it failed. */
  async #start(stored: StoredComponent, isPulled: boolean): Promise<boolean> {
    const { docker, starts, images, nodeId, privateUrl, resolve, permit, log } = this.#context;
    const { component } = stored;
    const container = this.instances.track(containerName(component.name), stored);
    const { signal } = container.phase;
    try {
      await permit(component);
      const { address, phases } = await startContainer({
        docker,
        starts,
        images,
        isPulled,
        onProgress: (progress) => this.instances.tell(container, progress),
        onChecked: (result) => this.instances.checked(container, result),
        name: container.name,
        stored,
        settings: effective(component),
        nodeId,
        privateUrl,
        resolve,
        log,
        exited: container.exited.signal,
      }, signal);
      log.info("instance serves", {
        component: component.name,
        container: container.name,
        version: component.version,
        ...phases,
      });
      this.#deployed = revision(stored);
      this.#backOff.succeed();
      this.instances.serve(container, address);
      return true;
    } catch (cause) {
      const isCalledOff = signal.aborted || isAbort(cause);
      this.instances.forget(container);
      if (isCalledOff) return true;
      const { health } = container;
      const error = asMaelstromError(cause);
      this.#fail({ componentVersion: component.version, error, health });
      return false;
    }
  }

  #fail(start: FailedStart): void {
    const backOffMs = this.#backOff.fail(start);
    this.#context.log.warn(start.error.message, { component: this.component, backOffMs });
    this.#context.failed(this.component, start.error);
  }

  #retryLater(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#look.poke(), this.#backOff.leftMs + 1);
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
