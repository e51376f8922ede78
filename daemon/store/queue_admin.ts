/**
 * What people do with queues: look into them, empty them, bring back dead letters; and the sweep of
 * what is too old. Knows nothing of how messages are delivered. Walk: api → **queue_admin** → driver.
 * @module
 */
import type { QueuedMessage } from "../../lib/contract/queues.ts";
import { integerOf, type Row, type SqlValue, textOf } from "./driver.ts";
import { attributesOf, type QueueDriver } from "./queue.ts";
import type { QueueNews } from "./queue_news.ts";

/** Messages that one statement changes: between two of them others get their turn. */
const SWEEP_MAX = 1000;

/** How many messages one queue holds: those of its own, or those that `deadFrom` gave up. */
export interface QueueCounts {
  readonly queue: string;
  /** Empty for its own. */
  readonly deadFrom: string;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  /** In milliseconds since 1970. */
  readonly oldestSentAt: number;
}

/** Looking into the queues of one database, and tidying them. Throws as `QueueStore` does. */
export class QueueAdmin {
  readonly #driver: QueueDriver;
  readonly #news: Pick<QueueNews, "announce">;

  constructor(driver: QueueDriver, news: Pick<QueueNews, "announce">) {
    this.#driver = driver;
    this.#news = news;
  }

  /** Every queue that holds messages. */
  async list(): Promise<QueueCounts[]> {
    const due = `visible_at <= ${this.#driver.dialect.nowMs}`;
    const rows = await this.#driver.all(
      `select queue, dead_from, min(sent_at) as oldest,
         sum(case when ${due} then 1 else 0 end) as ready,
         sum(case when ${due} or receipt <> '' then 0 else 1 end) as delayed,
         sum(case when ${due} or receipt = '' then 0 else 1 end) as in_flight
       from queue_message group by queue, dead_from order by queue, dead_from`,
      [],
    );
    return rows.map((row) => ({
      queue: textOf(row, "queue"),
      deadFrom: textOf(row, "dead_from"),
      ready: integerOf(row, "ready"),
      delayed: integerOf(row, "delayed"),
      inFlight: integerOf(row, "in_flight"),
      oldestSentAt: integerOf(row, "oldest"),
    }));
  }

  /** The first `limit` messages of `queue` in the order they are taken. Nothing is taken. */
  peek(queue: string, limit: number): Promise<QueuedMessage[]> {
    return this.#peek("queue = $1 order by priority desc, sent_at, id", [queue, limit]);
  }

  /** The first `limit` messages that `queue` gave up, oldest first. */
  peekDead(queue: string, limit: number): Promise<QueuedMessage[]> {
    return this.#peek("dead_from = $1 and dead_from <> '' order by sent_at, id", [queue, limit]);
  }

  /** Removes every message of `queue`, those that are being handled as well; how many. */
  purge(queue: string): Promise<number> {
    return this.#sweep((picked) =>
      this.#driver.write(
        `with picked as materialized (
           select id from queue_message where queue = $1 limit $2 ${picked}
         )
         delete from queue_message where id in (select id from picked) returning queue`,
        [queue, SWEEP_MAX],
      )
    );
  }

  /** Moves back what `queue` gave up, to be kept for `keptMs` more; how many. */
  async redrive(queue: string, keptMs: number): Promise<number> {
    const { nowMs } = this.#driver.dialect;
    const moved = await this.#sweep((picked) =>
      this.#driver.write(
        `with picked as materialized (
           select id from queue_message where dead_from = $1 and dead_from <> ''
           limit $2 ${picked}
         )
         update queue_message
         set queue = dead_from, dead_from = '', failure = '', receipt = '', receives = 0,
           visible_at = ${nowMs}, expires_at = ${nowMs} + $3
         where id in (select id from picked) returning queue`,
        [queue, SWEEP_MAX, keptMs],
      )
    );
    if (moved > 0) this.#news.announce(queue);
    return moved;
  }

  /** Removes what was kept for long enough; how many of each queue. */
  async removeExpired(): Promise<ReadonlyMap<string, number>> {
    const removed = new Map<string, number>();
    await this.#sweep(async (picked) => {
      const rows = await this.#driver.write(
        `with picked as materialized (
           select id from queue_message where expires_at <= ${this.#driver.dialect.nowMs}
           limit $1 ${picked}
         )
         delete from queue_message where id in (select id from picked) returning queue`,
        [SWEEP_MAX],
      );
      for (const row of rows) {
        const queue = textOf(row, "queue");
        removed.set(queue, (removed.get(queue) ?? 0) + 1);
      }
      return rows;
    });
    return removed;
  }

  async #peek(where: string, args: readonly SqlValue[]): Promise<QueuedMessage[]> {
    const rows = await this.#driver.all(
      `select id, priority, sent_at, visible_at, receives, dead_from, failure, attributes, body
       from queue_message where ${where} limit $2`,
      args,
    );
    return rows.map((row) => {
      const deadFrom = textOf(row, "dead_from");
      const failure = textOf(row, "failure");
      return {
        id: textOf(row, "id"),
        priority: integerOf(row, "priority"),
        sentAt: integerOf(row, "sent_at"),
        visibleAt: integerOf(row, "visible_at"),
        receives: integerOf(row, "receives"),
        ...(deadFrom === "" ? {} : { deadFrom }),
        ...(failure === "" ? {} : { failure }),
        attributes: attributesOf(row),
        body: textOf(row, "body"),
      };
    });
  }

  /** Repeats `step`, which is given how to pick rows, until it finds nothing; the rows in all. */
  async #sweep(step: (skipLocked: string) => Promise<readonly Row[]>): Promise<number> {
    for (let total = 0;;) {
      const { length } = await step(this.#driver.dialect.skipLocked);
      total += length;
      if (length < SWEEP_MAX) return total;
    }
  }
}
