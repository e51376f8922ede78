/**
 * One version of one event source, polled by this node: its slots that are ours, each a role with a
 * poller under it, and the count of what its queues hold. Walk: pollers → **source_run** → poller.
 * @module
 */
import { Alarm } from "../../lib/async/alarm.ts";
import { pause } from "../../lib/async/pause.ts";
import { together } from "../../lib/async/together.ts";
import type { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Roles } from "../cluster/role.ts";
import type { Invoke } from "./invoke.ts";
import type { MessageSource } from "./message_source.ts";
import { Poller } from "./poller.ts";
import type { Polling } from "./polling.ts";
import { SourceReport } from "./source_report.ts";

/** How often the queues are counted while messages come, in milliseconds. */
const COUNT_BUSY_MS = 2000;
/** The same while none come; also finds new dead letters. */
const COUNT_IDLE_MS = 15_000;
const COUNT_LIMIT_MS = 10_000;
/**
 * Longest time that a slot which is given up stays ours while we finish what we hold, in
 * milliseconds. After that another node may begin, and more may go on than the source allows.
 */
const HANDOVER_MS = 5000;

/** What {@linkcode SourceRun} needs. */
export interface SourceRunOptions {
  readonly roles: Pick<Roles, "hold">;
  readonly invoke: Invoke;
  /** Why no instance of a component can be had now. */
  readonly blocked: (component: string) => MaelstromError | undefined;
  /** What is said of the source here has changed. */
  readonly changed: () => void;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to 1. @default {Math.random} */
  readonly random?: () => number;
  readonly polling: Polling;
  /** Of the event source. */
  readonly version: number;
  readonly open: () => Promise<MessageSource>;
  /** Aborts when requests to components must end. */
  readonly cut: AbortSignal;
}

interface Slot {
  limit: number;
  readonly stop: AbortController;
  /** While the role is ours. */
  poller?: Poller;
}

/** Polls the slots of one source. */
export class SourceRun {
  readonly report: SourceReport;
  readonly #options: SourceRunOptions;
  readonly #slots = new Map<number, Slot>();
  /** What goes on, slots that were given up included. */
  readonly #working = new Set<Promise<void>>();
  readonly #counting = new Alarm();
  #source: Promise<MessageSource> | undefined;

  constructor(options: SourceRunOptions) {
    this.#options = options;
    const { polling, now, changed } = options;
    this.report = new SourceReport(polling, now, changed);
  }

  get version(): number {
    return this.#options.version;
  }

  get polling(): Polling {
    return this.#options.polling;
  }

  /** From now on the slots of this node are those of `limits`, each with its concurrency. */
  follow(limits: ReadonlyMap<number, number>): void {
    for (const [number, slot] of this.#slots) {
      if (limits.has(number)) continue;
      this.#slots.delete(number);
      slot.stop.abort();
    }
    for (const [number, limit] of limits) {
      const slot = this.#slots.get(number);
      if (!slot) this.#begin(number, limit);
      else if (slot.limit !== limit) {
        slot.limit = limit;
        slot.poller?.look();
      }
    }
  }

  /** Gives every slot up and finishes what it holds. */
  async end(): Promise<void> {
    this.follow(new Map());
    while (this.#working.size > 0) await Promise.all(this.#working);
    const source = await this.#source?.catch(() => undefined);
    await source?.[Symbol.asyncDispose]();
  }

  #begin(number: number, limit: number): void {
    const { roles, polling } = this.#options;
    const slot: Slot = { limit, stop: new AbortController() };
    this.#slots.set(number, slot);
    const role = `source/${polling.source}/${number}`;
    this.#work(
      roles.hold(role, (_epoch, signal) => this.#perform(number, slot, signal), slot.stop.signal),
    );
  }

  async #perform(number: number, slot: Slot, signal: AbortSignal): Promise<void> {
    const { cut, log, random = Math.random } = this.#options;
    const source = await this.#open(signal);
    if (!source) return;
    const poller = slot.poller = new Poller({
      ...this.#options,
      source,
      random,
      report: this.report,
      limit: () => slot.limit,
      blocked: () => this.#options.blocked(this.polling.component),
      received: () => this.#counting.ring(),
      log,
    });
    const run = (signal: AbortSignal) => poller.run(signal, cut);
    // The first slot is there as long as the source is, so its owner counts.
    await together(
      signal,
      number === 0 ? [run, (signal) => this.#count(source, signal)] : [run],
    );
    delete slot.poller;
    const idle = poller.idle();
    this.#work(idle);
    const over = new AbortController();
    await Promise.race([idle, pause(HANDOVER_MS, over.signal)]);
    over.abort();
  }

  /** The queues; tried again until they can be had or `signal` aborts. */
  async #open(signal: AbortSignal): Promise<MessageSource | undefined> {
    while (!signal.aborted) {
      try {
        return await (this.#source ??= this.#options.open());
      } catch (error) {
        this.#source = undefined;
        this.#options.log.error("cannot load what an event source needs, trying again", {
          source: this.polling.source,
          error,
        });
        await pause(COUNT_IDLE_MS, signal);
      }
    }
    return undefined;
  }

  /** Keeps count of what the queues hold, until `signal` aborts. */
  async #count(source: MessageSource, signal: AbortSignal): Promise<void> {
    const { report } = this;
    while (!signal.aborted) {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(COUNT_LIMIT_MS)]);
        report.holds(await source.depth(limit));
      } catch {
        // What keeps us from counting keeps us from receiving, and that tells.
        report.holds();
      }
      const { waiting, inFlight, error } = report.status();
      const isBusy = waiting > 0 || inFlight > 0;
      await this.#counting.wait(isBusy && !error ? COUNT_BUSY_MS : COUNT_IDLE_MS, signal);
      // Messages come in crowds; one count is enough for those of a moment.
      if (isBusy) await pause(COUNT_BUSY_MS, signal);
    }
    report.holds();
  }

  #work(work: Promise<void>): void {
    const done: Promise<void> = work.finally(() => this.#working.delete(done));
    this.#working.add(done);
  }
}
