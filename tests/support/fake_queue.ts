/** A queue in memory, for tests of what polls. @module */
import type { Message, MessageSource } from "../../daemon/sources/message_source.ts";
import { aborted } from "../../lib/async/aborted.ts";

/** A queue that gives what it holds, and writes down what it is told. */
export class FakeQueue implements MessageSource {
  readonly told: string[] = [];
  readonly asked: number[] = [];
  waiting: Message[] = [];
  failure: Error | undefined;
  /** Called after each word. */
  onTold: () => void = () => {};
  refuseDone = 0;

  async receive(max: number, signal: AbortSignal): Promise<readonly Message[]> {
    this.asked.push(max);
    if (this.failure) throw this.failure;
    if (this.waiting.length > 0) return this.waiting.splice(0, max);
    await aborted(signal);
    return [];
  }

  extend({ id }: Message, seconds: number): Promise<void> {
    return this.#tell(`extend ${id} ${seconds}`);
  }

  async done({ id }: Message): Promise<void> {
    if (this.refuseDone-- > 0) throw new Error("the queue is away");
    await this.#tell(`done ${id}`);
  }

  failed({ id }: Message, seconds: number): Promise<void> {
    return this.#tell(`failed ${id} ${seconds}`);
  }

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
