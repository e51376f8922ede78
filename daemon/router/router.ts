/**
 * One component's traffic: which instances take requests, who waits, and when to ask for an
 * instance. Walk: gateway → resolver → **router** → queue → instance. Knows nothing of containers
 * or HTTP; asks for instances through `wake`.
 * @module
 */
import { MaelstromError } from "../../lib/errors.ts";
import type { InstanceFact } from "../cluster/members.ts";
import type { Admission, RouterState } from "./admission.ts";
import { Instance, type LoanChange } from "./instance.ts";
import { Queue, type QueueBudget, type Wait } from "./queue.ts";

/** How long somebody who did not wait counts as waiting: the time until they ask again. */
const KNOCK_MS = 5000;

/** Told of what concerns places that other threads hold; see `TokenDesk`. */
export interface Lender {
  /** A request waits, or the instances changed: places that are held idle are wanted back. */
  contended(component: string): void;
  /** The instance takes requests from now on. */
  joined(router: Router, instance: Instance): void;
  /** The instance takes no further request. */
  left(router: Router, instance: Instance): void;
  /** The instance is gone. */
  gone(instance: Instance): void;
}

/** What a router needs from above and beside. */
export interface RouterOptions {
  /** Most requests that may wait for one component. */
  readonly queueMax: number;
  /** What all components' queues together may hold. */
  readonly queueBudget: QueueBudget;
  /** Asks for an instance; called when a request finds none. */
  readonly wake: (component: string) => void;
  /** Why no instance can be had now, if starts are failing. */
  readonly blocked: (component: string) => MaelstromError | undefined;
  /** Asks whether an instance that could not be reached is alive. */
  readonly verify: (id: string) => void;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** Lends places to other threads, if there are any. */
  readonly lender?: Lender;
}

/** Routes requests of one component. */
export class Router implements Admission {
  readonly #options: RouterOptions;
  readonly #queue: Queue;
  // In rotation. One that is draining or suspended is known to `#all` only.
  readonly #rotation: Instance[] = [];
  readonly #all = new Map<string, Instance>();
  #next = 0;
  #wantedUntilMs = 0;
  #inFlight = 0;

  constructor(readonly component: string, options: RouterOptions) {
    this.#options = options;
    this.#queue = new Queue(options.queueMax, options.queueBudget);
  }

  get state(): RouterState {
    if (this.#rotation.length > 0) return "on";
    return this.#queue.length > 0 ? "pending" : "off";
  }

  /** Requests from arrival to finish, waiting ones included. */
  get inFlight(): number {
    return this.#inFlight + this.#queue.length;
  }

  /** Requests that wait, or would if their component held them. */
  get queued(): number {
    const knocked = this.#wantedUntilMs > this.#options.now();
    return this.#queue.length || (knocked && this.#rotation.length === 0 ? 1 : 0);
  }

  /** A claimed place on the next instance in turn that has one, without waiting. */
  claim(): Instance | undefined {
    // Those who wait were here first.
    return this.#queue.length > 0 ? undefined : this.#claimNext();
  }

  /** Waits for a place until `deadline` (`performance.now()` clock) or until `signal` aborts. */
  async wait(deadline: number, signal: AbortSignal): Promise<Wait> {
    if (this.#rotation.length === 0) {
      const error = this.#options.blocked(this.component);
      if (error) return { kind: "failed", error };
    }
    const wait = this.#queue.admit(deadline, signal);
    if (this.#rotation.length === 0) this.#options.wake(this.component);
    else this.#options.lender?.contended(this.component);
    return await wait;
  }

  /**
   * Asks for an instance without waiting for it.
   *
   * @returns why none can be had now, if starts are failing
   */
  knock(): MaelstromError | undefined {
    const error = this.#options.blocked(this.component);
    if (error) return error;
    this.#wantedUntilMs = this.#options.now() + KNOCK_MS;
    this.#options.wake(this.component);
    return undefined;
  }

  /** Gives back a claimed place and lets the next waiter have it. */
  release(instance: Instance): void {
    instance.release();
    this.#inFlight -= 1;
    if (this.#queue.length > 0) this.#queue.dispatch(() => this.#claimNext());
  }

  /** Gives back a claimed place that served no request. */
  giveBack(instance: Instance): void {
    instance.unclaim();
    this.#inFlight -= 1;
    this.#queue.dispatch(() => this.#claimNext());
  }

  /** Lends a claimed place to another thread, or `instance` as a whole if it has no limit. */
  lend(instance: Instance, how: "claimed" | "whole"): void {
    instance.lend();
    if (how === "whole") return;
    instance.unclaim();
    this.#inFlight -= 1;
  }

  /** Takes note of what happened on lent places, and hands out those that came back. */
  settle(instance: Instance, change: LoanChange): void {
    instance.settle(change);
    if (change.returned > 0) this.#queue.dispatch(() => this.#claimNext());
  }

  /**
   * Takes an instance that could not be reached out of rotation and has it checked; it comes back
   * by being attached again, or goes by being detached.
   */
  suspend(instance: Instance): void {
    if (!this.#leaveRotation(instance)) return;
    this.#options.verify(instance.id);
  }

  /** An instance is ready for requests. */
  attach(fact: InstanceFact): void {
    if (!fact.address) throw new Error(`instance ${fact.id} is active without an address`);
    let instance = this.#all.get(fact.id);
    if (!instance) {
      const { id, address, admits } = fact;
      instance = new Instance({ id, address, admits, now: this.#options.now });
      this.#all.set(id, instance);
    }
    instance.admits = fact.admits;
    if (!this.#rotation.includes(instance)) {
      this.#rotation.push(instance);
      this.#options.lender?.joined(this, instance);
    }
    this.#queue.dispatch(() => this.#claimNext());
  }

  /** The instance takes no further request; those in progress go on. */
  retire(id: string): void {
    const instance = this.#all.get(id);
    if (instance) this.#leaveRotation(instance);
    this.#wakeIfPending();
  }

  /** The instance is gone. */
  detach(id: string): void {
    this.retire(id);
    const instance = this.#all.get(id);
    if (!instance) return;
    instance.upstream.close();
    this.#all.delete(id);
    this.#options.lender?.gone(instance);
  }

  /** Resolves when the instance has no request in progress, or when `signal` aborts. */
  async drain(id: string, signal: AbortSignal): Promise<void> {
    await this.#all.get(id)?.drain(signal);
  }

  /** The traffic of instance `id`. */
  instance(id: string): Instance | undefined {
    return this.#all.get(id);
  }

  /** Ends every wait with `error`, unless instances serve. */
  fail(error: MaelstromError): void {
    if (this.#rotation.length === 0) this.#queue.fail(error);
  }

  /** True when nothing would be lost by forgetting this router. */
  get idle(): boolean {
    return this.#all.size === 0 && this.inFlight === 0;
  }

  #wakeIfPending(): void {
    if (this.state === "pending") this.#options.wake(this.component);
  }

  #leaveRotation(instance: Instance): boolean {
    const at = this.#rotation.indexOf(instance);
    if (at < 0) return false;
    this.#rotation.splice(at, 1);
    this.#options.lender?.left(this, instance);
    return true;
  }

  #claimNext(): Instance | undefined {
    const size = this.#rotation.length;
    for (let tried = 0; tried < size; tried++) {
      const instance = this.#rotation[this.#next++ % size]!;
      if (instance.claim()) {
        this.#inFlight += 1;
        this.#next %= size;
        return instance;
      }
    }
    return undefined;
  }
}

/** The routers of all components, made when first needed. */
export class Routers {
  readonly #options: RouterOptions;
  readonly #routers = new Map<string, Router>();
  readonly #byInstance = new Map<string, Router>();

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** The router of `component`. */
  of(component: string): Router {
    let router = this.#routers.get(component);
    if (!router) {
      router = new Router(component, this.#options);
      this.#routers.set(component, router);
    }
    return router;
  }

  /** Requests waiting for `component`. */
  queued(component: string): number {
    return this.#routers.get(component)?.queued ?? 0;
  }

  /** The traffic of instance `id`, if it ever was active. */
  instance(id: string): Instance | undefined {
    return this.#byInstance.get(id)?.instance(id);
  }

  /** Resolves when instance `id` has no request in progress, or when `signal` aborts. */
  async drain(id: string, signal: AbortSignal): Promise<void> {
    await this.#byInstance.get(id)?.drain(id, signal);
  }

  /** Components for which requests wait. */
  pending(): string[] {
    return [...this.#routers.values()].filter((router) => router.queued > 0)
      .map((router) => router.component);
  }

  /** Follows a change of an instance; see {@linkcode MemberListener}. */
  follow(id: string, fact: InstanceFact | undefined): void {
    if (fact?.status === "active") {
      const router = this.of(fact.component);
      this.#byInstance.set(id, router);
      return router.attach(fact);
    }
    const router = this.#byInstance.get(id);
    if (fact) return router?.retire(id);
    router?.detach(id);
    this.#byInstance.delete(id);
  }

  /** Forgets routers of components that `exists` does not know; their waiters are told. */
  sweep(exists: (component: string) => boolean): void {
    for (const [component, router] of this.#routers) {
      if (exists(component)) continue;
      const message = `Cannot serve "${component}": the component was removed`;
      router.fail(new MaelstromError("not_found", message));
      if (router.idle) this.#routers.delete(component);
    }
  }
}
