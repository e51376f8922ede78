/**
 * A load generator with a fixed rate, as a program: each request has a time at which it is due, and
 * its latency counts from then, whether or not the answers before it were late. A generator that
 * waits for answers would send less during a pause and hide it.
 *
 * `deno run -A open_loop.ts '{"hostname":"127.0.0.1","port":8080,"path":"/small","rate":2000,…}'`
 * prints an {@linkcode OpenLoopResult} as JSON.
 * @module
 */
import { type Buckets, Histogram } from "./histogram.ts";
import { type Address, Poll, Socket, wakeExactly } from "./libc.ts";
import { stolenMs } from "./machine.ts";

/** What to send, and how fast. */
export interface OpenLoopOptions extends Address {
  readonly path: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly connections: number;
}

/** Durations that were counted. */
export interface Counted {
  readonly buckets: Buckets;
  readonly maxMs: number;
}

/** What came back. */
export interface OpenLoopResult {
  readonly sent: number;
  /** Requests that were due but neither answered nor sent when the run was over. */
  readonly lost: number;
  /** From the due time to the last byte. */
  readonly latency: Counted;
  /** From the due time to the sending: the generator's own error, and waits for a connection. */
  readonly lag: Counted;
  /** Processor time that a hypervisor gave to others meanwhile, in milliseconds of a core. */
  readonly stolenMs: number;
}

/** Time for the last answers after the last request, in milliseconds. */
const END_MS = 2_000;
/** Requests before the first that counts, on each connection. */
const WARM_UP = 20;

class Generator {
  readonly #request: Uint8Array<ArrayBuffer>;
  readonly #sockets: Socket[];
  readonly #poll: Poll;
  readonly #buffer = new Uint8Array(64 * 1024);
  /** Due time of the request under way on each socket. */
  readonly #due: Float64Array;
  /** Bytes of the answer that are still to come; -1 before its head. */
  readonly #left: Float64Array;
  readonly #idle: number[] = [];
  readonly #latency = new Histogram();
  readonly #lag = new Histogram();

  constructor(options: OpenLoopOptions) {
    const { hostname, port, path, connections } = options;
    const head = `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`;
    this.#request = new TextEncoder().encode(head);
    this.#sockets = Array.from({ length: connections }, () => new Socket(options));
    this.#poll = new Poll(this.#sockets);
    this.#due = new Float64Array(connections);
    this.#left = new Float64Array(connections);
    for (let index = 0; index < connections; index++) {
      for (let count = 0; count < WARM_UP; count++) {
        this.#send(index, 0);
        while (!this.#receive(index));
      }
      this.#idle.push(index);
    }
  }

  async run({ rate, seconds }: OpenLoopOptions): Promise<OpenLoopResult> {
    const stolenBefore = await stolenMs();
    const total = Math.round(rate * seconds);
    const start = performance.now() + 5;
    const dueAt = (index: number) => start + index * 1000 / rate;
    const endMs = dueAt(total) + END_MS;
    let sent = 0;
    while (this.#latency.total < total) {
      const now = performance.now();
      if (now > endMs) break;
      while (sent < total && dueAt(sent) <= now && this.#idle.length > 0) {
        this.#lag.record(performance.now() - dueAt(sent));
        this.#send(this.#idle.shift()!, dueAt(sent++));
      }
      const canSend = sent < total && this.#idle.length > 0;
      this.#collect((canSend ? dueAt(sent) : endMs) - performance.now());
    }
    return {
      sent,
      lost: total - this.#latency.total,
      latency: { buckets: this.#latency.buckets(), maxMs: this.#latency.maxMs },
      lag: { buckets: this.#lag.buckets(), maxMs: this.#lag.maxMs },
      stolenMs: await stolenMs() - stolenBefore,
    };
  }

  /** Waits for answers and takes in what has come. */
  #collect(ms: number): void {
    if (!this.#poll.wait(ms)) return;
    for (let index = 0; index < this.#sockets.length; index++) {
      if (!this.#poll.isReady(index) || !this.#receive(index)) continue;
      this.#latency.record(performance.now() - this.#due[index]!);
      this.#idle.push(index);
    }
  }

  #send(index: number, due: number): void {
    this.#due[index] = due;
    this.#left[index] = -1;
    this.#sockets[index]!.send(this.#request);
  }

  /** Takes in what a socket has; true when the answer is whole. */
  #receive(index: number): boolean {
    const count = this.#sockets[index]!.receive(this.#buffer);
    const begun = this.#left[index]! >= 0;
    const length = begun ? this.#left[index]! : answerLength(this.#buffer.subarray(0, count));
    this.#left[index] = length - count;
    return this.#left[index] === 0;
  }
}

/** Bytes of the whole answer. Heads come in one piece here: the answers are small. */
function answerLength(bytes: Uint8Array): number {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (!text.startsWith("HTTP/1.1 200") || end < 0 || length === undefined) {
    throw new Error(`Cannot read the answer: ${text.slice(0, 80)}`);
  }
  return end + 4 + Number(length);
}

if (import.meta.main) {
  wakeExactly();
  const options: OpenLoopOptions = JSON.parse(Deno.args[0] ?? "{}");
  console.log(JSON.stringify(await new Generator(options).run(options)));
}
