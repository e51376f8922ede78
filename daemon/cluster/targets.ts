/**
 * What this node was last told to run, by whoever owns placement. Remembers the highest epoch, so
 * that an owner who was replaced is refused. Counts are joined with the newest desired state here; an
 * instance is replaced by one of a new version only when the owner says that it is this node's turn.
 * Walk: scheduler ⇒ **targets** → converger.
 * @module
 */
import type { Refusal, TargetOrder } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredComponent } from "../store/store.ts";
import type { Target } from "./members.ts";

/** What {@linkcode Targets} needs. */
export interface TargetsOptions {
  /** The newest epoch of placement that was claimed when this node started. */
  readonly epoch: number;
  readonly log: Log;
  /** The newest desired state's components. */
  readonly components: () => readonly StoredComponent[];
  /** Receives the whole of this node's targets. */
  readonly setTargets: (targets: readonly Target[]) => void;
  /** A component has fewer instances than wanted. */
  readonly refuse: (component: string, error: MaelstromError) => void;
}

/** The targets of this node. */
export class Targets {
  readonly #options: TargetsOptions;
  #epoch: number;
  #order: TargetOrder | undefined;
  /** What was applied last, by component. */
  #applied = new Map<string, StoredComponent>();

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
  }

  /**
   * Takes the whole of the targets from the owner of placement, unless a newer order of its came
   * before this one.
   *
   * @throws {MaelstromError} stale_epoch: somebody else owns it by now
   */
  accept(order: TargetOrder): void {
    const { log } = this.#options;
    const { epoch, number } = order;
    const newest = this.#epoch;
    if (epoch < newest) {
      log.info("targets of an earlier owner refused", { epoch, newest });
      throw new MaelstromError(
        "stale_epoch",
        `Cannot take targets: they carry epoch ${epoch}, the newest is ${newest}`,
      );
    }
    if (epoch === this.#order?.epoch && number < this.#order.number) return;
    this.#epoch = epoch;
    this.#order = order;
    log.debug("targets taken", { epoch, number });
    this.apply();
    for (const { componentName, reason } of order.refused) {
      const message = `Cannot place "${componentName}": ${reason}`;
      this.#options.refuse(componentName, new MaelstromError("no_capacity", message));
    }
  }

  /** Why `component` has fewer instances than it should, as the owner said last. */
  refusalOf(component: string): Refusal | undefined {
    return this.#order?.refused.find(({ componentName }) => componentName === component);
  }

  /** What has to leave this node and has no other place, as the owner said last. */
  get stuck(): readonly Refusal[] {
    return this.#order?.stuck ?? [];
  }

  /** Applies them to the newest desired state. Until the first were told nothing is changed. */
  apply(): void {
    if (!this.#order) return;
    const wanted = new Map(this.#order.targets.map((target) => [target.componentName, target]));
    const targets = this.#options.components().map((newest): Target => {
      const { name } = newest.component;
      const { count = 0, version = 0 } = wanted.get(name) ?? {};
      const before = this.#applied.get(name);
      const mayRoll = !before || before.uid !== newest.uid || newest.component.version <= version ||
        count === 0;
      return { stored: mayRoll ? newest : before, count };
    });
    this.#applied = new Map(targets.map(({ stored }) => [stored.component.name, stored]));
    this.#options.setTargets(targets);
  }
}
