/** A queue in memory, for tests of what polls. @module */
import type { Message, MessageSource } from "../../daemon/sources/message_source.ts";
import { Alarm } from "../../lib/async/alarm.ts";
import { MaelstromError } from "../../lib/errors.ts";

/** A queue that gives what it holds, and writes down what it is told. */
export class FakeQueue implements MessageSource {
  readonly told: string[] = [];
  readonly asked: number[] = [];
  waiting: Message[] = [];
  failure: Error | undefined;
  /** Called after each word. */
  onTold: () => void = () => {};
  refuseDone = 0;
  refuseBack = 0;
  /** Ids of those that others have: they cannot be kept. */
  gone: ReadonlySet<string> = new Set();
  /** Those of them of which somebody was told so. */
  readonly lost = new Set<string>();
  readonly #given = new Alarm();

  async receive(max: number, signal: AbortSignal): Promise<readonly Message[]> {
    this.asked.push(max);
    if (this.failure) throw this.failure;
    while (this.waiting.length === 0 && !signal.aborted) await this.#given.wait(60_000, signal);
    return signal.aborted ? [] : this.waiting.splice(0, max);
  }

  /** Adds `messages`, also for who waits for them already. */
  give(messages: readonly Message[]): void {
    this.waiting.push(...messages);
    this.#given.ring();
  }

  async extend({ id }: Message, seconds: number): Promise<void> {
    if (this.gone.has(id)) {
      this.lost.add(id);
      throw new MaelstromError("not_found", "others have it");
    }
    await this.#tell(`extend ${id} ${seconds}`);
  }

  async done({ id }: Message): Promise<void> {
    if (this.refuseDone-- > 0) throw new Error("the queue is away");
    await this.#tell(`done ${id}`);
  }

  failed({ id }: Message, seconds: number): Promise<void> {
    return this.#tell(`failed ${id} ${seconds}`);
  }

  giveBack: MessageSource["giveBack"] = async ({ id }) => {
    if (this.refuseBack-- > 0) throw new Error("the queue is away");
    await this.#tell(`back ${id}`);
  };

  depth(): Promise<{ waiting: number; dead: number }> {
    return Promise.resolve({ waiting: this.waiting.length, dead: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.told.push("closed");
    return Promise.resolve();
  }

  #tell(words: string): Promise<void> {
    this.told.push(words);
    this.onTold();
    return Promise.resolve();
  }
}
