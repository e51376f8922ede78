/**
 * Makes this node match its targets: one worker per component, the engine's events told to them,
 * and what the engine lists compared with what they know. Touches only containers with our label
 * and this node's id. Walk: scheduler → **converger** → worker → container.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { Recurring } from "../../lib/async/recurring.ts";
import type { ComponentFailure } from "../../lib/contract/v1.ts";
import { isAbort, type MaelstromError } from "../../lib/errors.ts";
import type { Target } from "../cluster/members.ts";
import type { StoredComponent } from "../store/store.ts";
import { addressOf, removeContainer } from "./container.ts";
import { type Identity, identityOf, LABEL, NODE_LABEL } from "./container_spec.ts";
import type { Instances } from "./instances.ts";
import { Worker, type WorkerContext } from "./worker.ts";

const RECONCILE_EVERY_MS = 60_000;
const RECONNECT_MS = 500;

/** Keeps this node's containers. */
export class Converger implements AsyncDisposable {
  readonly #context: WorkerContext;
  readonly #workers = new Map<string, Worker>();
  readonly #reconciler: Recurring;
  #events: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(context: WorkerContext) {
    this.#context = context;
    this.#reconciler = new Recurring((signal) => this.#reconcile(signal), {
      name: "reconcile containers",
      everyMs: RECONCILE_EVERY_MS,
      log: context.log,
    });
  }

  /**
   * Takes over the containers that an earlier daemon of this node left running and that are still
   * wanted, removes the others, and follows the engine from then on. One of an earlier version serves
   * until its replacement does, which may be never.
   *
   * @throws {MaelstromError} engine_unavailable: the engine does not answer
   */
  async start(desired: ReadonlyMap<string, StoredComponent>, signal: AbortSignal): Promise<void> {
    const listed = await this.#list(signal);
    await Promise.all(listed.map(async ({ name, labels }) => {
      const identity = identityOf(labels);
      const stored = desired.get(identity.component);
      const isWanted = stored?.uid === identity.uid &&
        identity.version <= stored.component.version;
      if (!isWanted || !await this.#adopt(name, stored, identity, signal)) {
        this.#context.log.info("removing leftover container", { container: name });
        await removeContainer(this.#context.docker, name, signal);
      }
    }));
    this.#events = this.#followEvents(this.#stop.signal);
  }

  /** The whole of this node's targets: a component that is not named should have no instance. */
  setTargets(targets: readonly Target[]): void {
    const named = new Set<string>();
    for (const { stored, count } of targets) {
      named.add(stored.component.name);
      const worker = this.#workers.get(stored.component.name);
      if (worker) worker.setTarget(stored, count);
      else if (count > 0) this.#worker(stored).setTarget(stored, count);
    }
    for (const [component, worker] of this.#workers) {
      if (!named.has(component)) worker.clearTarget();
      if (worker.idle) this.#discard(worker);
    }
  }

  /** Why `component` can have no instance now, if its starts are failing. */
  blocked(component: string): MaelstromError | undefined {
    return this.#workers.get(component)?.blocked;
  }

  /** Components of which no instance starts on this node, or whose image could not be pulled. */
  failures(): ComponentFailure[] {
    const starts = [...this.#workers.values()].flatMap((worker) => worker.failure ?? []);
    const failing = new Set(starts.map(({ componentName }) => componentName));
    const pulls = this.#context.images.failures()
      .filter(({ componentName }) => !failing.has(componentName));
    return [...starts, ...pulls];
  }

  /** Finds out whether instance `id`, which could not be reached, is alive. */
  verify(id: string): void {
    this.#owner(id)?.verify(id);
  }

  /** Somebody waits for frozen instance `id`. */
  thaw(id: string): void {
    this.#owner(id)?.thaw(id);
  }

  /** Stops following and starting. Serving containers are left for the next daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reconciler[Symbol.asyncDispose]();
    await Promise.all([...this.#workers.values()].map((worker) => worker[Symbol.asyncDispose]()));
    await this.#events;
  }

  #worker(stored: StoredComponent): Worker {
    const name = stored.component.name;
    const worker = this.#workers.get(name) ?? new Worker(stored, this.#context);
    this.#workers.set(name, worker);
    return worker;
  }

  #discard(worker: Worker): void {
    this.#workers.delete(worker.component);
    this.#context.tasks.run(
      `discard ${worker.component}`,
      async () => await worker[Symbol.asyncDispose](),
    );
  }

  #owner(name: string): Instances | undefined {
    for (const { instances } of this.#workers.values()) if (instances.has(name)) return instances;
    return undefined;
  }

  async #adopt(
    name: string,
    stored: StoredComponent,
    identity: Identity,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { docker, log } = this.#context;
    const detail = await docker.inspectContainer(name, signal);
    if (!detail?.state.running) return false;
    try {
      const made = asMade(stored, identity);
      const address = addressOf(detail, made.component);
      this.#worker(stored).adopt(name, made, address, detail.state.status === "paused");
    } catch (error) {
      log.warn("cannot adopt container", { container: name, error });
      return false;
    }
    log.info("adopted container", { component: stored.component.name, container: name });
    return true;
  }

  /** Tells workers of containers that ended, for as long as the daemon runs. */
  async #followEvents(signal: AbortSignal): Promise<void> {
    const { docker, nodeId, log } = this.#context;
    const filters = {
      type: ["container"],
      event: ["die"],
      label: [`${LABEL}=true`, `${NODE_LABEL}=${nodeId}`],
    };
    let connected = true;
    while (!signal.aborted) {
      try {
        const onOpen = () => {
          if (!connected) log.info("Docker answers again");
          connected = true;
          // What happened before the stream was open is found by comparing.
          this.#reconciler.poke();
        };
        for await (const { attributes } of docker.events({ filters, onOpen, signal })) {
          const name = attributes.name ?? "";
          this.#owner(name)?.died(name);
        }
      } catch (error) {
        if (signal.aborted || isAbort(error)) return;
        if (connected) log.warn("Docker does not answer, trying again", { error });
        connected = false;
      }
      await pause(RECONNECT_MS, signal);
    }
  }

  /** Compares what the engine lists with what the workers know. */
  async #reconcile(signal: AbortSignal): Promise<void> {
    // Who serves is noted first: what begins to serve while the engine lists is not missing.
    const serving = [...this.#workers.values()].flatMap(({ instances }) => instances.serving());
    const listed = await this.#list(signal);
    const running = new Set(
      listed.filter(({ status }) => status === "running" || status === "paused")
        .map(({ name }) => name),
    );
    for (const name of serving) {
      if (!running.has(name)) this.#owner(name)?.died(name);
    }
    for (const { name } of listed) {
      if (this.#owner(name)) continue;
      this.#context.log.info("removing leftover container", { container: name });
      await removeContainer(this.#context.docker, name, signal);
    }
  }

  async #list(signal: AbortSignal) {
    const { docker, nodeId } = this.#context;
    const labels = [`${LABEL}=true`, `${NODE_LABEL}=${nodeId}`];
    return await docker.listContainers({ labels, all: true }, signal);
  }
}

/** What is known of the version that a container was made from: its number and its port. */
function asMade(stored: StoredComponent, { version, port }: Identity): StoredComponent {
  const { component } = stored;
  if (component.version === version) return stored;
  const httpPort = port || component.docker.httpPort;
  return {
    ...stored,
    component: { ...component, version, docker: { ...component.docker, httpPort } },
  };
}
