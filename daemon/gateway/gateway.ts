/**
 * The two doors for requests. The public one serves event sources only; the private one also takes
 * requests that name their component, and passes the API's paths on to the API after asking who
 * calls. Walk: **gateway** → resolver → router → queue → instance.
 *
 * Nothing here waits for the store, and no error body is written elsewhere on the request path.
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { errorKind, MaelstromError } from "../../lib/errors.ts";
import type { Exchange, ForwardOptions, ForwardResult } from "../../lib/http/exchange.ts";
import { dropFields } from "../../lib/http/fields.ts";
import type { Upstream } from "../../lib/http/upstream.ts";
import type { Log } from "../../lib/log.ts";
import type { Routers } from "../router/router.ts";
import type { Resolver, Route } from "./resolver.ts";

/** Instances one request may be offered to before it is answered 502. */
const ATTEMPTS_MAX = 4;
const API_LIMIT_MS = 60_000;
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];

const DROP = dropFields(["maelstrom-", "x-real-ip", ...FORWARDED]);
const DROP_TRUSTED = dropFields(["maelstrom-", "x-forwarded-for"]);
const API_DROP = dropFields(["authorization"]);

/** What the doors need. */
export interface GatewayOptions {
  readonly resolver: Resolver;
  readonly routers: Routers;
  readonly log: Log;
  /** Whether an address may speak for others in X-Forwarded-*. */
  readonly trusted: (address: string) => boolean;
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

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#key = new TextEncoder().encode(`Bearer ${options.clusterKey}`);
  }

  /** A request at the public port. */
  handlePublic(exchange: Exchange): Promise<void> {
    if (exchange.path === "/_mael_health_check") return answer(exchange, 200, "OK");
    const route = this.#options.resolver.byRule(exchange.host, exchange.path);
    if (!route) return answer(exchange, 404, "No component matches the request");
    const started = performance.now();
    return this.#serve(exchange, route, started, started + route.settings.maxDurationMs);
  }

  /** A request at the private port. */
  handlePrivate(exchange: Exchange): Promise<void> {
    const { resolver } = this.#options;
    if (exchange.path === "/_mael_health_check") return answer(exchange, 200, "OK");
    if (exchange.path.startsWith("/_mael/")) return this.#callApi(exchange);
    const name = exchange.header("maelstrom-component");
    const route = name
      ? resolver.byName(name.toLowerCase())
      : resolver.byRule(exchange.host, exchange.path);
    if (!route) return answer(exchange, 404, "No component matches the request");
    // A component that calls another passes its own clock on.
    const started = clockField(exchange, "maelstrom-start-nano") ?? performance.now();
    const deadline = clockField(exchange, "maelstrom-deadline-nano") ??
      started + route.settings.maxDurationMs;
    return this.#serve(exchange, route, started, deadline);
  }

  async #serve(
    exchange: Exchange,
    route: Route,
    started: number,
    deadline: number,
  ): Promise<void> {
    const trusted = this.#options.trusted(exchange.clientAddress);
    const options: ForwardOptions = {
      ...targetOf(exchange, route),
      drop: trusted ? DROP_TRUSTED : DROP,
      add: forwardedFields(exchange, trusted) + clockFields(deadline, started),
      deadline,
      // A stream may be silent for as long as the request may take.
      responseIdleMs: route.settings.maxDurationMs,
    };
    const router = this.#options.routers.of(route.component);
    for (let attempt = 1;; attempt++) {
      let instance = router.claim();
      if (!instance) {
        const wait = await router.wait(deadline, exchange.signal);
        if (wait.kind === "left") return;
        if (wait.kind !== "instance") return refuse(exchange, route, wait);
        instance = wait.instance;
      }
      let result: ForwardResult;
      try {
        result = await exchange.forward(instance.upstream, options);
      } finally {
        router.release(instance);
      }
      if (result.kind !== "not_sent") return this.#finish(exchange, route, result);
      // No byte reached the instance, so another may have the request.
      router.suspend(instance);
      if (attempt === ATTEMPTS_MAX) return this.#gone(exchange, route, result.error);
    }
  }

  #finish(exchange: Exchange, route: Route, result: ForwardResult): Promise<void> | void {
    switch (result.kind) {
      case "timed_out":
        return answer(exchange, 504, timeoutText(route));
      case "gone":
        return this.#gone(exchange, route, result.error);
      case "cut":
        return this.#options.log.warn("answer cut off", { component: route.component });
    }
  }

  #gone(exchange: Exchange, route: Route, error: Error): Promise<void> {
    this.#options.log.warn("instance gave no answer", { component: route.component, error });
    return answer(exchange, 502, `gateway: No answer from component: ${route.component}`);
  }

  async #callApi(exchange: Exchange): Promise<void> {
    if (!this.#mayCall(exchange)) {
      return answer(exchange, 401, "The API needs the cluster key: Authorization: Bearer KEY", [
        ["WWW-Authenticate", 'Bearer realm="maelstrom"'],
      ]);
    }
    const deadline = performance.now() + API_LIMIT_MS;
    const result = await exchange.forward(this.#options.api, { drop: API_DROP, deadline });
    if (result.kind === "timed_out") return answer(exchange, 504, "The API did not answer");
    if (result.kind === "not_sent" || result.kind === "gone") {
      return answer(exchange, 503, "The API is stopping");
    }
  }

  #mayCall(exchange: Exchange): boolean {
    const { rpcAuth } = this.#options;
    if (rpcAuth === "loopback" && isLoopback(exchange.clientAddress)) return true;
    const given = new TextEncoder().encode(exchange.header("authorization") ?? "");
    return given.length === this.#key.length && timingSafeEqual(given, this.#key);
  }
}

function refuse(
  exchange: Exchange,
  route: Route,
  wait: { kind: "full" | "timed_out" } | { kind: "failed"; error: MaelstromError },
): Promise<void> {
  switch (wait.kind) {
    case "full":
      return answer(exchange, 503, `gateway: Too many requests wait for: ${route.component}`, [
        ["Retry-After", "1"],
      ]);
    case "timed_out":
      return answer(exchange, 504, timeoutText(route));
    case "failed": {
      const { status, retry } = errorKind(wait.error.code);
      return answer(exchange, status, wait.error.message, retry ? [["Retry-After", "1"]] : []);
    }
  }
}

function timeoutText(route: Route): string {
  return `gateway: Timeout proxying component: ${route.component}`;
}

function answer(
  exchange: Exchange,
  status: number,
  body: string,
  headers: [string, string][] = [],
): Promise<void> {
  const all: [string, string][] = [["Content-Type", "text/plain; charset=utf-8"], ...headers];
  return exchange.respond({ status, headers: all, body });
}

function targetOf(exchange: Exchange, { stripLength }: Route): { target?: string } {
  if (stripLength === 0) return {};
  const rest = exchange.target.slice(exchange.target.indexOf(exchange.path) + stripLength);
  return { target: rest.startsWith("/") ? rest : `/${rest}` };
}

/** Our word on where the request came from, after removal of what the client said. */
function forwardedFields(exchange: Exchange, trusted: boolean): string {
  const { clientAddress } = exchange;
  const before = trusted ? exchange.header("x-forwarded-for") : undefined;
  const chain = before ? `${before}, ${clientAddress}` : clientAddress;
  let fields = `X-Forwarded-For: ${chain}\r\n`;
  if (!trusted || exchange.header("x-forwarded-proto") === undefined) {
    fields += "X-Forwarded-Proto: http\r\n";
  }
  if (!trusted || exchange.header("x-forwarded-host") === undefined) {
    fields += `X-Forwarded-Host: ${exchange.header("host") ?? ""}\r\n`;
  }
  return fields;
}

/** Deadline and first arrival, in nanoseconds since 1970, for calls the component makes itself. */
function clockFields(deadline: number, started: number): string {
  const offsetMs = Date.now() - performance.now();
  const nano = (at: number) => `${Math.round(offsetMs + at)}000000`;
  return `MAELSTROM-DEADLINE-NANO: ${nano(deadline)}\r\nMAELSTROM-START-NANO: ${nano(started)}\r\n`;
}

/** A clock field of the caller's on the `performance.now()` clock, if it gave a readable one. */
function clockField(exchange: Exchange, name: string): number | undefined {
  const nano = exchange.header(name);
  if (nano === undefined || !/^\d{7,20}$/.test(nano)) return undefined;
  return Number(nano.slice(0, -6)) - Date.now() + performance.now();
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
