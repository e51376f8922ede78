/**
 * Both doors of a gateway on loopback, with a catalog and instances that a test sets: everything of
 * the request path but containers.
 * @module
 */
import { AccessLog } from "../../daemon/gateway/access_log.ts";
import { Gateway, type GatewayOptions } from "../../daemon/gateway/gateway.ts";
import { Relays } from "../../daemon/gateway/relay.ts";
import { Resolver } from "../../daemon/gateway/resolver.ts";
import { QueueBudget } from "../../daemon/router/queue.ts";
import { type RouterOptions, Routers } from "../../daemon/router/router.ts";
import type { Catalog } from "../../daemon/store/catalog.ts";
import type { EventSource } from "../../lib/contract/v1.ts";
import { Tasks } from "../../lib/async/tasks.ts";
import { serveHttp } from "../../lib/http/server.ts";
import { createLog } from "../../lib/log.ts";
import { component, type ComponentParts, eventSource } from "./builders.ts";
import { RawPeer } from "./http/raw.ts";

/** The key of the doors under test. */
export const KEY = "0123456789abcdef";

/** What a test may set. */
export interface DoorsOptions {
  readonly components?: readonly ComponentParts[];
  readonly sources?: readonly Partial<EventSource>[];
  readonly gateway?: Partial<GatewayOptions>;
  readonly router?: Partial<RouterOptions>;
  readonly accessLog?: number;
}

/** The doors, open until disposed. */
export class Doors implements AsyncDisposable {
  readonly publicPort: number;
  readonly privatePort: number;
  readonly routers: Routers;
  readonly log: Record<string, unknown>[] = [];
  readonly access: Record<string, unknown>[] = [];
  readonly woken: string[] = [];
  readonly verified: string[] = [];
  readonly #stack = new AsyncDisposableStack();
  readonly #tasks: Tasks;

  constructor(
    { components = [{}], sources = [{}], gateway, router, accessLog = 0 }: DoorsOptions = {},
  ) {
    const log = createLog({
      level: "debug",
      format: "json",
      write: (line) => this.log.push(JSON.parse(line)),
    });
    const tasks = this.#tasks = this.#stack.use(new Tasks(log));
    this.routers = new Routers({
      queueMax: 100,
      queueBudget: new QueueBudget(1000),
      wake: (component) => this.woken.push(component),
      blocked: () => undefined,
      thaw: () => {},
      verify: (id) => this.verified.push(id),
      verifyPeer: () => {},
      now: Date.now,
      ...router,
    });
    const current = {
      components: components.map((parts) => ({ uid: "u", component: component(parts) })),
      eventSources: sources.map((parts) => ({ eventSource: eventSource(parts), enabled: true })),
    };
    const doors: Gateway = new Gateway({
      resolver: new Resolver({ current } as unknown as Catalog),
      routers: this.routers,
      log,
      accessLog: new AccessLog({
        sample: accessLog,
        tasks,
        write: (text) => {
          this.access.push(...text.trim().split("\n").map((line) => JSON.parse(line)));
          return Promise.resolve();
        },
      }),
      trusted: () => false,
      relays: new Relays({ nodeId: "one", clusterKey: KEY, now: () => Date.now() }),
      coldStartHeader: true,
      ...gateway,
    });
    const open = (handler: Parameters<typeof serveHttp>[1]) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const errorReply: Gateway["errorReply"] = (...failure) => doors.errorReply(...failure);
      this.#stack.use(serveHttp([listener], handler, { log, errorReply }));
      return listener.addr.port;
    };
    this.publicPort = open((exchange) => doors.handlePublic(exchange));
    this.privatePort = open((exchange) => doors.handlePrivate(exchange));
  }

  /** Makes `port` of loopback an instance of component `name`. */
  attach(port: number, { id = "a", name = "shop", admits = 10 } = {}): void {
    this.routers.follow(id, {
      id,
      component: name,
      version: 1,
      uid: "u",
      status: "active",
      address: { hostname: "127.0.0.1", port },
      admits,
      maxConcurrency: admits,
      reserveMemoryMiB: 128,
      sinceMs: 0,
    });
  }

  /** Sends `request` and gives all that comes back until the connection ends. */
  async exchange(request: string, port: number = this.publicPort): Promise<string> {
    using client = await RawPeer.connect(port);
    await client.send(request);
    return await client.rest();
  }

  /** What the access log has told, whole. */
  async told(): Promise<Record<string, unknown>[]> {
    await this.#tasks[Symbol.asyncDispose]();
    return this.access;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
