/**
 * Copies into the daemon's own log what components write whose log driver is `maelstrom`. Walk:
 * catalog ⇒ **log_echo** → log_stream → docker.
 * @module
 */
import { Tasks } from "../../lib/async/tasks.ts";
import type { StoredComponent } from "../store/store.ts";
import { LogStream, type LogStreamContext } from "./log_stream.ts";

/** The log driver that means: the engine's own, and a copy in the daemon's log. */
const ECHO_DRIVER = "maelstrom";
const WAIT_MS = 60_000;

/** Follows the instances of such components on this node. */
export class LogEcho implements AsyncDisposable {
  readonly #context: LogStreamContext;
  readonly #tasks: Tasks;
  readonly #streams = new Map<string, LogStream>();

  constructor(context: LogStreamContext) {
    this.#context = context;
    this.#tasks = new Tasks(context.log);
  }

  /** Every component that should be. What was written before it was first named is not copied. */
  follow(components: readonly StoredComponent[]): void {
    const wanted = new Set(
      components.filter(({ component }) => component.docker.logDriver === ECHO_DRIVER)
        .map(({ component }) => component.name),
    );
    for (const [name, stream] of this.#streams) {
      if (wanted.has(name)) continue;
      this.#streams.delete(name);
      this.#tasks.run(`end echo of ${name}`, () => stream[Symbol.asyncDispose]());
    }
    for (const name of wanted) if (!this.#streams.has(name)) this.#begin(name);
  }

  /** Ends every copy. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.follow([]);
    await this.#tasks[Symbol.asyncDispose]();
  }

  #begin(component: string): void {
    const sinceMs = this.#context.now();
    const request = { globs: [component], sinceMs, follow: true, nodes: "one" } as const;
    const stream = new LogStream(this.#context, request, () => {});
    this.#streams.set(component, stream);
    this.#tasks.run(`echo of ${component}`, () => this.#copy(stream));
  }

  async #copy(stream: LogStream): Promise<void> {
    const { log } = this.#context;
    for (;;) {
      const entries = await stream.take(WAIT_MS);
      if (!entries) return;
      for (const { component, instance: container, ...said } of entries) {
        const from = { component, container };
        if ("line" in said) {
          log.info("component says", { ...from, stream: said.stream, line: said.line });
        } else if ("dropped" in said) {
          log.warn("lines of a component were dropped", { ...from, count: said.dropped });
        } else log.warn("cannot read what a component says", { ...from, error: said.notice });
      }
    }
  }
}
