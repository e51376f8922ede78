/**
 * The two doors for requests. The public one serves event sources only; the private one also takes
 * requests that name their component, and passes the API's paths on to the API after asking who
 * calls. Walk: **gateway** → resolver → forward → router → instance.
 *
 * Nothing here waits for the store.
 * @module
 */
import type { Exchange, Reply } from "../../lib/http/exchange.ts";
import type { Log } from "../../lib/log.ts";
import type { Admissions } from "../router/admission.ts";
import type { AccessLog } from "./access_log.ts";
import type { ApiDoor } from "./api_door.ts";
import { type Answer, replyOf } from "./error_reply.ts";
import { FailureLog } from "./failure_log.ts";
import { type Door, type Failure, type Request, serve } from "./forward.ts";
import { normalizePath } from "./path.ts";
import { AddedFields, clockField } from "./request_fields.ts";
import type { Relays } from "./relay.ts";
import type { Resolver } from "./resolver.ts";

const HEALTH_PATH = "/_mael_health_check";

/** What the doors need. */
export interface GatewayOptions {
  readonly resolver: Resolver;
  readonly routers: Admissions;
  readonly log: Log;
  readonly accessLog: AccessLog;
  /** Whether an address may speak for others in X-Forwarded-*. */
  readonly trusted: (address: string) => boolean;
  readonly relays: Relays;
  /** Tells clients in `maelstrom-cold-start` how long they waited for a first instance. */
  readonly coldStartHeader: boolean;
  /** Where the private door sends requests for the API; absent where there is no private door. */
  readonly apiDoor?: ApiDoor;
}

/** Answers requests of both doors. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #failures: FailureLog;
  readonly #door: Door;

  constructor(options: GatewayOptions) {
    const { log, relays, coldStartHeader } = options;
    this.#options = options;
    this.#failures = new FailureLog(log);
    this.#door = {
      relays,
      added: new AddedFields(),
      coldStartHeader,
      fail: (request, failure) => this.#failed(request, failure),
    };
  }

  /** A request at the public port. */
  handlePublic(exchange: Exchange): Promise<unknown> {
    const path = normalizePath(exchange.path);
    if (path === undefined) return this.#refusePath(exchange);
    if (path === HEALTH_PATH) return answer(exchange, { status: 200, message: "OK" });
    const { resolver, routers, trusted } = this.#options;
    const route = resolver.byRule(exchange.host, path);
    if (!route) return this.#noRoute(exchange);
    const arrived = performance.now();
    return this.#serve({
      exchange,
      path,
      route,
      arrived,
      deadline: arrived + route.settings.maxDurationMs,
      router: routers.of(route.component),
      sender: trusted(exchange.clientAddress) ? "trusted" : "anybody",
      relayPath: undefined,
      door: this.#door,
    });
  }

  /** A request at the private port. */
  handlePrivate(exchange: Exchange): Promise<unknown> {
    const path = normalizePath(exchange.path);
    if (path === undefined) return this.#refusePath(exchange);
    if (path === HEALTH_PATH) return answer(exchange, { status: 200, message: "OK" });
    const { apiDoor } = this.#options;
    const name = exchange.header("maelstrom-component");
    // Whoever names a component means it.
    const isApi = path.startsWith("/_mael/") || (!name && path.startsWith("/queues/"));
    if (apiDoor && isApi) return apiDoor.handle(exchange, path);
    const { resolver, relays, routers, trusted } = this.#options;
    const relayPath = relays.pathOf(exchange);
    if (relayPath === "loop") return this.#refuseLoop(exchange);
    const route = name ? resolver.byName(name.toLowerCase()) : resolver.byRule(exchange.host, path);
    if (!route) return this.#noRoute(exchange);
    // A component that calls another passes its own clock on.
    const arrived = clockField(exchange, "maelstrom-start-nano") ?? performance.now();
    const deadline = clockField(exchange, "maelstrom-deadline-nano") ??
      arrived + route.settings.maxDurationMs;
    const sender = relayPath ? "peer" : trusted(exchange.clientAddress) ? "trusted" : "anybody";
    const router = routers.of(route.component);
    const door = this.#door;
    return this.#serve({
      exchange,
      path,
      route,
      arrived,
      deadline,
      router,
      sender,
      relayPath,
      door,
    });
  }

  /** The body of an answer that the engine gives by itself. */
  errorReply(status: number, message: string, exchange: Exchange | undefined): Reply {
    const id = this.#failures.add("request refused", { status, reason: message });
    return replyOf({ status, message, id }, exchange);
  }

  #serve(request: Request): Promise<unknown> {
    const { accessLog } = this.#options;
    if (!accessLog.wanted()) return serve(request);
    // What is told of a request is read before its connection moves on to the next.
    const { exchange: { clientAddress, method, host, target }, route, arrived } = request;
    const entry = { client: clientAddress, method, host, target, component: route.component };
    return serve(request).then((outcome) => {
      const durationMs = performance.now() - arrived;
      accessLog.add({ ...entry, ...outcome, durationMs });
    });
  }

  /** Answers a failure, and tells the log under the id that the answer carries. */
  async #failed({ exchange, route }: Request, failure: Failure): Promise<string> {
    const { status, message, error } = failure;
    const fields = { component: route.component, status, reason: message };
    const id = this.#failures.add("request failed", { ...fields, ...(error ? { error } : {}) });
    const headers: [string, string][] = status === 503 ? [["Retry-After", "1"]] : [];
    await answer(exchange, { status, message, id, headers });
    return id;
  }

  #refusePath(exchange: Exchange): Promise<void> {
    const message = "malformed path";
    const id = this.#failures.add("request refused", { status: 400, reason: message });
    return answer(exchange, { status: 400, message, id });
  }

  #refuseLoop(exchange: Exchange): Promise<void> {
    const message = "The request was relayed too often";
    const id = this.#failures.add("request refused", { status: 508, reason: message });
    return answer(exchange, { status: 508, message, id });
  }

  #noRoute(exchange: Exchange): Promise<void> {
    return answer(exchange, { status: 404, message: "No component matches the request" });
  }
}

function answer(exchange: Exchange, answer: Answer): Promise<void> {
  return exchange.respond(replyOf(answer, exchange));
}
