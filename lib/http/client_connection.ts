/**
 * One client's connection: reads a request, has it answered, and begins again. While an answer is
 * outstanding one read is under way, the same that will bring the next request; so the client's
 * leaving is noticed wherever its request waits.
 *
 * Source: RFC 9112 §9.
 * @module
 */
import type { Log } from "../log.ts";
import { ClientExchange } from "./client_exchange.ts";
import { clock, NEVER, ticksFor } from "./clock.ts";
import type { Exchange, ForwardOptions, ForwardResult, Handler, Reply } from "./exchange.ts";
import { forwardExchange } from "./forward.ts";
import { DONE, MORE } from "./head.ts";
import { encodeReply } from "./head_writer.ts";
import type { HttpLimits } from "./limits.ts";
import type { Line } from "./line.ts";
import { borrow, BUFFER_BYTES, giveBack } from "./pages.ts";
import { leavePage } from "./upload.ts";
import type { Upstream } from "./upstream.ts";
import type { Bytes } from "./wire.ts";

/** What a connection needs of its server. */
export interface ConnectionContext {
  readonly handler: Handler;
  readonly log: Log;
  readonly limits: HttpLimits;
  errorReply(status: number, reason: string, exchange: Exchange | undefined): Reply;
}

/** Longest time and most bytes spent on reading what a refused client still sends. */
const LINGER_MS = 2_000;
const LINGER_BYTES_MAX = 1024 * 1024;

/** A connection, and the exchange of whichever request it is answering. */
export class ClientConnection extends ClientExchange implements Exchange {
  readonly #context: ConnectionContext;
  readonly #idleTicks: number;
  readonly #headTicks: number;
  /** The head's own time runs; before, it was the idle connection's. */
  #headBegun = false;

  constructor(conn: Line, context: ConnectionContext) {
    super(conn, context.limits);
    this.#context = context;
    this.#idleTicks = ticksFor(context.limits.idleMs);
    this.#headTicks = ticksFor(context.limits.headReadMs);
    this.wire.onInput = () => this.#onInput();
  }

  /** Serves until the connection ends. Never rejects. */
  async run(): Promise<void> {
    try {
      for (;;) {
        let status = this.#beginRequest();
        while (status === MORE) {
          if (!this.#listen()) return;
          await this.wire.pending;
          // It was told 408 meanwhile: what comes now comes too late.
          if (this.state !== "reading") return;
          status = this.#parseHead();
        }
        if (status !== DONE) return await this.#refuseRequest(status);
        try {
          const answering = this.#context.handler(this);
          if (answering) await answering;
        } catch (error) {
          this.#onHandlerError(error);
        }
        if (this.state === "open" && !this.isOver) {
          await this.#answerError(500, "handler gave no answer", this);
        }
        if (!this.#renew()) return await this.#end();
      }
    } catch (error) {
      this.#context.log.error("http connection failed", { error });
    } finally {
      this.wire.close();
    }
  }

  /** Answers 503 without reading: there are too many. Never rejects. */
  async refuse(reason: string): Promise<void> {
    try {
      await this.#answerError(503, reason, undefined);
      await this.#linger();
    } catch (error) {
      this.#context.log.error("http connection failed", { error });
    } finally {
      this.wire.close();
    }
  }

  /** Closes now if no request is being read or answered, else after the answer. */
  drain(): void {
    this.draining = true;
    if (this.state === "reading" && this.wire.end === this.wire.start) this.wire.close();
  }

  /** Ends the connection and what it is doing. */
  cut(): void {
    this.fail("server_cut");
    this.wire.close();
  }

  /** Looks at its limits; called once a tick. */
  onTick(tick: number, nowMs: number): void {
    this.checkLimits(tick, nowMs);
    const { wire, state } = this;
    if (wire.inBy > tick) return;
    wire.inBy = NEVER;
    if (state === "reading" && wire.end > wire.start && !wire.closed) {
      void this.#answerError(408, "request head too slow", undefined).finally(() => wire.close());
    } else {
      wire.close();
    }
  }

  async respond(reply: Reply): Promise<void> {
    if (this.state !== "open") throw new Error(`Cannot respond: exchange is ${this.state}`);
    const bytes = encodeReply(reply, this.decideKeep(true), !this.isHead);
    this.state = "answered";
    if (this.isOver) return;
    this.begun = true;
    await this.#write(bytes);
  }

  forward(upstream: Upstream, options: ForwardOptions): Promise<ForwardResult> {
    return forwardExchange(this, upstream, options);
  }

  #onInput(): void {
    const { wire, state } = this;
    if (wire.ended) {
      if (state === "open" || state === "forwarding") this.fail("client_left");
    } else if (state === "open") {
      // While it waits, what it sends is taken as far as the buffer goes: behind it may be its end.
      wire.beginRead();
    }
  }

  /** Makes ready for a request, which may be here already; see {@linkcode #parseHead}. */
  #beginRequest(): number {
    const { wire } = this;
    this.head.begin(wire.start);
    wire.inBy = clock.tick + this.#idleTicks;
    this.#headBegun = false;
    return this.#parseHead();
  }

  /** Goes on with the head: DONE when the exchange is open, MORE, or the status that refuses it. */
  #parseHead(): number {
    const { wire, head } = this;
    if (wire.end === wire.start) return MORE;
    const result = head.parse(wire.buf, wire.end);
    if (result === DONE) {
      wire.inBy = NEVER;
      wire.start = head.end;
      return this.#accept();
    }
    if (result === MORE && !this.#headBegun) {
      this.#headBegun = true;
      wire.inBy = clock.tick + this.#headTicks;
    }
    return result;
  }

  /** Has more of the head read; false when the connection is over. */
  #listen(): boolean {
    const { wire } = this;
    if (wire.ended || wire.closed || (this.draining && wire.end === wire.start)) return false;
    this.#growIfFull();
    wire.beginRead();
    return true;
  }

  /** Sets the head aside, starts on the body, and listens on; DONE, or the status that refuses. */
  #accept(): number {
    const { wire, head, body } = this;
    this.headBytes = wire.buf;
    const status = this.checkRequest();
    if (status !== DONE) return status;
    this.#setHeadAside();
    body.begin(head);
    if (!body.decode(wire)) {
      head.problem = "malformed chunk";
      return 400;
    }
    this.state = "open";
    if (!body.hasPiece) wire.compact();
    wire.beginRead();
    return DONE;
  }

  /** Lets head and unread bytes live in different buffers, so that reading may go on. */
  #setHeadAside(): void {
    const { wire, head } = this;
    const unread = wire.end - wire.start;
    if (!wire.reading) {
      wire.useBuffer(
        unread < BUFFER_BYTES ? borrow(BUFFER_BYTES) : new Uint8Array(unread + BUFFER_BYTES),
      );
    } else {
      // A read into this buffer is under way (pipelining), so it is the head that moves.
      this.headBytes = head.end <= BUFFER_BYTES ? borrow(BUFFER_BYTES) : new Uint8Array(head.end);
      this.headBytes.set(wire.buf.subarray(head.start, head.end), head.start);
    }
  }

  #onHandlerError(error: unknown): void {
    if (!this.isOver) this.#context.log.error("http handler failed", { path: this.path, error });
    if (this.begun && this.state !== "answered") this.wire.close();
  }

  /** Forgets an exchange that ended well; false when the connection ends with it. */
  #renew(): boolean {
    const { wire, body } = this;
    if (wire.closed || this.failure || !this.keep || !body.received) return false;
    body.take();
    if (!wire.reading && wire.buf.length > 4 * BUFFER_BYTES) leavePage(this);
    if (this.headBytes !== wire.buf) giveBack(this.headBytes);
    this.headBytes = wire.buf;
    this.forget();
    return true;
  }

  /** What is left to say to a client whose connection ends. */
  async #end(): Promise<void> {
    const { wire, body, failure, begun } = this;
    if (wire.closed) return;
    if (failure === "client_stalled" && !begun) {
      await this.#refuseRequest(408, "request body too slow");
    } else if (failure === "malformed_body" && !begun) {
      await this.#refuseRequest(400, "malformed chunk");
    } else if (!failure && (!body.received || wire.end > wire.start)) {
      await this.#linger();
    }
  }

  /** Nothing behind a refused request is looked at any more. */
  async #refuseRequest(status: number, problem: string = this.head.problem): Promise<void> {
    await this.#answerError(status, problem, undefined);
    await this.#linger();
  }

  async #answerError(
    status: number,
    reason: string,
    exchange: Exchange | undefined,
  ): Promise<void> {
    this.wire.inBy = NEVER;
    const connection = exchange ? this.decideKeep(true) : "close";
    this.state = "answered";
    this.begun = true;
    const withBody = !exchange || !this.isHead;
    let bytes: Bytes;
    try {
      const reply = this.#context.errorReply(status, reason, exchange);
      bytes = encodeReply(reply, connection, withBody);
    } catch (error) {
      this.#context.log.error("http error reply failed", { status, error });
      bytes = encodeReply({ status, headers: [], body: "" }, connection, withBody);
    }
    await this.#write(bytes);
  }

  async #write(bytes: Bytes): Promise<void> {
    try {
      await this.wire.write(bytes);
    } catch {
      this.fail("client_left");
    }
  }

  /**
   * Ends our side and reads on for a while: closing with unread bytes would reset the connection
   * and could take the answer with it.
   */
  async #linger(): Promise<void> {
    const { wire } = this;
    this.state = "lingering";
    wire.inBy = clock.tick + ticksFor(LINGER_MS);
    await wire.endWriting();
    let left = LINGER_BYTES_MAX;
    while (!wire.ended && !wire.closed && left > 0) {
      if (!wire.reading) {
        left -= wire.end - wire.start;
        wire.start = wire.end = 0;
        wire.beginRead();
      }
      await wire.pending;
    }
  }

  #growIfFull(): void {
    const { wire } = this;
    if (wire.reading || wire.end < wire.buf.length) return;
    const larger = new Uint8Array(wire.buf.length * 2);
    larger.set(wire.buf);
    wire.buf = larger;
  }
}
