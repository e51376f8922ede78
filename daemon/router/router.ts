/**
 * One component's traffic: which instances take requests, who waits, and when to ask for an
 * instance. Walk: gateway → resolver → **router** → queue → instance. Knows nothing of containers
 * or HTTP; asks for instances through `wake`.
 * @module
 */
import type { ComponentWaiting, NodeStatus } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { InstanceFact } from "../cluster/members.ts";
import type { Admission, Reach, RouterState } from "./admission.ts";
import { Instance, type LoanChange, type PlaceAddress } from "./instance.ts";
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
  /** Whether requests are served may have changed. */
  turned(router: Router): void;
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
  /** Asks for a frozen instance: it is attached, or it goes. */
  readonly thaw: (id: string) => void;
  /** Asks whether an instance that could not be reached is alive. */
  readonly verify: (id: string) => void;
  /** Asks whether a peer that could not be reached is alive. */
  readonly verifyPeer: (nodeId: string) => void;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** Lends places to other threads, if there are any. */
  readonly lender?: Lender;
}

/** Routes requests of one component. */
export class Router implements Admission {
  readonly #options: RouterOptions;
  readonly #queue: Queue;
  // Of requests that a peer relayed: they wait for an instance of this node.
  readonly #localQueue: Queue;
  // In rotation: instances of this node, and peers that have some. One that is draining or suspended
  // is known to `#all` only.
  readonly #here: Instance[] = [];
  readonly #peers: Instance[] = [];
  // Instances of this node that take requests again once they were asked for, and whether they were.
  readonly #frozen = new Map<Instance, { isAsked: boolean }>();
  readonly #all = new Map<string, Instance>();
  #next: Record<Reach, number> = { local: 0, any: 0 };
  #wantedUntilMs = 0;
  #inFlight = 0;

  constructor(readonly component: string, options: RouterOptions) {
    this.#options = options;
    this.#queue = new Queue(options.queueMax, options.queueBudget);
    this.#localQueue = new Queue(options.queueMax, options.queueBudget);
  }

  get state(): RouterState {
    if (this.#serves("any")) return "on";
    return this.#waiting > 0 ? "pending" : "off";
  }

  /** Requests from arrival to finish, waiting ones included. */
  get inFlight(): number {
    return this.#inFlight + this.#waiting;
  }

  /** Requests that wait, or would if their component held them. */
  get queued(): number {
    const knocked = this.#wantedUntilMs > this.#options.now();
    return this.#waiting || (knocked && !this.#serves("any") ? 1 : 0);
  }

  /** A claimed place on the next instance in turn that has one, without waiting. */
  claim(reach: Reach = "any"): Instance | undefined {
    // Those who wait were here first.
    return this.#queueOf(reach).length > 0 ? undefined : this.#claimNext(reach);
  }

  /** Waits for a place until `deadline` (`performance.now()` clock) or until `signal` aborts. */
  async wait(deadline: number, signal: AbortSignal, reach: Reach = "any"): Promise<Wait> {
    const serves = this.#serves(reach);
    if (!serves) {
      const error = this.#options.blocked(this.component);
      if (error) return { kind: "failed", error };
    }
    const wait = this.#queueOf(reach).admit(deadline, signal);
    if (!serves) this.#options.wake(this.component);
    else this.#options.lender?.contended(this.component);
    this.#thaw();
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
    if (this.#waiting > 0) this.#dispatch();
  }

  /** Gives back a claimed place that served no request. */
  giveBack(instance: Instance): void {
    instance.unclaim();
    this.#inFlight -= 1;
    this.#dispatch();
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
    if (change.returned > 0) this.#dispatch();
  }

  /**
   * Takes an instance that could not be reached out of rotation and has it checked; it comes back
   * by being attached again, or goes by being detached.
   */
  suspend(instance: Instance): void {
    if (!this.#leaveRotation(instance)) return;
    if (instance.peer) this.#options.verifyPeer(instance.peer);
    else this.#options.verify(instance.id);
  }

  /** An instance is ready for requests. */
  attach(fact: InstanceFact): void {
    this.#join(fact.id, addressOf(fact), fact.admits);
  }

  /** An instance is paused: it takes requests again after it was asked to. */
  freeze(fact: InstanceFact): void {
    const instance = this.#meet(fact.id, addressOf(fact), fact.admits);
    this.#frozen.set(instance, { isAsked: false });
    this.#leaveRotation(instance);
    this.#options.lender?.turned(this);
    // It could not keep them alive, and would end them just when it goes on.
    instance.upstream.closeIdle();
    this.#thaw();
  }

  /** A peer has instances that may have `admits` requests in all. */
  attachPeer(address: PlaceAddress & { readonly peer: string }, admits: number): void {
    this.#join(placeOf(this.component, address.peer), address, admits);
  }

  #meet(id: string, address: PlaceAddress, admits: number): Instance {
    let instance = this.#all.get(id);
    if (!instance) {
      instance = new Instance({ id, address, admits, now: this.#options.now });
      this.#all.set(id, instance);
    }
    instance.admits = admits;
    return instance;
  }

  #join(id: string, address: PlaceAddress, admits: number): void {
    const instance = this.#meet(id, address, admits);
    this.#frozen.delete(instance);
    const rotation = this.#rotationOf(instance);
    if (!rotation.includes(instance)) {
      rotation.push(instance);
      this.#options.lender?.joined(this, instance);
    }
    this.#dispatch();
    // It may have had fewer places to give than it was counted with.
    this.#thaw();
  }

  /** The instance takes no further request; those in progress go on. */
  retire(id: string): void {
    const instance = this.#all.get(id);
    if (instance) {
      this.#leaveRotation(instance);
      if (this.#frozen.delete(instance)) this.#options.lender?.turned(this);
    }
    this.#thaw();
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
    if (this.#serves("any")) return;
    this.#queue.fail(error);
    this.#localQueue.fail(error);
  }

  /** True when nothing would be lost by forgetting this router. */
  get idle(): boolean {
    return this.#all.size === 0 && this.inFlight === 0;
  }

  /** Asks for as many frozen instances as those who wait need. */
  #thaw(): void {
    let short = this.#waiting;
    for (const [{ admits }, { isAsked }] of this.#frozen) if (isAsked) short -= admits;
    for (const [instance, frozen] of this.#frozen) {
      if (short <= 0) return;
      if (frozen.isAsked) continue;
      frozen.isAsked = true;
      short -= instance.admits;
      this.#options.thaw(instance.id);
    }
  }

  #wakeIfPending(): void {
    if (this.state === "pending") this.#options.wake(this.component);
  }

  #leaveRotation(instance: Instance): boolean {
    const rotation = this.#rotationOf(instance);
    const at = rotation.indexOf(instance);
    if (at < 0) return false;
    rotation.splice(at, 1);
    this.#options.lender?.left(this, instance);
    return true;
  }

  get #waiting(): number {
    return this.#queue.length + this.#localQueue.length;
  }

  #queueOf(reach: Reach): Queue {
    return reach === "local" ? this.#localQueue : this.#queue;
  }

  /** Whoever can only be served here goes first: for others there may be peers. */
  #dispatch(): void {
    this.#localQueue.dispatch(() => this.#claimNext("local"));
    this.#queue.dispatch(() => this.#claimNext("any"));
  }

  #claimNext(reach: Reach): Instance | undefined {
    // A request is relayed when nobody here can have it: that costs another hop.
    const instance = this.#claimIn(this.#here, "local") ??
      (reach === "any" ? this.#claimIn(this.#peers, "any") : undefined);
    if (instance) this.#inFlight += 1;
    return instance;
  }

  #claimIn(rotation: readonly Instance[], turn: Reach): Instance | undefined {
    const size = rotation.length;
    for (let tried = 0; tried < size; tried++) {
      const instance = rotation[this.#next[turn]++ % size]!;
      if (!instance.claim()) continue;
      this.#next[turn] %= size;
      return instance;
    }
    return undefined;
  }

  #serves(reach: Reach): boolean {
    return this.#here.length > 0 || this.#frozen.size > 0 ||
      (reach === "any" && this.#peers.length > 0);
  }

  #rotationOf({ peer }: Instance): Instance[] {
    return peer ? this.#peers : this.#here;
  }
}

function addressOf({ id, address }: InstanceFact): PlaceAddress {
  if (!address) throw new Error(`instance ${id} serves without an address`);
  return address;
}

/** The name under which a peer's instances are one. */
function placeOf(component: string, peer: string): string {
  return `${component}@${peer}`;
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

  /** Requests that wait, by component; those with none are left out. */
  waiting(): ComponentWaiting[] {
    return [...this.#routers.values()].filter((router) => router.queued > 0)
      .map(({ component, queued }) => ({ componentName: component, count: queued }));
  }

  /** Follows a change of an instance; see {@linkcode MemberListener}. */
  follow(id: string, fact: InstanceFact | undefined): void {
    const isKept = fact?.status === "active" || fact?.status === "frozen";
    if (isKept && fact.admits > 0) {
      const router = this.of(fact.component);
      this.#byInstance.set(id, router);
      return fact.status === "active" ? router.attach(fact) : router.freeze(fact);
    }
    const router = this.#byInstance.get(id);
    if (fact) return router?.retire(id);
    router?.detach(id);
    this.#byInstance.delete(id);
  }

  /** Follows what peer `nodeId` runs; undefined when it is out. */
  followPeer(nodeId: string, status: NodeStatus | undefined): void {
    const admits = new Map<string, number>();
    for (const info of status?.runningComponents ?? []) {
      if (info.status !== "active" && info.status !== "frozen") continue;
      if (info.admits === 0) continue;
      admits.set(info.componentName, (admits.get(info.componentName) ?? 0) + info.admits);
    }
    const { hostname, port } = new URL(status?.peerUrl ?? "http://gone");
    const address = { hostname, port: Number(port) || 80, peer: nodeId };
    for (const [component, places] of admits) this.of(component).attachPeer(address, places);
    for (const router of this.#routers.values()) {
      if (!admits.has(router.component)) router.detach(placeOf(router.component, nodeId));
    }
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
