/**
 * One HTTP conversation with a Docker Engine: the socket, the API version both sides speak,
 * deadlines, and what went wrong in plain words. Knows nothing of containers or images.
 *
 * Source: Docker Engine API 1.41 to 1.47.
 * @module
 */
import { withDeadline } from "../async/deadline.ts";
import { unlessAborted } from "../async/unless_aborted.ts";
import { isAbort, MaelstromError, messageOf } from "../errors.ts";

/** Newest API version this client was written for. */
const VERSION_MAX = "1.47";
/** Oldest API version that has everything we ask for: Docker Engine 20.10. */
const VERSION_MIN = "1.41";
/** Of no meaning to the engine. An address, because fetch would ask DNS for a name. */
const BASE_URL = "http://127.0.0.1";
const DEADLINE_MS = 30_000;
const NEGOTIATION_DEADLINE_MS = 10_000;

/** Query parameters; a list is sent as one parameter per element, `undefined` not at all. */
export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** One request to the engine. */
export interface EngineCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Without the version: `/containers/json`. */
  readonly path: string;
  /** Completes "Cannot …" in errors: `start container "4f1e"`. */
  readonly act: string;
  readonly query?: Query;
  /** A stream is sent as a tar archive, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses from 300 on that are answers rather than errors. */
  readonly allow?: readonly number[];
  /** Longest wait for the answer, in milliseconds. @default {30000} */
  readonly deadlineMs?: number;
  readonly signal: AbortSignal;
}

/** The engine's answer, its JSON parsed; `undefined` when there was no body. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Where an engine listens. */
type Address =
  | { readonly transport: "unix"; readonly path: string }
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number };

/** Talks HTTP to one engine. */
export class EngineTransport implements Disposable {
  /** As given: `unix:///var/run/docker.sock`. */
  readonly host: string;
  readonly #address: Address;
  readonly #client: Deno.HttpClient;
  readonly #closed = new AbortController();
  #version: string | undefined;
  #negotiation: Promise<string> | undefined;

  /** @throws {MaelstromError} invalid: `host` is neither `unix:///path` nor `tcp://host:port` */
  constructor(host: string) {
    this.host = host;
    this.#address = parseHost(host);
    // As a proxy rather than in the URL, so that HTTP_PROXY does not apply and no port is barred.
    // A connection per call: on a kept one fetch would send a POST again that found it closed, and
    // create a container twice. It costs 0.1 ms.
    this.#client = Deno.createHttpClient({ proxy: this.#address, poolMaxIdlePerHost: 0 });
  }

  /**
   * Asks and reads the whole answer.
   *
   * @throws {MaelstromError} engine_unavailable: no answer, or the engine failed (5xx)
   * @throws {MaelstromError} not_found: the engine said 404
   * @throws {MaelstromError} invalid: the engine refused (any other 4xx)
   */
  async call(call: EngineCall): Promise<EngineAnswer> {
    return await this.#guard(call, async (signal) => {
      const response = await this.#fetch(call, signal);
      const text = await response.text();
      return { status: response.status, body: parseJson(text, call.act) };
    });
  }

  /**
   * Asks and hands the answer over while its body is still arriving; only its head has a deadline.
   * The caller reads or cancels the body.
   *
   * @throws {MaelstromError} as {@linkcode EngineTransport.call}
   */
  async open(call: EngineCall): Promise<Response> {
    return await this.#guard(call, (signal) => this.#fetch(call, signal));
  }

  /** A raw connection to the engine, for what HTTP cannot carry. */
  async dial(act: string, signal: AbortSignal): Promise<Deno.Conn> {
    signal.throwIfAborted();
    try {
      return this.#address.transport === "unix"
        ? await Deno.connect(this.#address)
        : await Deno.connect({ ...this.#address, signal });
    } catch (error) {
      throw this.failure(error, act, signal);
    }
  }

  /** The path with the version both sides speak: `/v1.41/containers/json`. */
  async versioned(path: string, signal: AbortSignal): Promise<string> {
    const version = this.#version ?? await this.#negotiated(signal);
    return `/v${version}${path}`;
  }

  /**
   * What to throw when a conversation broke with `error`: the reason of the abort, the error when
   * it already is ours, else engine_unavailable. The version is asked for again next time, since
   * the engine that comes back may be another one.
   */
  failure(error: unknown, act: string, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof MaelstromError || isAbort(error)) return error;
    this.#version = undefined;
    const reason = plainReason(error);
    return new MaelstromError(
      "engine_unavailable",
      `Cannot reach Docker at ${this.host}: ${reason}`,
      { act },
      { cause: error },
    );
  }

  /** Ends the client. Calls under way end by their own signals. */
  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#client.close();
  }

  async #guard<T>(call: EngineCall, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { act, signal, deadlineMs = DEADLINE_MS } = call;
    try {
      return await withDeadline(deadlineMs, signal, work, () => this.#late(act, deadlineMs));
    } catch (error) {
      throw this.failure(error, act, signal);
    }
  }

  #late(act: string, deadlineMs: number): MaelstromError {
    this.#version = undefined;
    return new MaelstromError(
      "engine_unavailable",
      `Cannot ${act}: no answer from Docker at ${this.host} within ${deadlineMs / 1000} s`,
    );
  }

  async #fetch(call: EngineCall, signal: AbortSignal): Promise<Response> {
    const path = await this.versioned(call.path, signal);
    const response = await this.#send(path, call, signal);
    if (response.ok || call.allow?.includes(response.status)) return response;
    throw this.#refusal(response.status, await response.text(), call.act);
  }

  async #send(path: string, call: EngineCall, signal: AbortSignal): Promise<Response> {
    const { method, body } = call;
    const stream = body instanceof ReadableStream;
    const type = stream ? "application/x-tar" : "application/json";
    return await fetch(`${BASE_URL}${path}${queryText(call.query)}`, {
      client: this.#client,
      method,
      redirect: "manual",
      headers: { ...(body === undefined ? {} : { "content-type": type }), ...call.headers },
      body: body === undefined ? null : stream ? body : JSON.stringify(body),
      signal,
    });
  }

  #refusal(status: number, text: string, act: string): MaelstromError {
    const message = engineMessage(text);
    // Another engine answers than the one we agreed with: the next attempt asks again.
    if (status === 400 && /client version \S+ is too (new|old)/.test(message)) {
      this.#version = undefined;
      return new MaelstromError("engine_unavailable", `Cannot ${act}: ${message}`, { status });
    }
    return engineError(status, text, act);
  }

  async #negotiated(signal: AbortSignal): Promise<string> {
    this.#negotiation ??= this.#negotiate().finally(() => this.#negotiation = undefined);
    return await unlessAborted(this.#negotiation, signal);
  }

  /** Shared by all callers that wait for it, so no single caller's signal may end it. */
  async #negotiate(): Promise<string> {
    const act = "ask Docker for its version";
    const call: EngineCall = {
      method: "GET",
      path: "/version",
      act,
      deadlineMs: NEGOTIATION_DEADLINE_MS,
      signal: this.#closed.signal,
    };
    const answer = await this.#guard(call, async (signal) => {
      const response = await this.#send(call.path, call, signal);
      const text = await response.text();
      if (!response.ok) throw engineError(response.status, text, act);
      return parseJson(text, act) as { ApiVersion?: string; MinAPIVersion?: string } | undefined;
    });
    this.#version = chooseVersion(answer?.ApiVersion, answer?.MinAPIVersion);
    return this.#version;
  }
}

/**
 * The API version to speak with an engine that offers `newest` down to `oldest`.
 *
 * @throws {MaelstromError} engine_unavailable: there is none both sides know
 */
export function chooseVersion(newest: string | undefined, oldest: string | undefined): string {
  if (!newest || !/^\d+\.\d+$/.test(newest)) {
    const found = JSON.stringify(newest ?? null);
    throw new MaelstromError(
      "engine_unavailable",
      `Cannot use Docker: its API version is ${found}`,
    );
  }
  if (compareVersions(newest, VERSION_MIN) < 0) {
    throw new MaelstromError(
      "engine_unavailable",
      `Cannot use Docker: it speaks API ${newest}, oldest supported is ${VERSION_MIN}`,
    );
  }
  if (oldest && compareVersions(VERSION_MAX, oldest) < 0) {
    throw new MaelstromError(
      "engine_unavailable",
      `Cannot use Docker: it demands API ${oldest}, newest supported is ${VERSION_MAX}`,
    );
  }
  return compareVersions(newest, VERSION_MAX) < 0 ? newest : VERSION_MAX;
}

/** True when `version` is at least `other`, part by part: 1.9 is older than 1.41. */
export function isAtLeast(version: string, other: string): boolean {
  return compareVersions(version, other) >= 0;
}

/** The engine's refusal as ours: 404 not_found, other 4xx invalid, else engine_unavailable. */
export function engineError(
  status: number,
  text: string,
  act: string,
  detail: Readonly<Record<string, unknown>> = {},
): MaelstromError {
  const code = status === 404
    ? "not_found"
    : status >= 400 && status < 500
    ? "invalid"
    : "engine_unavailable";
  const message = engineMessage(text) || `status ${status}`;
  return new MaelstromError(code, `Cannot ${act}: ${message}`, { status, ...detail });
}

/** `?name=value&…`, or nothing. */
export function queryText(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  return params.size > 0 ? `?${params}` : "";
}

function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}

function parseHost(host: string): Address {
  const path = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (path) return { transport: "unix", path };
  const tcp = /^tcp:\/\/(\[[0-9a-f:]+\]|[^:/[\]]+):(\d{1,5})\/?$/i.exec(host);
  if (tcp?.[1] && Number(tcp[2]) >= 1 && Number(tcp[2]) <= 65535) {
    return { transport: "tcp", hostname: tcp[1].replace(/^\[|\]$/g, ""), port: Number(tcp[2]) };
  }
  throw new MaelstromError(
    "invalid",
    `Cannot use Docker host "${host}": must be unix:///path or tcp://host:port`,
  );
}

/** What the engine said in a refusal, on one line. */
export function engineMessage(text: string): string {
  try {
    const parsed = JSON.parse(text) as { message?: unknown };
    if (typeof parsed?.message === "string") return parsed.message.replaceAll(/\s*\n\s*/g, " ");
  } catch {
    // Not JSON: a proxy's page or plain text, shown as it is.
  }
  return text.trim().slice(0, 500);
}

function parseJson(text: string, act: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MaelstromError(
      "engine_unavailable",
      `Cannot ${act}: the answer is not JSON`,
      undefined,
      { cause },
    );
  }
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/no such file/i, "no such file"],
  [/permission denied/i, "permission denied"],
  [/connection refused/i, "connection refused"],
  [/dns error|failed to lookup/i, "unknown host name"],
  [
    /before message completed|reset|broken pipe|reading a body|unexpected eof|end of file/i,
    "it closed the connection early",
  ],
];

/** fetch hides its reason in the text of the cause; there is no code to match on. */
function plainReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = messageOf(cause);
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}
