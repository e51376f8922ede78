/**
 * Requests at a fixed rate, whether or not earlier ones were answered: what users do. Remembers what
 * became of each. Connections are kept and never used for a second try, so nothing is hidden.
 * @module
 */
import { Agent, get } from "node:http";

const REQUEST_LIMIT_MS = 15_000;

/** What became of one request. */
export interface Answered {
  /** When it was sent, in milliseconds since the load began. */
  readonly atMs: number;
  readonly ms: number;
  /** 0 when there was no answer. */
  readonly status: number;
  /** Which of the URLs it went to. */
  readonly url: string;
  /** The body, or why there was no answer. */
  readonly text: string;
}

/** A load that runs until it is stopped. */
export class SteadyLoad implements AsyncDisposable {
  readonly results: Answered[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #startMs = performance.now();
  readonly #running = new Set<Promise<void>>();
  #urls: readonly string[];
  #timer: ReturnType<typeof setInterval>;
  #sent = 0;

  /** Sends `perSecond` requests, to `urls` in turn. */
  constructor(urls: readonly string[], perSecond: number) {
    this.#urls = urls;
    this.#timer = setInterval(() => {
      const due = (performance.now() - this.#startMs) * perSecond / 1000;
      while (this.#sent < due) this.#send(this.#urls[this.#sent++ % this.#urls.length]!);
    }, 2);
  }

  /** Sends to `urls` from now on. */
  retarget(urls: readonly string[]): void {
    this.#urls = urls;
  }

  /** Time since the load began, in milliseconds. */
  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  /** Resolves when `count` requests have been answered. */
  async reaches(count: number): Promise<void> {
    while (this.results.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Sends nothing more; gives everything when the last answer is there. */
  async stop(): Promise<readonly Answered[]> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    this.#agent.destroy();
    return this.results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #send(url: string): void {
    const atMs = this.nowMs;
    const request = new Promise<void>((resolve) => {
      const done = (status: number, text: string) => {
        this.results.push({ atMs, ms: this.nowMs - atMs, status, url, text });
        resolve();
      };
      const sent = get(url, { agent: this.#agent, timeout: REQUEST_LIMIT_MS }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => text += part);
        response.on("end", () => done(response.statusCode ?? 0, text));
        response.on("error", (error) => done(0, String(error)));
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", (error) => done(0, String(error)));
    });
    this.#running.add(request);
    void request.then(() => this.#running.delete(request));
  }
}

/** Share of `results` that were answered 200; 1 when there are none. */
export function goodShare(results: readonly Answered[]): number {
  const good = results.filter(({ status }) => status === 200).length;
  return results.length === 0 ? 1 : good / results.length;
}

/** The results that were not answered 200, a line for each kind. */
export function failures(results: readonly Answered[]): string[] {
  const kinds = Map.groupBy(
    results.filter(({ status }) => status !== 200),
    ({ status, text }) => `${status} ${text.replace(/\s*\(id [0-9a-f]+\)\s*$/, "").slice(0, 80)}`,
  );
  return [...kinds].map(([kind, list]) => `${list.length} × ${kind}`);
}

/** The duration that a share of `results` stayed within, in milliseconds. */
export function quantileMs(results: readonly Answered[], share: number): number {
  const sorted = results.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
