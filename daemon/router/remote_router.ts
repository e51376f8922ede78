/**
 * The routers of a proxy worker: they admit requests with tokens that the main thread lends. An
 * idle token admits at once; without one a want goes to the main thread, where it waits in the
 * component's one queue. Walk: gateway → **remote router** ⇒ token desk → router → queue.
 *
 * Knows nothing of threads or timers: notes leave through `deliver`, and somebody calls `tick`.
 * @module
 */
import type { MaelstromError } from "../../lib/errors.ts";
import type { Admission, Admissions, RouterState, Wait } from "./admission.ts";
import { RemoteInstance } from "./remote_instance.ts";
import { errorOf } from "./token_desk.ts";
import type { Grant, Refusal, TokenNote, TokenOrder } from "./token_messages.ts";

/** Period in which {@linkcode RemoteRouters.tick} wants to be called, in milliseconds. */
export const TICK_MS = 100;
/** Time after which tokens that were not needed go back, in milliseconds. */
const SPARE_MS = 250;

/** What the remote routers need. */
export interface RemoteRoutersOptions {
  /** Brings notes to the main thread, in order. */
  readonly deliver: (notes: readonly TokenNote[]) => void;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

interface Waiter {
  readonly router: RemoteRouter;
  readonly settle: (wait: Wait) => void;
}

/** Admits the requests of one component with borrowed tokens. */
export class RemoteRouter implements Admission {
  readonly component: string;
  readonly instances: RemoteInstance[] = [];
  /** Requests of this worker that wait in the main thread's queue. */
  waiting = 0;
  /** Instances serve, as far as is known here. */
  isOn = false;
  /** Idle tokens may be kept: nobody else waits, as far as is known here. */
  keeps = false;
  readonly #routers: RemoteRouters;
  #next = 0;

  constructor(component: string, routers: RemoteRouters) {
    this.component = component;
    this.#routers = routers;
  }

  get state(): RouterState {
    if (this.isOn) return "on";
    return this.waiting > 0 ? "pending" : "off";
  }

  /** True when nothing would be lost by forgetting this router. */
  get idle(): boolean {
    return this.instances.length === 0 && this.waiting === 0;
  }

  claim(): RemoteInstance | undefined {
    // Those who wait were here first.
    if (this.waiting > 0) return undefined;
    const size = this.instances.length;
    for (let tried = 0; tried < size; tried++) {
      const instance = this.instances[this.#next++ % size]!;
      if (!instance.claim()) continue;
      this.#next %= size;
      return instance;
    }
    return undefined;
  }

  wait(deadline: number, signal: AbortSignal): Promise<Wait> {
    return this.#routers.want(this, deadline, signal);
  }

  release(instance: RemoteInstance): void {
    instance.release();
    this.#routers.freed(this, instance);
  }

  suspend(instance: RemoteInstance): void {
    if (instance.isRetired) return;
    this.#routers.suspend(this, instance);
  }

  knock(): Promise<MaelstromError | undefined> {
    return this.#routers.knock(this.component);
  }
}

/** The remote routers of all components, made when first needed. */
export class RemoteRouters implements Admissions {
  readonly #options: RemoteRoutersOptions;
  readonly #routers = new Map<string, RemoteRouter>();
  readonly #instances = new Map<string, RemoteInstance>();
  readonly #waiters = new Map<number, Waiter>();
  readonly #knocks = new Map<number, (error: MaelstromError | undefined) => void>();
  #lastNumber = 0;
  #notes: TokenNote[] = [];
  #suspended: TokenNote[] = [];
  #toReport = new Set<RemoteInstance>();
  #isFlushing = false;
  #sweptAtMs: number;

  constructor(options: RemoteRoutersOptions) {
    this.#options = options;
    this.#sweptAtMs = options.now();
  }

  of(component: string): RemoteRouter {
    let router = this.#routers.get(component);
    if (!router) this.#routers.set(component, router = new RemoteRouter(component, this));
    return router;
  }

  /** Follows what the main thread says, in order. */
  receive(orders: readonly TokenOrder[]): void {
    for (const order of orders) this.#follow(order);
  }

  /** Reports what has changed; every quarter of a second spare tokens go back. */
  tick(): void {
    const now = this.#options.now();
    const isSweep = now - this.#sweptAtMs >= SPARE_MS;
    if (isSweep) this.#sweptAtMs = now;
    for (const instance of this.#instances.values()) {
      if (isSweep) instance.sweep();
      if (instance.isUntold) this.#tell(instance);
    }
  }

  /** Forgets routers of components that `exists` does not know. */
  sweep(exists: (component: string) => boolean): void {
    for (const [component, router] of this.#routers) {
      if (router.idle && !exists(component)) this.#routers.delete(component);
    }
  }

  /** For {@linkcode RemoteRouter} only: asks the main thread for a place. */
  want(router: RemoteRouter, deadline: number, signal: AbortSignal): Promise<Wait> {
    if (signal.aborted) return Promise.resolve({ kind: "left" });
    const want = ++this.#lastNumber;
    return new Promise((resolve) => {
      const settle = (wait: Wait) => {
        signal.removeEventListener("abort", leave);
        if (this.#waiters.delete(want)) router.waiting -= 1;
        resolve(wait);
      };
      const leave = () => {
        this.#note({ kind: "leave", want });
        settle({ kind: "left" });
      };
      signal.addEventListener("abort", leave);
      this.#waiters.set(want, { router, settle });
      router.waiting += 1;
      const waitMs = Math.max(0, deadline - performance.now());
      this.#note({ kind: "want", want, component: router.component, waitMs });
    });
  }

  /** For {@linkcode RemoteRouter} only: asks for an instance. */
  knock(component: string): Promise<MaelstromError | undefined> {
    const knock = ++this.#lastNumber;
    return new Promise((resolve) => {
      this.#knocks.set(knock, resolve);
      this.#note({ kind: "knock", knock, component });
    });
  }

  /** For {@linkcode RemoteRouter} only: a token became idle; it stays or goes home. */
  freed(router: RemoteRouter, instance: RemoteInstance): void {
    // One that is frozen could not keep its connections alive.
    if (instance.isRetired && instance.inFlight === 0) instance.upstream.closeIdle();
    const stays = router.keeps && router.waiting === 0 && !instance.isRetired;
    if (!stays && instance.giveBack()) this.#tell(instance);
    this.#forgetIfGone(router, instance);
  }

  /** For {@linkcode RemoteRouter} only: the instance could not be reached. */
  suspend(router: RemoteRouter, instance: RemoteInstance): void {
    this.#suspended.push({ kind: "suspend", instance: instance.id });
    this.#flushSoon();
    instance.isRetired = true;
    this.freed(router, instance);
  }

  #follow(order: TokenOrder): void {
    switch (order.kind) {
      case "grant":
        return this.#take(order);
      case "refuse":
        return this.#waiters.get(order.want)?.settle(waitOf(order.why));
      case "recall":
        return this.#recall(this.of(order.component));
      case "serving":
        this.of(order.component).isOn = order.isOn;
        return;
      case "knocked": {
        const settle = this.#knocks.get(order.knock);
        this.#knocks.delete(order.knock);
        return settle?.(order.failure && errorOf(order.failure));
      }
    }
    const instance = this.#instances.get(order.instance);
    if (!instance) return;
    instance.isRetired = true;
    if (order.kind === "gone") {
      instance.isGone = true;
      instance.upstream.close();
    }
    this.freed(this.of(instance.component), instance);
  }

  #take(grant: Grant): void {
    const router = this.of(grant.component);
    const instance = this.#instances.get(grant.instance) ?? this.#meet(router, grant);
    instance.arrive();
    router.keeps = grant.keep;
    const waiter = grant.want === undefined ? undefined : this.#waiters.get(grant.want);
    if (waiter && instance.claim()) return waiter.settle({ kind: "instance", instance });
    this.freed(router, instance);
  }

  #meet(router: RemoteRouter, { instance: id, component, address, isSoft }: Grant): RemoteInstance {
    if (!address) throw new Error(`instance ${id} was granted without its address`);
    const { now } = this.#options;
    const instance = new RemoteInstance({ id, component, address, isSoft, now });
    this.#instances.set(id, instance);
    router.instances.push(instance);
    return instance;
  }

  #recall(router: RemoteRouter): void {
    router.keeps = false;
    for (const instance of router.instances) {
      if (instance.giveBack()) this.#tell(instance);
    }
  }

  #forgetIfGone(router: RemoteRouter, instance: RemoteInstance): void {
    if (!instance.isGone || instance.inFlight > 0) return;
    this.#instances.delete(instance.id);
    const at = router.instances.indexOf(instance);
    if (at >= 0) router.instances.splice(at, 1);
  }

  #note(note: TokenNote): void {
    this.#notes.push(note);
    this.#flushSoon();
  }

  /** Reports on `instance` with what else is said in this turn, once and at its end. */
  #tell(instance: RemoteInstance): void {
    this.#toReport.add(instance);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushing = false;
    // A token that comes home may be what is asked for next, but not one of a suspended instance.
    const reports = [...this.#toReport].map((instance) => instance.report());
    const notes = [...this.#suspended, ...reports, ...this.#notes];
    this.#toReport.clear();
    this.#suspended = [];
    this.#notes = [];
    this.#options.deliver(notes);
  }
}

function waitOf(why: Refusal): Wait {
  return why.kind === "failed" ? { kind: "failed", error: errorOf(why.failure) } : why;
}
