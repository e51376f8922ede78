/** A binary heap whose first item may change its place. Pure. @module */

/** The first of many items by an order. */
export class Heap<T> {
  readonly #items: T[];
  readonly #compare: (a: T, b: T) => number;

  /** Takes over `items`; `compare` is negative when `a` comes before `b`. */
  constructor(items: T[], compare: (a: T, b: T) => number) {
    this.#items = items;
    this.#compare = compare;
    for (let i = (items.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** The item that comes before all others. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Finds the first item's place again after it changed, or drops it. */
  settleFirst(keep: boolean): void {
    if (!keep) {
      const last = this.#items.pop();
      if (this.#items.length === 0 || last === undefined) return;
      this.#items[0] = last;
    }
    this.#sink(0);
  }

  #sink(start: number): void {
    const items = this.#items;
    for (let parent = start;;) {
      let child = 2 * parent + 1;
      if (child >= items.length) return;
      if (child + 1 < items.length && this.#compare(items[child + 1]!, items[child]!) < 0) {
        child += 1;
      }
      if (this.#compare(items[parent]!, items[child]!) <= 0) return;
      [items[parent], items[child]] = [items[child]!, items[parent]!];
      parent = child;
    }
  }
}
