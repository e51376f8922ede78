/**
 * What is known of the request that a client connection is answering, and how it fails. One object
 * serves every request of its connection in turn. Owns no loop: the connection drives it, and
 * forwarding works on it.
 * @module
 */
import { hostOf, isAuthority, latin1 } from "./bytes.ts";
import { NEVER, ticksFor } from "./clock.ts";
import { ExchangeAborted, type ForwardResult } from "./exchange.ts";
import { DONE, Head } from "./head.ts";
import type { HttpLimits } from "./limits.ts";
import type { Line } from "./line.ts";
import { BUFFER_BYTES } from "./pages.ts";
import { RequestBody } from "./request_body.ts";
import type { SecureConn, TlsFacts } from "./secure.ts";
import type { UpstreamConnection } from "./upstream.ts";
import { type Bytes, Wire } from "./wire.ts";

/** Where a connection stands. */
export type State =
  /** Waits for a request or reads its head. */
  | "reading"
  /** The handler has it, nothing is answered. */
  | "open"
  /** Being forwarded. */
  | "forwarding"
  /** The answer has gone out whole. */
  | "answered"
  /** Bytes go through in both directions. */
  | "upgraded"
  /** Reads and forgets until the client ends. */
  | "lingering";

/** Why an exchange cannot go on. */
export type Failure =
  | "client_left"
  | "client_stalled"
  | "malformed_body"
  | "deadline"
  | "upstream_stalled"
  | "body_too_large"
  | "server_cut";

/** Protocols that would let a client speak HTTP behind our back, or that end at us. */
const TUNNELS_REFUSED = /^(h2c|http|tls)\b/i;

/** The facts of the request being answered. For the engine only; handlers see `Exchange`. */
export class ClientExchange {
  readonly wire: Wire;
  readonly head: Head;
  readonly body = new RequestBody();
  readonly limits: HttpLimits;
  readonly clientAddress: string;
  readonly localPort: number;
  /** What TLS said of the connection; undefined without TLS. */
  readonly tls: TlsFacts | undefined;
  /** Ticks without progress of a body after which it has stalled. */
  readonly bodyTicks: number;

  state: State = "reading";
  failure: Failure | undefined;
  /** Holds the head while the wire reads on elsewhere. */
  headBytes: Bytes;
  /** Part of a final answer went out. */
  begun = false;
  /** The connection serves another request after this one. */
  keep = false;
  /** The server is draining: answers carry `Connection: close`. */
  draining = false;
  /** `performance.now()` by which forwarding must have ended. */
  deadline = Infinity;
  up: UpstreamConnection | undefined;
  connecting: AbortController | undefined;
  /** An interim answer on its way; the final one waits for it. */
  interim: Promise<void> | undefined;
  /** Origin form of an absolute target; "" when it came so. */
  targetOverride = "";
  /** Authority of an absolute target; "" when Host holds. */
  hostOverride = "";

  #abort: AbortController | undefined;
  #method = "";
  #target = "";
  #path = "";
  #hostText = "";
  #hostName = "";

  constructor(conn: Line, limits: HttpLimits) {
    this.wire = new Wire(conn, BUFFER_BYTES, limits.bodyIdleMs);
    this.headBytes = this.wire.buf;
    this.head = new Head("request", limits);
    this.limits = limits;
    this.bodyTicks = ticksFor(limits.bodyIdleMs);
    const { remoteAddr, localAddr } = conn;
    const address = "hostname" in remoteAddr ? remoteAddr.hostname : "";
    this.clientAddress = address.startsWith("::ffff:") ? address.slice(7) : address;
    this.localPort = "port" in localAddr ? localAddr.port : 0;
    this.tls = "tls" in conn ? (conn as SecureConn).tls : undefined;
  }

  get method(): string {
    const { start, methodEnd } = this.head;
    if (!equalsText(this.headBytes, start, methodEnd, this.#method)) {
      this.#method = latin1(this.headBytes, start, methodEnd);
    }
    return this.#method;
  }

  get target(): string {
    if (this.targetOverride) return this.targetOverride;
    const { targetStart, targetEnd } = this.head;
    // Requests of one connection often repeat what the last one said: its strings are kept.
    if (!equalsText(this.headBytes, targetStart, targetEnd, this.#target)) {
      this.#target = latin1(this.headBytes, targetStart, targetEnd);
      this.#path = pathOf(this.#target);
    }
    return this.#target;
  }

  get path(): string {
    const target = this.target;
    return this.targetOverride ? pathOf(target) : this.#path;
  }

  get host(): string {
    if (this.hostOverride) return hostOf(this.hostOverride);
    return this.hostField ? this.#hostName : "";
  }

  /** Host, or the absolute target's authority, as it came; "" when there is none. */
  get hostField(): string {
    const { head } = this;
    if (this.hostOverride) return this.hostOverride;
    if (head.hostIndex < 0) return "";
    const start = head.valueStart(head.hostIndex);
    const end = head.valueEnd(head.hostIndex);
    if (!this.#hostText || !equalsText(this.headBytes, start, end, this.#hostText)) {
      this.#hostText = latin1(this.headBytes, start, end);
      this.#hostName = hostOf(this.#hostText);
    }
    return this.#hostText;
  }

  get secure(): boolean {
    return this.tls !== undefined;
  }

  get misdirected(): boolean {
    return this.tls !== undefined && this.tls.misdirects(this.host);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    this.#abortIfOver();
    return this.#abort.signal;
  }

  get upgrade(): boolean {
    const { head } = this;
    if (!head.wantsUpgrade || head.upgradeIndex < 0 || head.minor === 0 || this.body.present) {
      return false;
    }
    return !TUNNELS_REFUSED.test(this.upgradeToken);
  }

  /** The protocol asked for: the first Upgrade field, lower-case. */
  get upgradeToken(): string {
    const { head } = this;
    const index = head.upgradeIndex;
    if (index < 0) return "";
    return latin1(this.headBytes, head.valueStart(index), head.valueEnd(index)).toLowerCase();
  }

  header(name: string): string | undefined {
    // An absolute target's authority replaces Host, for whoever asks (RFC 9112 §3.2.2).
    if (this.hostOverride && name === "host") return this.hostOverride;
    return this.head.value(this.headBytes, name);
  }

  /** True for HEAD, whose answer has no body. */
  get isHead(): boolean {
    return this.methodIs("head");
  }

  /** True when the method is `name`, given in lower case; methods are compared as they are. */
  methodIs(name: string): boolean {
    const { start, methodEnd } = this.head;
    return methodEnd - start === name.length && this.headBytes[start]! < 91 &&
      equalsText(this.headBytes, start, methodEnd, name.toUpperCase());
  }

  /** Forgets the last request before its successor is read. */
  forget(): void {
    this.state = "reading";
    this.begun = this.keep = false;
    this.deadline = Infinity;
    this.interim = undefined;
    this.targetOverride = this.hostOverride = "";
    this.#abort = undefined;
  }

  /**
   * Checks what {@linkcode Head} alone cannot, and reduces an absolute target.
   *
   * @returns DONE, or the status that refuses the request; `head.problem` says why
   */
  checkRequest(): number {
    const { head, headBytes } = this;
    if (this.methodIs("connect")) return this.#refuse(501, "CONNECT is not offered");
    if (head.expect === "unknown") return this.#refuse(417, "unknown expectation");
    const host = head.hostIndex;
    if (host < 0) {
      if (head.minor > 0) return this.#refuse(400, "missing Host");
    } else if (!isAuthority(headBytes, head.valueStart(host), head.valueEnd(host))) {
      return this.#refuse(400, "invalid Host");
    }
    const first = headBytes[head.targetStart];
    if (first === 47) return DONE;
    if (first === 42 && head.targetEnd - head.targetStart === 1) {
      return this.methodIs("options") ? DONE : this.#refuse(400, "malformed target");
    }
    return this.#reduceAbsolute();
  }

  #reduceAbsolute(): number {
    const { head, headBytes } = this;
    const raw = latin1(headBytes, head.targetStart, head.targetEnd);
    const match = /^https?:\/\/([^/?]+)(.*)$/i.exec(raw);
    if (!match) return this.#refuse(400, "malformed target");
    const authority = match[1]!;
    const rest = match[2]!;
    const start = head.targetStart + raw.indexOf("//") + 2;
    if (!isAuthority(headBytes, start, start + authority.length)) {
      return this.#refuse(400, "invalid authority");
    }
    this.hostOverride = authority;
    this.targetOverride = rest.startsWith("/") ? rest : `/${rest}`;
    return DONE;
  }

  #refuse(status: number, problem: string): number {
    this.head.problem = problem;
    return status;
  }

  /** Settles whether another request may follow, and gives the value of Connection to send. */
  decideKeep(delimited: boolean): string {
    const { head } = this;
    const wanted = head.minor > 0 ? !head.close : head.keepAlive && !head.close;
    this.keep = wanted && delimited && this.body.received && !this.draining;
    if (!this.keep) return "close";
    return head.minor > 0 ? "" : "keep-alive";
  }

  /** Ends what is under way: waits of the handler, the connect, the upstream connection. */
  fail(failure: Failure): void {
    if (this.failure) return;
    this.failure = failure;
    this.connecting?.abort(new DOMException("Connect aborted", "AbortError"));
    this.up?.close();
    // What went out cannot be taken back; not ending it properly is how the client learns of it.
    if (this.begun || this.state === "upgraded") this.wire.close();
    this.#abortIfOver();
  }

  #abortIfOver(): void {
    if (!this.#abort || this.#abort.signal.aborted) return;
    if (this.failure === "server_cut") this.#abort.abort(new ExchangeAborted("server_cut"));
    else if (this.failure && this.isOver) this.#abort.abort(new ExchangeAborted("client_left"));
  }

  /** True when the client cannot be given an answer by the handler any more. */
  get isOver(): boolean {
    return this.failure !== undefined && this.failure !== "deadline" &&
      this.failure !== "upstream_stalled" && this.failure !== "body_too_large";
  }

  /** The result by which forwarding ends after {@linkcode fail}. */
  resultOfFailure(): ForwardResult {
    if (this.begun && this.failure !== "client_left" && this.failure !== "client_stalled") {
      return { kind: "cut" };
    }
    if (this.failure === "body_too_large") return { kind: "too_large" };
    return this.isOver ? { kind: "client_left" } : { kind: "timed_out" };
  }

  /** Limits of the client's side and of the upstream in use. */
  checkLimits(tick: number, nowMs: number): void {
    const { wire, up } = this;
    if (this.state === "lingering" || this.state === "reading") {
      if (wire.outBy <= tick) wire.close();
      return;
    }
    up?.hurryIfAbandoned(tick);
    if (wire.outBy <= tick) {
      wire.outBy = NEVER;
      this.fail("client_stalled");
      wire.close();
    } else if (wire.inBy <= tick) {
      wire.inBy = NEVER;
      this.fail("client_stalled");
    } else if (this.state === "forwarding" && nowMs >= this.deadline) {
      this.fail("deadline");
    } else if (up && (up.inBy <= tick || up.outBy <= tick)) {
      this.fail("upstream_stalled");
    }
  }
}

function equalsText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}
