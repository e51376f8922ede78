/**
 * A component that handles messages as they ask it to, and tells the test of each: what a queue
 * delivered is seen outside of the node under test.
 * @module
 */
import type { TestNode } from "./node.ts";

/** What a message asks for; its body is this as JSON. */
export interface Task {
  readonly n: number;
  /** Time it takes. */
  readonly ms?: number;
  /** Answers 500. */
  readonly fails?: boolean;
}

/** One delivery, as the component saw it. */
export interface Delivered {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The message; of a batch the whole. */
  readonly body: string;
  readonly atMs: number;
}

/** Tells of the delivery, sleeps, tells of the end, answers. */
const APP = `const host = new URL(Deno.env.get("MAELSTROM_PRIVATE_URL")).hostname;
const sink = "http://" + host + ":" + Deno.env.get("SINK_PORT");
Deno.serve({ port: 8080 }, async (request) => {
  const path = new URL(request.url).pathname;
  if (path === "/health") return new Response("healthy");
  const body = await request.text();
  const headers = Object.fromEntries(request.headers);
  const told = await fetch(sink, { method: "POST", body: JSON.stringify({ path, headers, body }) });
  const answer = await told.json();
  if (answer.ms > 0) await new Promise((resolve) => setTimeout(resolve, answer.ms));
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
});`;

/** How the component answers one delivery. */
export interface HandlerAnswer {
  readonly status?: number;
  readonly body?: string;
  readonly ms?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a message that is a {@linkcode Task} asks for. */
function asAsked({ body }: Delivered): HandlerAnswer {
  const { fails = false, ms = 0 }: Partial<Task> = JSON.parse(body);
  return { status: fails ? 500 : 200, ms };
}

/** Hears of every delivery and says how it is answered. */
export class MessageHandler implements AsyncDisposable {
  readonly delivered: Delivered[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #answer: (delivered: Delivered) => HandlerAnswer;
  readonly #waiting = new Set<() => void>();

  /** Deliveries are answered by `answer`; as their messages ask when there is none. */
  constructor(answer: (delivered: Delivered) => HandlerAnswer = asAsked) {
    this.#answer = answer;
    this.#server = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
      const delivered: Delivered = { ...await request.json(), atMs: performance.now() };
      this.delivered.push(delivered);
      for (const look of [...this.#waiting]) look();
      return Response.json({
        status: 200,
        body: "",
        ms: 0,
        headers: {},
        ...this.#answer(delivered),
      });
    });
  }

  /** Puts the component on `node`. */
  async putOn(node: TestNode, name: string, component: object = {}): Promise<void> {
    const environment = [{ name: "SINK_PORT", value: String(this.#server.addr.port) }];
    const command = ["/bin/deno", "eval", APP];
    await node.putSample(name, { command, reserveMemoryMiB: 64 }, { environment, ...component });
  }

  /** Numbers of the tasks that were delivered, each as often as it was. */
  numbers(): number[] {
    return this.delivered.map(({ body }) => JSON.parse(body).n);
  }

  /** Resolves when what was delivered is as `wanted`. */
  async until(
    what: string,
    wanted: (delivered: readonly Delivered[]) => boolean,
    limitMs = 60_000,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => wanted(this.delivered) && resolve();
    const timer = setTimeout(() => {
      const count = this.delivered.length;
      reject(new Error(`waited ${limitMs} ms in vain for ${what}; ${count} deliveries`));
    }, limitMs);
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
