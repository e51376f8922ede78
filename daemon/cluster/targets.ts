/**
 * What this node was last told to run, by whoever owns placement. Remembers the highest epoch, so
 * that an owner who was replaced is refused. Counts are joined with the newest desired state here; an
 * instance is replaced by one of a new version only when the owner says that it is this node's turn. Walk: scheduler ⇒ **targets** → converger.
 * @module
 */
import type { TargetOrder } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { StoredComponent } from "../store/store.ts";
import type { Target } from "./members.ts";

/** What {@linkcode Targets} needs. */
export interface TargetsOptions {
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
  #order: TargetOrder | undefined;
  /** What was applied last, by component. */
  #applied = new Map<string, StoredComponent>();

  constructor(options: TargetsOptions) {
    this.#options = options;
  }

  /**
   * Takes the whole of the targets from the owner of placement.
   *
   * @throws {MaelstromError} stale_epoch: somebody else owns it by now
   */
  accept(order: TargetOrder): void {
    const newest = this.#order?.epoch ?? 0;
    if (order.epoch < newest) {
      throw new MaelstromError(
        "stale_epoch",
        `Cannot take targets: they carry epoch ${order.epoch}, the newest is ${newest}`,
      );
    }
    this.#order = order;
    this.apply();
    for (const { componentName, reason } of order.refused) {
      const message = `Cannot place "${componentName}": ${reason}`;
      this.#options.refuse(componentName, new MaelstromError("no_capacity", message));
    }
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
