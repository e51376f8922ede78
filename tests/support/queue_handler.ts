/**
 * A component that handles messages and tells the test of each before it answers: what it was told
 * is what a walk checks.
 * @module
 */
import { ensureSampleImage } from "../../examples/quickstart/image.ts";
import type { Component, QueueEventSource } from "../../lib/contract/v1.ts";
import { until } from "./cluster.ts";
import type { TestNode } from "./node.ts";

/** What the handler is to do with a message. */
export interface Task {
  readonly id: string;
  /** True: the answer is 500, each time. */
  readonly fails?: boolean;
  /** Time until the answer, in milliseconds. */
  readonly takesMs?: number;
}

/** One handling of a message, as the component saw it. */
export interface Handled {
  readonly id: string;
  /** The status it answered with. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** `performance.now()` when the test heard of it. */
  readonly atMs: number;
}

const SCRIPT = `
Deno.serve({ port: 8080, onListen() {} }, async (request) => {
  if (request.method !== "POST") return new Response("healthy");
  const task = await request.json();
  if (task.takesMs) await new Promise((resolve) => setTimeout(resolve, task.takesMs));
  const status = task.fails ? 500 : 200;
  const headers = Object.fromEntries(request.headers);
  const told = await fetch(Deno.env.get("COLLECTOR"), {
    method: "POST",
    body: JSON.stringify({ id: task.id, status, headers }),
  });
  await told.body?.cancel();
  return new Response(task.fails ? "no\\n" : "", { status });
});`;

/** Hears of everything that handlers do. */
export class Collector implements AsyncDisposable {
  readonly handled: Handled[] = [];
  readonly #server = Deno.serve(
    { hostname: "0.0.0.0", port: 0, onListen() {} },
    async (request) => {
      this.handled.push({ ...await request.json(), atMs: performance.now() });
      return new Response();
    },
  );

  /** Puts component `worker`, and an event source that brings it the messages of `queue`. */
  async put(
    node: TestNode,
    queue: Partial<QueueEventSource> & { name: string },
    component: Partial<Component> = {},
  ): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    const image = await ensureSampleImage(node.docker, { say: () => {}, signal });
    const gateway = await node.docker.gatewayAddress(signal);
    const collector = `http://${gateway}:${this.#server.addr.port}/`;
    await node.run(
      ["comp", "put", "-f", "-"],
      JSON.stringify({
        name: "worker",
        maxConcurrency: 50,
        environment: [{ name: "COLLECTOR", value: collector }],
        docker: { image, httpPort: 8080, command: ["/bin/deno", "eval", "--quiet", SCRIPT] },
        ...component,
      }),
    );
    await node.run(
      ["es", "put", "-f", "-"],
      JSON.stringify({ name: "tasks", componentName: "worker", queue: { path: "/", ...queue } }),
    );
  }

  /** Ids handled well, each as often as it was. */
  successes(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { id, status } of this.handled) {
      if (status === 200) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  /** Resolves when `count` different messages have been handled well. */
  async reached(count: number, limitMs: number): Promise<void> {
    await until(limitMs, `${count} messages to be handled`, () => {
      return Promise.resolve(this.successes().size >= count || undefined);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Sends `tasks` to `queue` by way of `node`; resolves when all of them are on disk. */
export async function sendTasks(
  node: TestNode,
  queue: string,
  tasks: readonly Task[],
): Promise<void> {
  const lines = tasks.map((task) => JSON.stringify(task)).join("\n");
  await node.run(["queue", "send", queue, "--lines"], lines);
}
