/**
 * One request's way to an instance and back: a place at once or after waiting, another instance
 * when the first could not be reached, an answer whatever happens. Walk: gateway → **forward** →
 * router → instance.
 * @module
 */
import { errorKind } from "../../lib/errors.ts";
import type { Exchange, ForwardOptions, ForwardResult } from "../../lib/http/exchange.ts";
import type { Effective } from "../../lib/contract/effective.ts";
import type { Admission, Place, Reach } from "../router/admission.ts";
import { waitingPage, wantsPage } from "./error_reply.ts";
import {
  type AddedFields,
  droppedFields,
  droppedWithMaxForwards,
  maxForwards,
  type Sender,
} from "./request_fields.ts";
import type { RelayPath, Relays } from "./relay.ts";
import type { Route } from "./resolver.ts";

/** Instances one request may be offered to before it is answered 502. */
const ATTEMPTS_MAX = 4;

/** One request that has a route. Times are on the `performance.now()` clock. */
export interface Request {
  readonly exchange: Exchange;
  /** The path in normal form. */
  readonly path: string;
  readonly route: Route;
  readonly arrived: number;
  readonly deadline: number;
  readonly router: Admission;
  /** Who sent it: decides what of it is believed. */
  readonly sender: Sender;
  /** The nodes that relayed it here, if any did. */
  readonly relayPath: RelayPath | undefined;
  readonly door: Door;
}

/** What all requests of a gateway have in common. */
export interface Door {
  readonly relays: Relays;
  /** Makes the fields that a request gains. */
  readonly added: AddedFields;
  readonly coldStartHeader: boolean;
  /** Answers a failure; gives the id under which the log has it. */
  readonly fail: (request: Request, failure: Failure) => Promise<string>;
}

/** Why a request is not answered by an instance. */
export interface Failure {
  readonly status: number;
  readonly message: string;
  readonly error?: Error;
}

/** How a request ended, for the access log. */
export interface Outcome {
  /** 499 when the client left before it was answered. */
  readonly status: number;
  readonly waitMs: number;
  readonly instance?: string;
  readonly id?: string;
}

/** Has the request answered, by an instance if one can be had. */
export async function serve(request: Request): Promise<Outcome> {
  const { exchange, route: { component, settings }, router, door } = request;
  const isCold = router.state !== "on";
  if (isCold && settings.onColdStart !== "hold") {
    const refused = await refuseCold(request);
    if (refused) return refused;
  }
  const options = forwardOptions(request);
  if (options === undefined) return await answerHere(request);
  const { add } = options;
  // Whoever relayed it saw an instance here; only if none comes back may it go on to another peer.
  let reach: Reach = request.relayPath?.length ? "local" : "any";
  let waitMs = 0;
  for (let attempt = 1;; attempt++) {
    let instance = router.claim(reach);
    if (!instance) {
      const begun = performance.now();
      const limitMs = reach === "local" ? preferLocalMs(settings) : settings.queueTimeoutMs;
      const until = Math.min(request.deadline, begun + limitMs);
      const wait = await router.wait(until, exchange.signal, reach);
      waitMs += performance.now() - begun;
      if (wait.kind === "timed_out" && reach === "local" && until < request.deadline) {
        reach = "any";
        continue;
      }
      if (wait.kind !== "instance") return { waitMs, ...await refuse(request, wait) };
      instance = wait.instance;
    }
    options.add = instance.peer ? add + door.relays.fields(component, request.relayPath) : add;
    if (isCold && door.coldStartHeader) {
      options.addToResponse = `Maelstrom-Cold-Start: ${Math.round(waitMs)}\r\n`;
    }
    let result: ForwardResult;
    try {
      result = await exchange.forward(instance.upstream, options);
    } finally {
      router.release(instance);
    }
    if (result.kind === "done") return { status: result.status, waitMs, instance: instance.id };
    const seen = { waitMs, instance: instance.id };
    if (result.kind === "not_sent") router.suspend(instance);
    if (attempt < ATTEMPTS_MAX && isForAnother(result, instance)) continue;
    return { ...seen, ...await finish(request, result) };
  }
}

/**
 * Whether another place may have the request: no byte reached this one, or a peer was lost before it
 * answered and the request may be repeated. An instance of this node that breaks off may have done
 * so because of the request, and the next one would too; a peer answers for its instances.
 */
function isForAnother(result: ForwardResult, { peer }: Place): boolean {
  if (result.kind === "not_sent") return true;
  const isLost = result.kind === "gone" || result.kind === "timed_out";
  return isLost && peer !== undefined && result.mayRepeat === true;
}

/** How long a relayed request waits for an instance of this node alone. */
function preferLocalMs({ maxDurationMs }: Effective): number {
  return Math.max(1000, maxDurationMs / 10);
}

/** Filled in as the request goes its way. */
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What is sent besides the client's own; undefined when the request may go no further than here. */
function forwardOptions(request: Request): Writable<ForwardOptions> | undefined {
  const { exchange, sender, door, deadline, arrived, route: { settings } } = request;
  const { method } = exchange;
  if (method === "TRACE") return undefined;
  const hops = method === "OPTIONS" ? maxForwards(exchange) : undefined;
  if (hops === "stop") return undefined;
  // Every field is named, so that all requests share one shape.
  return {
    target: targetOf(request),
    drop: hops === undefined ? droppedFields(sender) : droppedWithMaxForwards[sender],
    add: door.added.of(exchange, sender, deadline, arrived) + (hops ?? ""),
    deadline,
    bodyBytesMax: settings.bodyBytesMax,
    // A stream may be silent for as long as the request may take.
    responseIdleMs: settings.maxDurationMs,
    answerWithinMs: settings.firstByteTimeoutMs,
    addToResponse: undefined,
  };
}

/** The target in normal form and without the stripped prefix, when that differs from what came. */
function targetOf({ exchange, path, route: { stripLength } }: Request): string | undefined {
  const { path: raw, target } = exchange;
  if (stripLength === 0 && path === raw) return undefined;
  const rest = path.slice(stripLength);
  return (rest.startsWith("/") ? rest : `/${rest}`) + target.slice(raw.length);
}

/** TRACE is not offered: it would show a caller the fields that were added on the way. */
async function answerHere(request: Request): Promise<Outcome> {
  const { exchange } = request;
  if (exchange.method === "TRACE") {
    return { waitMs: 0, ...await fail(request, 501, "TRACE is not offered") };
  }
  await exchange.respond({ status: 204, headers: [], body: "" });
  return { status: 204, waitMs: 0 };
}

/** The answer of a component that does not want requests held; undefined when this one is held. */
async function refuseCold(request: Request): Promise<Outcome | undefined> {
  const { exchange, route: { component, settings }, router } = request;
  const failing = await router.knock();
  if (failing) {
    const { status } = errorKind(failing.code);
    return { waitMs: 0, ...await fail(request, status, failing.message) };
  }
  if (settings.onColdStart === "fail") {
    const message = `${component} is starting, try again soon`;
    return { waitMs: 0, ...await fail(request, 503, message) };
  }
  if (!wantsPage(exchange)) return undefined;
  await exchange.respond(waitingPage(component));
  return { status: 503, waitMs: 0 };
}

type Refusal =
  | { readonly kind: "full" | "timed_out" | "left" }
  | {
    readonly kind: "failed";
    readonly error: Error & { readonly code: Parameters<typeof errorKind>[0] };
  };

/** What a failed request is told, and under which id the log has it. */
type Told = Pick<Outcome, "status" | "id">;

async function refuse(request: Request, wait: Refusal): Promise<Told> {
  const { component } = request.route;
  switch (wait.kind) {
    case "left":
      return { status: 499 };
    case "full":
      return await fail(request, 503, `Too many requests wait for: ${component}`);
    case "timed_out":
      return await fail(request, 504, timeout(component));
    case "failed":
      return await fail(request, errorKind(wait.error.code).status, wait.error.message);
  }
}

async function finish(request: Request, result: ForwardResult): Promise<Told> {
  const { component } = request.route;
  switch (result.kind) {
    case "done":
      return { status: result.status };
    case "timed_out":
      return await fail(request, 504, timeout(component));
    case "gone":
    case "not_sent":
      return await fail(request, 502, noAnswer(component), result.error);
    case "too_large":
      return await fail(request, 413, `The request body is too large for: ${component}`);
    case "client_left":
    case "cut":
      return { status: 499 };
  }
}

async function fail(
  request: Request,
  status: number,
  message: string,
  error?: Error,
): Promise<Told> {
  const id = await request.door.fail(request, { status, message, ...(error ? { error } : {}) });
  return { status, id };
}

function timeout(component: string): string {
  return `gateway: Timeout proxying component: ${component}`;
}

function noAnswer(component: string): string {
  return `gateway: No answer from component: ${component}`;
}
