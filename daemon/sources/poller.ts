/**
 * One slot of an event source: receives messages, sends them to the component, and tells the queue
 * what became of each. A message is deleted only after the component answered 2xx. Owns how many go
 * on at once, their order, waiting and trying again; knows nothing of what kind of queue it is.
 * Walk: pollers → **poller** → ahead, custody, message source, invoke.
 * @module
 */
import { Alarm } from "../../lib/async/alarm.ts";
import { pause } from "../../lib/async/pause.ts";
import { isAbort, MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { Ahead, type Lane } from "./ahead.ts";
import { Custody } from "./custody.ts";
import { deliveryOf, pauseSecondsOf, retrySeconds, verdictOf } from "./delivery.ts";
import type { HandlerReply, Invoke } from "./invoke.ts";
import type { Message, MessageSource } from "./message_source.ts";
import type { Polling } from "./polling.ts";
import type { SourceReport } from "./source_report.ts";

/** Longest wait until the limit and the component are looked at again, in milliseconds. */
const LOOK_MS = 1000;
/** Waits after errors double from the one to the other. */
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;
/** A queue that says at once that it is empty is not asked again at once, in milliseconds. */
const EMPTY_MS = 100;
/** Longest wait for more places to become free, so that one receive brings many, in milliseconds. */
const GATHER_MS = 10;
/** Free places that are worth a receive, if it can bring as many. */
const ENOUGH_MIN = 10;
/** Time between two looks at what waits for a place, in milliseconds. */
const TEND_MS = 100;
/**
 * Most messages for each place whose end the queue has yet to hear of. It hears of many at a time, so
 * with fewer the places stand empty; all of them come again when the node dies before that.
 */
const UNTOLD = 3;
/** Longest time for one word to the queue, in milliseconds. */
const WORD_LIMIT_MS = 10_000;
/** Waits between the attempts to say it. */
const WORD_RETRY_MS = [200, 1000, 5000];
/** Words that begin within this time share their limit, in milliseconds. */
const SHARED_MS = 1000;
const NEVER = new AbortController().signal;

/** What {@linkcode Poller} needs. */
export interface PollerOptions {
  readonly polling: Polling;
  readonly source: MessageSource;
  readonly invoke: Invoke;
  readonly report: SourceReport;
  /** Requests that may be in progress at the same time now; may change. */
  readonly limit: () => number;
  /** Why the component cannot be had now: nothing is received until it can. */
  readonly blocked: () => MaelstromError | undefined;
  /** Messages came. */
  readonly received: () => void;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Polls for one slot. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #alarm = new Alarm();
  readonly #ahead: Ahead;
  readonly #tending = new Alarm();
  #isTended = false;
  /** What goes on; never rejects. */
  readonly #works = new Set<Promise<void>>();
  /** Requests that go on, or wait for the one before them in their group. */
  #requests = 0;
  /** Messages whose end the queue has yet to hear of. */
  #untold = 0;
  readonly #custody: Custody;
  #limit = NEVER;
  #limitMs = -Infinity;
  /** When the queue may be asked again. */
  #untilMs = 0;
  /** When the component may be sent something again. */
  #pausedUntilMs = 0;
  #failures = 0;
  /** `performance.now()` at which few free places are enough. */
  #gatherByMs = Infinity;
  /** It is given up: what was received and not sent is for others. */
  #isOver = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#custody = new Custody(options);
    // The queue need not hear that they are ours, so that cannot cross that they are no longer.
    this.#ahead = new Ahead(this.#custody.beatMs / 2);
  }

  /**
   * Receives until `signal` aborts. What it holds then goes on; requests to the component end with
   * `cut`, and their messages are given back.
   */
  async run(signal: AbortSignal, cut: AbortSignal): Promise<void> {
    const { source } = this.#options;
    while (!signal.aborted) {
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        await this.#alarm.wait(waitMs, signal);
        continue;
      }
      const begunMs = performance.now();
      this.#gatherByMs = Infinity;
      try {
        const messages = await source.receive(this.#room(), signal);
        this.#recovered();
        if (messages.length > 0) this.#take(messages, cut);
        else if (performance.now() - begunMs < EMPTY_MS) await pause(EMPTY_MS, signal);
      } catch (error) {
        if (!signal.aborted) this.#troubled(error);
      }
    }
    this.#isOver = true;
    this.#tend(cut);
    this.#tending.ring();
  }

  /** The limit has changed. */
  look(): void {
    this.#alarm.ring();
  }

  /** Resolves when it holds nothing any more. */
  async idle(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works);
    await this.#custody.idle();
  }

  /** Messages that may be received now: for free places, and some ahead of those. */
  #room(): number {
    const { polling: { isBatch, messagesPerPoll }, limit } = this.#options;
    if (!this.#hears) return 0;
    const perReceive = isBatch ? 1 : messagesPerPoll;
    const ahead = this.#source.giveBack ? this.#ahead.placesMax(limit(), perReceive) : 0;
    const room = limit() - this.#requests + ahead - this.#ahead.places;
    return room < 1 ? 0 : isBatch ? messagesPerPoll : Math.min(room, messagesPerPoll);
  }

  /**
   * A place is free when the component has answered. A queue that does not hear of it is given some
   * times as many before it has to catch up.
   */
  get #hears(): boolean {
    const { polling: { isBatch, messagesPerPoll }, limit } = this.#options;
    return this.#untold < UNTOLD * limit() * (isBatch ? messagesPerPoll : 1);
  }

  /** Time until it may receive; 0 when it may. */
  #waitMs(): number {
    const { blocked, report, now } = this.#options;
    const pausedMs = Math.max(this.#untilMs, this.#pausedUntilMs) - now();
    if (pausedMs > 0) return pausedMs;
    if (this.#room() === 0) return LOOK_MS;
    const error = blocked();
    if (!error) return this.#gatherMs();
    report.troubled({ reason: error.message, retryAtMs: now() + LOOK_MS });
    return LOOK_MS;
  }

  /** Time in which more places may become free. */
  #gatherMs(): number {
    const { polling: { messagesPerPoll }, limit } = this.#options;
    // Half of the places, where a receive may bring so many, keep the other half at work.
    const enough = Math.min(messagesPerPoll, Math.max(ENOUGH_MIN, limit() / 2));
    if (this.#requests === 0 || this.#room() >= enough) return 0;
    const nowMs = performance.now();
    this.#gatherByMs = Math.min(this.#gatherByMs, nowMs + GATHER_MS);
    return Math.max(0, this.#gatherByMs - nowMs);
  }

  #troubled(error: unknown): void {
    const { report, log, now, random, polling: { source } } = this.#options;
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures) *
      (0.75 + random() / 4);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#untilMs = now() + waitMs;
    const isNews = report.troubled({ reason: messageOf(error), retryAtMs: this.#untilMs });
    if (isNews) log.warn("cannot receive messages, trying again", { source, error });
  }

  #recovered(): void {
    const { report, log, polling: { source } } = this.#options;
    this.#failures = 0;
    if (report.recovered()) log.info("receives messages again", { source });
  }

  #take(messages: readonly Message[], cut: AbortSignal): void {
    const { polling: { isBatch }, report, received } = this.#options;
    received();
    this.#custody.take(messages);
    const nowMs = performance.now();
    for (const lane of isBatch ? [messages] : lanesOf(messages)) {
      const waiting = { messages: lane, places: isBatch ? 1 : lane.length };
      report.ahead += lane.length;
      if (this.#source.giveBack) this.#ahead.put(waiting, nowMs);
      else this.#begin(waiting, cut);
    }
    this.#tend(cut);
    if (this.#ahead.places > 0 && !this.#isTended) this.#work(this.#keepTending(cut));
  }

  /** Begins what there are places for, and gives back what has waited too long for one. */
  #tend(cut: AbortSignal): void {
    const { limit, blocked, now } = this.#options;
    const overdue = this.#ahead.takeOverdue(performance.now(), this.#isOver);
    if (overdue.length > 0) this.#ahead.forget();
    for (const { messages } of overdue) this.#work(this.#leave(messages, cut));
    while (this.#ahead.places > 0 && this.#requests < limit() && this.#hears) {
      if (this.#pausedUntilMs > now() || blocked()) return;
      this.#begin(this.#ahead.take()!, cut);
    }
  }

  /** Something else than an answer may have made room, or too much time has passed. */
  async #keepTending(cut: AbortSignal): Promise<void> {
    this.#isTended = true;
    while (this.#ahead.places > 0) {
      await this.#tending.wait(Math.min(TEND_MS, this.#custody.beatMs / 2), NEVER);
      this.#tend(cut);
    }
    this.#isTended = false;
  }

  #begin({ messages, places }: Lane, cut: AbortSignal): void {
    const { report } = this.#options;
    this.#requests += places;
    report.ahead -= messages.length;
    report.inFlight += messages.length;
    report.repeated += messages.filter(({ receiveCount }) => receiveCount > 1).length;
    this.#work(this.#serve(messages, cut));
  }

  #work(work: Promise<void>): void {
    const done: Promise<void> = work.finally(() => {
      this.#works.delete(done);
      this.#alarm.ring();
    });
    this.#works.add(done);
  }

  /** `messages` were never sent: others may have them at once. */
  async #leave(messages: readonly Message[], cut: AbortSignal): Promise<void> {
    this.#custody.leave(messages);
    await Promise.all(messages.map(async (message) => {
      await this.#say(async (signal) => await this.#source.giveBack?.(message, signal), cut);
      this.#options.report.ahead -= 1;
    }));
  }

  /** Brings the messages of one lane to their end. Never rejects. */
  async #serve(lane: readonly Message[], cut: AbortSignal): Promise<void> {
    const { polling: { isBatch } } = this.#options;
    let isHeld = false;
    for (const part of isBatch ? [lane] : lane.map((message) => [message])) {
      // What follows a failed message in its group comes again after it, or after one that others
      // have by now.
      isHeld ||= this.#isOver || !part.every((message) => this.#custody.holds(message));
      if (isHeld) {
        this.#answered(part, cut);
        await this.#giveBack(part, undefined, cut);
      } else isHeld = await this.#deliver(part, cut) > 0;
      this.#custody.leave(part);
    }
  }

  /** Sends `messages` to the component and tells the queue; gives how many failed. */
  async #deliver(messages: readonly Message[], cut: AbortSignal): Promise<number> {
    const { polling, invoke, log, report } = this.#options;
    const sentMs = performance.now();
    let reply: HandlerReply;
    try {
      reply = await invoke(polling.component, deliveryOf(messages, polling), cut);
    } catch (error) {
      this.#ahead.forget();
      this.#answered(messages, cut);
      if (!isAbort(error)) this.#tellFailed(messages, messageOf(error));
      await this.#giveBack(messages, undefined, cut);
      return messages.length;
    }
    const pauseSeconds = pauseSecondsOf(reply);
    this.#ahead.took(performance.now() - sentMs);
    if (pauseSeconds > 0) {
      this.#pausedUntilMs = this.#options.now() + pauseSeconds * 1000;
      this.#ahead.forget();
    }
    this.#answered(messages, cut);
    const { handled, failed, reason } = verdictOf(reply, messages, polling);
    if (reason !== undefined) this.#tellFailed(failed, reason);
    await Promise.all(handled.map(async (message) => {
      const isGone = await this.#say((signal) => this.#source.done(message, reply, signal), cut);
      if (isGone) report.handled += 1;
      else {
        report.undeleted += 1;
        log.error("a message was handled but cannot be deleted, so it will come again", {
          source: polling.source,
          message: message.id,
        });
      }
      this.#letGo(cut);
    }));
    await this.#giveBack(failed, reply, cut);
    return failed.length;
  }

  /** Lets `messages` come again. */
  async #giveBack(
    messages: readonly Message[],
    reply: HandlerReply | undefined,
    cut: AbortSignal,
  ): Promise<void> {
    const { random } = this.#options;
    await Promise.all(messages.map(async (message) => {
      // That a node stops is no reason for a message to wait.
      const isStopped = reply === undefined && (this.#isOver || cut.aborted);
      const seconds = isStopped ? 0 : retrySeconds(message.receiveCount, random());
      await this.#say((signal) => this.#source.failed(message, seconds, reply, signal), cut);
      this.#letGo(cut);
    }));
  }

  /** Says something to the queue, several times if need be; false when it did not hear. */
  async #say(word: (signal: AbortSignal) => Promise<void>, cut: AbortSignal): Promise<boolean> {
    for (const retryMs of [...WORD_RETRY_MS, 0]) {
      try {
        await word(this.#wordLimit());
        return true;
      } catch (error) {
        const { log, polling: { source } } = this.#options;
        log.warn("cannot tell the queue what became of a message", { source, error });
        // It is no longer ours, or there is no time left.
        if (error instanceof MaelstromError && error.code === "not_found") return false;
        if (cut.aborted || retryMs === 0) return false;
        await pause(retryMs, cut);
      }
    }
    return false;
  }

  /** Ends a word that begins now and takes too long. A timer for each would outlive it by far. */
  #wordLimit(): AbortSignal {
    const nowMs = performance.now();
    if (nowMs - this.#limitMs > SHARED_MS) {
      this.#limitMs = nowMs;
      this.#limit = AbortSignal.timeout(WORD_LIMIT_MS + SHARED_MS);
    }
    return this.#limit;
  }

  get #source(): MessageSource {
    return this.#options.source;
  }

  /** The component no longer has `messages`; what became of them is told to the queue next. */
  #answered(messages: readonly Message[], cut: AbortSignal): void {
    this.#requests -= this.#options.polling.isBatch ? 1 : messages.length;
    this.#untold += messages.length;
    this.#tend(cut);
    this.#alarm.ring();
  }

  /** One message less is held. */
  #letGo(cut: AbortSignal): void {
    this.#untold -= 1;
    this.#options.report.inFlight -= 1;
    this.#tend(cut);
  }

  #tellFailed(messages: readonly Message[], reason: string): void {
    const { log, report, polling: { source } } = this.#options;
    const [first] = messages;
    report.failed += messages.length;
    if (!first) return;
    const more = messages.length > 1 ? { more: messages.length - 1 } : {};
    const { id, receiveCount } = first;
    log.warn("a message failed", { source, message: id, receiveCount, reason, ...more });
  }
}

/** Messages of one group stay together and in order; all others go by themselves. */
function lanesOf(messages: readonly Message[]): Message[][] {
  const groups = new Map<string, Message[]>();
  const lanes: Message[][] = [];
  for (const message of messages) {
    const key = message.group === undefined ? undefined : `${message.queue}/${message.group}`;
    const lane = key === undefined ? undefined : groups.get(key);
    if (lane) {
      lane.push(message);
      continue;
    }
    const begun = [message];
    lanes.push(begun);
    if (key !== undefined) groups.set(key, begun);
  }
  return lanes;
}
