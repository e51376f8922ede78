/**
 * The node's own queues: messages that are sent, taken for a while, and removed once handled, or
 * given up into another queue. Owns the table `queue_message`; knows nothing of event sources.
 * Walk: api, sources → **queue** → driver.
 *
 * Each act is one statement that commits by itself, so acts on many messages go on beside each
 * other, on other nodes as well; the clock is the database's. Sends and removals that meet share a
 * commit. A queue is there as long as it holds messages.
 * @module
 */
import { Batcher } from "../../lib/async/batcher.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Driver, integerOf, type Row, type SqlValue, textOf } from "./driver.ts";
import type { QueueNews } from "./queue_news.ts";

/** Messages of one statement. */
const BATCH_MAX = 64;
/** What may wait to be sent, in characters. */
const SENDING_MAX = 32 * 1024 * 1024;
/** What a message weighs beside its body, about. */
const ROW_LENGTH = 500;
const REMOVING_MAX = 100_000;
/** Nobody waits for a removal: a few more of them may share its commit. */
const REMOVE_GATHER_MS = 5;
/** Counting ends here: more is not told apart. */
const DEPTH_MAX = 10_000;

/** What the queues need of a database. */
export type QueueDriver = Pick<Driver, "all" | "write" | "dialect">;

/** A message to keep. */
export interface NewMessage {
  readonly queue: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Higher ones are taken first. */
  readonly priority: number;
  /** Time before it may be taken. */
  readonly delayMs: number;
  /** Time after that for which it is kept. */
  readonly keptMs: number;
}

/** A message that is ours until its time is over. */
export interface TakenMessage extends Delivery {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly priority: number;
  /** Deliveries so far, this one included. */
  readonly receives: number;
  /** Why the last one failed; empty if that is not known. */
  readonly failure: string;
}

/** One delivery of a message. */
export interface Delivery {
  readonly id: string;
  /** Differs for each delivery. */
  readonly receipt: string;
}

/** How a message is given up. */
export interface GivenUp {
  /** The queue it goes to. */
  readonly to: string;
  /** Time for which it is kept there. */
  readonly keptMs: number;
  readonly failure: string;
}

/**
 * The queues in one database. Each method throws `store_unavailable` when the database cannot be
 * used and `stopping` after it was closed, beside the codes it names.
 */
export class QueueStore {
  readonly #driver: QueueDriver;
  readonly #sends: Batcher<NewMessage, string>;
  readonly #removals: Batcher<string, void>;
  readonly #news: Pick<QueueNews, "announce">;
  #count = 0;

  constructor(driver: QueueDriver, news: Pick<QueueNews, "announce">) {
    this.#driver = driver;
    this.#news = news;
    this.#sends = new Batcher({
      work: (messages) => this.#insert(messages),
      batchMax: BATCH_MAX,
      weigh: ({ body }) => ROW_LENGTH + body.length,
      waitingMax: SENDING_MAX,
      full: () => busy("send: too many messages are being sent"),
    });
    this.#removals = new Batcher({
      work: (ids) => this.#delete(ids),
      batchMax: BATCH_MAX,
      gatherMs: REMOVE_GATHER_MS,
      weigh: () => 1,
      waitingMax: REMOVING_MAX,
      full: () => busy("remove a message: too many are being removed"),
    });
  }

  /** Keeps `message`; its id, once it is on disk. */
  async send(message: NewMessage): Promise<string> {
    const id = await this.#sends.add(message);
    this.#news.announce(message.queue);
    return id;
  }

  /**
   * Takes up to `max` messages that are due, the highest priority first and then the oldest. Nobody
   * else gets them for `visibilityMs`.
   */
  async take(queue: string, max: number, visibilityMs: number): Promise<TakenMessage[]> {
    const { nowMs } = this.#driver.dialect;
    const receipt = crypto.randomUUID();
    const rows = await this.#driver.write(
      `with picked as materialized (
         select id from queue_message where queue = $1 and visible_at <= ${nowMs}
         order by priority desc, sent_at, id limit $2 ${this.#driver.dialect.skipLocked}
       )
       update queue_message
       set visible_at = ${nowMs} + $3, receives = receives + 1, receipt = $4
       where id in (select id from picked)
       returning id, priority, sent_at, receives, failure, attributes, body`,
      [queue, max, visibilityMs, receipt],
    );
    return rows.sort(byTurn).map((row) => ({
      id: textOf(row, "id"),
      receipt,
      body: textOf(row, "body"),
      attributes: attributesOf(row),
      priority: integerOf(row, "priority"),
      receives: integerOf(row, "receives"),
      failure: textOf(row, "failure"),
    }));
  }

  /** Keeps the message for `ms` from now; false when it is no longer ours. */
  extend({ id, receipt }: Delivery, ms: number): Promise<boolean> {
    return this.#changes(
      `update queue_message set visible_at = ${this.#driver.dialect.nowMs} + $3
       where id = $1 and receipt = $2 returning id`,
      [id, receipt, ms],
    );
  }

  /** Removes a message that was handled, whoever has it by now. */
  async remove(id: string): Promise<void> {
    await this.#removals.add(id);
  }

  /** Gives the message back: it may be taken again after `ms`. False when it was no longer ours. */
  release({ id, receipt }: Delivery, ms: number, failure: string): Promise<boolean> {
    return this.#changes(
      `update queue_message
       set visible_at = ${this.#driver.dialect.nowMs} + $3, receipt = '', failure = $4
       where id = $1 and receipt = $2 returning id`,
      [id, receipt, ms, failure],
    );
  }

  /** Lets others have the message of `queue` at once; it was not delivered. False when it was no longer ours. */
  async giveBack({ id, receipt }: Delivery, queue: string): Promise<boolean> {
    const isOurs = await this.#changes(
      `update queue_message
       set visible_at = ${this.#driver.dialect.nowMs}, receipt = '', receives = receives - 1
       where id = $1 and receipt = $2 returning id`,
      [id, receipt],
    );
    if (isOurs) this.#news.announce(queue);
    return isOurs;
  }

  /** Moves the message among the dead letters of its queue; false when it was no longer ours. */
  giveUp({ id, receipt }: Delivery, { to, keptMs, failure }: GivenUp): Promise<boolean> {
    const { nowMs } = this.#driver.dialect;
    return this.#changes(
      `update queue_message
       set queue = $3, dead_from = queue, failure = $4, receipt = '',
         receives = 0, visible_at = ${nowMs}, expires_at = ${nowMs} + $5
       where id = $1 and receipt = $2 returning id`,
      [id, receipt, to, failure, keptMs],
    );
  }

  /** Time until the next message of `queue` may be taken, at least 0; undefined: it has none. */
  async dueInMs(queue: string): Promise<number | undefined> {
    const [row] = await this.#driver.all(
      `select min(visible_at) - ${this.#driver.dialect.nowMs} as ms
       from queue_message where queue = $1`,
      [queue],
    );
    return typeof row?.["ms"] === "number" ? Math.max(0, row["ms"]) : undefined;
  }

  /** Messages that `queue` holds, no further than `max`. */
  async length(queue: string, max: number): Promise<number> {
    return await this.#countUpTo(max, "queue = $2", [queue]);
  }

  /** Messages of `queue` that may be taken, and those it gave up; neither above 10000. */
  async depth(queue: string): Promise<{ readonly ready: number; readonly dead: number }> {
    const due = `queue = $2 and visible_at <= ${this.#driver.dialect.nowMs}`;
    const [ready, dead] = await Promise.all([
      this.#countUpTo(DEPTH_MAX, due, [queue]),
      this.#countUpTo(DEPTH_MAX, "dead_from = $2 and dead_from <> ''", [queue]),
    ]);
    return { ready, dead };
  }

  async #insert(messages: readonly NewMessage[]): Promise<string[]> {
    const { nowMs } = this.#driver.dialect;
    const ids: string[] = [];
    const args: SqlValue[] = [];
    const values = messages.map(({ queue, body, attributes, priority, delayMs, keptMs }) => {
      const id = this.#nextId();
      ids.push(id);
      args.push(id, queue, priority, delayMs, delayMs + keptMs, JSON.stringify(attributes), body);
      const [$id, $queue, $priority, $delay, $kept, $attributes, $body] = [
        -6,
        -5,
        -4,
        -3,
        -2,
        -1,
        0,
      ]
        .map((offset) => `$${args.length + offset}`);
      return `(${$id}, ${$queue}, ${$priority}, ${nowMs}, ${nowMs} + ${$delay}, ` +
        `${nowMs} + ${$kept}, 0, '', '', '', ${$attributes}, ${$body})`;
    });
    await this.#driver.write(
      `insert into queue_message (id, queue, priority, sent_at, visible_at, expires_at, receives,
         receipt, dead_from, failure, attributes, body)
       values ${values.join(", ")}`,
      args,
    );
    return ids;
  }

  async #delete(ids: readonly string[]): Promise<void[]> {
    const places = ids.map((_, index) => `$${index + 1}`).join(", ");
    await this.#driver.write(`delete from queue_message where id in (${places})`, ids);
    return ids.map(() => {});
  }

  async #changes(sql: string, args: readonly SqlValue[]): Promise<boolean> {
    return (await this.#driver.write(sql, args)).length > 0;
  }

  async #countUpTo(max: number, where: string, args: readonly SqlValue[]): Promise<number> {
    const [row] = await this.#driver.all(
      `select count(*) as count from (
         select 1 as one from queue_message where ${where} limit $1
       ) as counted`,
      [max, ...args],
    );
    return integerOf(row ?? {}, "count");
  }

  /** Messages of one statement have the same time: the number keeps their order. */
  #nextId(): string {
    this.#count = (this.#count + 1) % 0x1_0000_0000;
    const random = crypto.randomUUID().replaceAll("-", "").slice(0, 24);
    return `${this.#count.toString(16).padStart(8, "0")}${random}`;
  }
}

function busy(found: string): MaelstromError {
  return new MaelstromError("store_unavailable", `Cannot ${found}; try again`);
}

function byTurn(a: Row, b: Row): number {
  return integerOf(b, "priority") - integerOf(a, "priority") ||
    integerOf(a, "sent_at") - integerOf(b, "sent_at") ||
    (textOf(a, "id") < textOf(b, "id") ? -1 : 1);
}

/** The attributes of a message's row. */
export function attributesOf(row: Row): Record<string, string> {
  return JSON.parse(textOf(row, "attributes"));
}
