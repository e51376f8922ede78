/**
 * The two doors for requests. The public one serves event sources only; the private one also takes
 * requests that name their component, and passes the API's paths on to the API after asking who
 * calls. Walk: **gateway** → resolver → forward → router → instance.
 *
 * Nothing here waits for the store.
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import type { Exchange, Reply } from "../../lib/http/exchange.ts";
import { dropFields } from "../../lib/http/fields.ts";
import type { Upstream } from "../../lib/http/upstream.ts";
import type { Log } from "../../lib/log.ts";
import type { Admissions } from "../router/admission.ts";
import type { AccessLog } from "./access_log.ts";
import { type Answer, replyOf } from "./error_reply.ts";
import { FailureLog } from "./failure_log.ts";
import { serve } from "./forward.ts";
import { normalizePath } from "./path.ts";
import { AddedFields, clockField } from "./request_fields.ts";
import type { Resolver, Route } from "./resolver.ts";

const API_LIMIT_MS = 60_000;
/** Endpoints whose answers go on for as long as the caller stays. */
const API_STREAMS = ["/_mael/logs", "/_mael/prune"];
const WITHOUT_LIMIT = { deadline: Infinity, responseIdleMs: Infinity };
const API_DROP = dropFields(["authorization"]);
const HEALTH_PATH = "/_mael_health_check";

/** What the doors need. */
export interface GatewayOptions {
  readonly resolver: Resolver;
  readonly routers: Admissions;
  readonly log: Log;
  readonly accessLog: AccessLog;
  /** Whether an address may speak for others in X-Forwarded-*. */
  readonly trusted: (address: string) => boolean;
  /** Tells clients in `maelstrom-cold-start` how long they waited for a first instance. */
  readonly coldStartHeader: boolean;
  /** The API's own server. */
  readonly api: Upstream;
  readonly clusterKey: string;
  /** `loopback`: callers on this machine need no key. */
  readonly rpcAuth: "key" | "loopback";
}

/** Answers requests of both doors. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #key: Uint8Array;
  readonly #failures: FailureLog;
  readonly #added = new AddedFields();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#key = new TextEncoder().encode(`Bearer ${options.clusterKey}`);
    this.#failures = new FailureLog(options.log);
  }

  /** A request at the public port. */
  handlePublic(exchange: Exchange): Promise<unknown> {
    const path = normalizePath(exchange.path);
    if (path === undefined) return this.#refusePath(exchange);
    if (path === HEALTH_PATH) return answer(exchange, { status: 200, message: "OK" });
    const route = this.#options.resolver.byRule(exchange.host, path);
    if (!route) return this.#noRoute(exchange);
    const arrived = performance.now();
    return this.#serve(exchange, path, route, arrived, arrived + route.settings.maxDurationMs);
  }

  /** A request at the private port. */
  handlePrivate(exchange: Exchange): Promise<unknown> {
    const path = normalizePath(exchange.path);
    if (path === undefined) return this.#refusePath(exchange);
    if (path === HEALTH_PATH) return answer(exchange, { status: 200, message: "OK" });
    if (path.startsWith("/_mael/")) return this.#callApi(exchange, path);
    const { resolver } = this.#options;
    const name = exchange.header("maelstrom-component");
    const route = name ? resolver.byName(name.toLowerCase()) : resolver.byRule(exchange.host, path);
    if (!route) return this.#noRoute(exchange);
    // A component that calls another passes its own clock on.
    const arrived = clockField(exchange, "maelstrom-start-nano") ?? performance.now();
    const deadline = clockField(exchange, "maelstrom-deadline-nano") ??
      arrived + route.settings.maxDurationMs;
    return this.#serve(exchange, path, route, arrived, deadline);
  }

  /** The body of an answer that the engine gives by itself. */
  errorReply(status: number, message: string, exchange: Exchange | undefined): Reply {
    const id = this.#failures.add("request refused", { status, reason: message });
    return replyOf({ status, message, id }, exchange);
  }

  #serve(
    exchange: Exchange,
    path: string,
    route: Route,
    arrived: number,
    deadline: number,
  ): Promise<unknown> {
    const { accessLog, routers, trusted, coldStartHeader } = this.#options;
    // What is told of a request is read before its connection moves on to the next.
    const entry = accessLog.wanted()
      ? {
        client: exchange.clientAddress,
        method: exchange.method,
        host: exchange.host,
        target: exchange.target,
        component: route.component,
      }
      : undefined;
    const serving = serve({
      exchange,
      path,
      route,
      arrived,
      deadline,
      router: routers.of(route.component),
      trusted: trusted(exchange.clientAddress),
      added: this.#added,
      coldStartHeader,
      fail: (status, message, error) => this.#failed(exchange, route, status, message, error),
    });
    if (!entry) return serving;
    return serving.then((outcome) => {
      const durationMs = performance.now() - arrived;
      accessLog.add({ ...entry, ...outcome, durationMs });
    });
  }

  /** Answers a failure, and tells the log under the id that the answer carries. */
  async #failed(
    exchange: Exchange,
    { component }: Route,
    status: number,
    message: string,
    error: Error | undefined,
  ): Promise<string> {
    const fields = { component, status, reason: message, ...(error ? { error } : {}) };
    const id = this.#failures.add("request failed", fields);
    const headers: [string, string][] = status === 503 ? [["Retry-After", "1"]] : [];
    await answer(exchange, { status, message, id, headers });
    return id;
  }

  #refusePath(exchange: Exchange): Promise<void> {
    const message = "malformed path";
    const id = this.#failures.add("request refused", { status: 400, reason: message });
    return answer(exchange, { status: 400, message, id });
  }

  #noRoute(exchange: Exchange): Promise<void> {
    return answer(exchange, { status: 404, message: "No component matches the request" });
  }

  async #callApi(exchange: Exchange, path: string): Promise<void> {
    if (!this.#mayCall(exchange)) {
      return answer(exchange, {
        status: 401,
        message: "The API needs the cluster key: Authorization: Bearer KEY",
        headers: [["WWW-Authenticate", 'Bearer realm="maelstrom"']],
      });
    }
    const limits = API_STREAMS.includes(path)
      ? WITHOUT_LIMIT
      : { deadline: performance.now() + API_LIMIT_MS };
    const result = await exchange.forward(this.#options.api, { drop: API_DROP, ...limits });
    if (result.kind === "timed_out") {
      return answer(exchange, { status: 504, message: "The API did not answer" });
    }
    if (result.kind === "not_sent" || result.kind === "gone") {
      return answer(exchange, { status: 503, message: "The API is stopping" });
    }
  }

  #mayCall(exchange: Exchange): boolean {
    const { rpcAuth } = this.#options;
    if (rpcAuth === "loopback" && isLoopback(exchange.clientAddress)) return true;
    const given = new TextEncoder().encode(exchange.header("authorization") ?? "");
    return given.length === this.#key.length && timingSafeEqual(given, this.#key);
  }
}

function answer(exchange: Exchange, answer: Answer): Promise<void> {
  return exchange.respond(replyOf(answer, exchange));
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
