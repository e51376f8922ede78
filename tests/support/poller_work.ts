/** A poller at work over a queue in memory, for tests. @module */
import type { HandlerReply } from "../../daemon/sources/invoke.ts";
import { Poller } from "../../daemon/sources/poller.ts";
import type { Polling } from "../../daemon/sources/polling.ts";
import { SourceReport } from "../../daemon/sources/source_report.ts";
import type { MaelstromError } from "../../lib/errors.ts";
import { silentLog } from "../../lib/log.ts";
import { FakeQueue } from "./fake_queue.ts";
import { polling } from "./messages.ts";

/** What the component does with a message. */
export type Handle = (body: string, signal: AbortSignal) => HandlerReply | Promise<HandlerReply>;

/** A poller, its queue and its component; what it goes by may be changed. */
export class PollerWork {
  readonly queue = new FakeQueue();
  readonly report: SourceReport;
  readonly poller: Poller;
  readonly stop = new AbortController();
  readonly cut = new AbortController();
  limit = 10;
  nowMs = 0;
  blocked: MaelstromError | undefined;

  constructor(handle: Handle, parts: Partial<Polling> = {}) {
    const settings = polling({ messagesPerPoll: 10, ...parts });
    this.report = new SourceReport(settings, () => this.nowMs, () => {});
    this.poller = new Poller({
      polling: settings,
      source: this.queue,
      report: this.report,
      invoke: async (_component, { body }, signal) => await handle(body, signal),
      limit: () => this.limit,
      blocked: () => this.blocked,
      received: () => {},
      log: silentLog,
      now: () => this.nowMs,
      random: () => 0,
    });
  }

  /** Begins to receive; resolves when it receives no more. */
  begin(): Promise<void> {
    return this.poller.run(this.stop.signal, this.cut.signal);
  }

  /** Gives it up and waits until it holds nothing; `run` is what {@linkcode begin} gave. */
  async end(run: Promise<void>): Promise<void> {
    this.stop.abort();
    await run;
    await this.poller.idle();
  }

  /** Runs until `count` messages have come to an end. */
  async until(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = () => this.queue.told.filter((words) => !words.startsWith("extend")).length;
    this.queue.onTold = () => ended() >= count && resolve();
    const run = this.begin();
    await promise;
    await this.end(run);
  }
}

/** Waits until `holds`; a test that waits in vain ends by its own limit. */
export async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
