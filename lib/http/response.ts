/**
 * Passes a response back to the client: frames its body anew where the two sides differ, at the
 * pace of the slower. A body that breaks off is never ended cleanly.
 *
 * Source: RFC 9112 §6, §7; RFC 9110 §15.2.
 * @module
 */
import { CHUNK_FRAME_BYTES, ChunkedDecoder, putChunk } from "./chunked.ts";
import { putBytes } from "./bytes.ts";
import type { ClientExchange } from "./client_exchange.ts";
import { clock, NEVER, ticksFor } from "./clock.ts";
import type { ForwardOptions, ForwardResult } from "./exchange.ts";
import { putResponseHead, type ResponseChanges, responseHeadBound } from "./head_writer.ts";
import { borrow, giveBack, PAGE_BYTES } from "./pages.ts";
import { pieceTurn } from "./turns.ts";
import type { UpstreamConnection } from "./upstream.ts";
import type { Bytes } from "./wire.ts";

/** How passing a response ended. */
export type ResponseEnd =
  | { readonly kind: "done"; readonly reusable: boolean }
  | ForwardResult & { readonly kind: "gone" | "cut" | "client_left" | "timed_out" };

const REUSABLE: ResponseEnd = { kind: "done", reusable: true };
const SPENT: ResponseEnd = { kind: "done", reusable: false };
const CUT: ResponseEnd = { kind: "cut" };

/** Passes an interim (1xx) answer on and readies `up` for the next head. */
export async function passInterim(client: ClientExchange, up: UpstreamConnection): Promise<void> {
  const { head } = up;
  const end = head.end;
  if (client.head.minor > 0) {
    const changes: ResponseChanges = {
      add: "",
      keepLength: false,
      chunked: false,
      connection: "",
      keepUpgrade: false,
    };
    const page = new Uint8Array(responseHeadBound(head, changes));
    const length = putResponseHead(page, 0, up.buf, head, changes);
    await client.interim;
    await send(client, page, length);
  }
  up.start = end;
  head.begin(end);
}

/** Sends to the client; a failure is the client's leaving. */
async function send(client: ClientExchange, page: Bytes, length: number): Promise<void> {
  client.wire.load(page, length);
  client.wire.send();
  await client.wire.sending;
  if (client.wire.writeError) client.fail("client_left");
}

/** The final response whose head `up` has just parsed, on its way. */
export class ResponsePassage {
  readonly #client: ClientExchange;
  readonly #up: UpstreamConnection;
  readonly #options: ForwardOptions;
  /** How the upstream delimits the body. */
  readonly #framing: "none" | "length" | "chunked" | "close";
  /** The client gets it chunked. */
  readonly #chunked: boolean;
  #remaining: number;
  #decoder: ChunkedDecoder | undefined;
  #done: boolean;

  constructor(client: ClientExchange, up: UpstreamConnection, options: ForwardOptions) {
    this.#client = client;
    this.#up = up;
    this.#options = options;
    const { head } = up;
    const bodiless = client.isHead || head.status === 204 || head.status === 304;
    this.#framing = bodiless
      ? "none"
      : head.chunked
      ? "chunked"
      : head.contentLength >= 0
      ? "length"
      : "close";
    if (this.#framing === "chunked") this.#decoder = new ChunkedDecoder();
    this.#remaining = this.#framing === "length" ? head.contentLength : 0;
    this.#done = this.#framing === "none" || (this.#framing === "length" && this.#remaining === 0);
    this.#chunked = client.head.minor > 0 &&
      (this.#framing === "chunked" || this.#framing === "close");
  }

  /**
   * Loads the client's wire with the head and what has arrived of the body: mostly all there is. That
   * has to be sent next, and waited for.
   *
   * @returns false when the body's framing is malformed
   */
  begin(): boolean {
    const client = this.#client;
    const up = this.#up;
    const changes = this.#changes();
    const unread = up.end - up.start;
    const page = borrow(responseHeadBound(up.head, changes) + unread + CHUNK_FRAME_BYTES);
    const length = this.#take(page, putResponseHead(page, 0, up.buf, up.head, changes));
    if (length < 0) {
      giveBack(page);
      return false;
    }
    client.begun = true;
    if (!this.#done) this.#listen();
    client.wire.load(page, length);
    return true;
  }

  /** How it ended, with what {@linkcode begin} loaded; undefined when there is more to pass. */
  end(): ResponseEnd | undefined {
    const client = this.#client;
    if (client.wire.writeError) client.fail("client_left");
    if (client.failure) return ending(client);
    return this.#done ? this.#finish() : undefined;
  }

  /** Passes the rest at the pace of the slower side. */
  async rest(): Promise<ResponseEnd> {
    if (await this.#passRest()) return this.#finish();
    return this.#client.failure ? ending(this.#client) : CUT;
  }

  #changes(): ResponseChanges {
    const delimited = this.#framing !== "close" && this.#framing !== "chunked" || this.#chunked;
    const { status } = this.#up.head;
    return {
      add: this.#options.addToResponse ?? "",
      keepLength: this.#framing === "length" || (this.#framing === "none" && status !== 204),
      chunked: this.#chunked,
      connection: this.#client.decideKeep(delimited),
      keepUpgrade: false,
    };
  }

  /** Passes what has not arrived yet. False when the upstream broke off. */
  async #passRest(): Promise<boolean> {
    const client = this.#client;
    const up = this.#up;
    const { responseIdleMs } = this.#options;
    const ticks = responseIdleMs === undefined ? client.bodyTicks : ticksFor(responseIdleMs);
    while (!this.#done) {
      if (up.start === up.end) {
        if (up.ended) {
          if (this.#framing !== "close" || up.error) return false;
          this.#done = true;
        } else {
          this.#listen();
          up.inBy = clock.tick + ticks;
          await up.pending;
          up.inBy = NEVER;
          if (client.failure) return false;
          if (up.start === up.end) continue;
        }
      }
      await pieceTurn();
      if (client.failure) return false;
      const page = borrow(up.end - up.start + CHUNK_FRAME_BYTES);
      const length = this.#take(page, 0);
      if (length < 0) return false;
      if (!this.#done) this.#listen();
      if (length > 0) await send(client, page, length);
      else giveBack(page);
      if (client.failure) return false;
    }
    return true;
  }

  /** Moves what has arrived to `page` at `at`, framed; -1 when its framing is malformed. */
  #take(page: Uint8Array, at: number): number {
    const up = this.#up;
    const start = up.start;
    let end = up.end;
    if (this.#framing === "chunked") {
      const decoder = this.#decoder!;
      if (!decoder.decode(up.buf, start, end)) return -1;
      end = decoder.dataEnd;
      up.start = decoder.consumed;
      this.#done = decoder.done;
    } else if (this.#framing === "close") {
      up.start = end;
    } else {
      end = start + Math.min(this.#remaining, end - start);
      this.#remaining -= end - start;
      up.start = end;
      this.#done = this.#remaining === 0;
    }
    return this.#chunked
      ? putChunk(page, at, up.buf, start, end, this.#done)
      : putBytes(page, at, up.buf, start, end);
  }

  /** Begins the next read; a body that fills the small buffer gets a page. */
  #listen(): void {
    const up = this.#up;
    if (up.reading || up.ended) return;
    const full = up.end === up.buf.length;
    up.compact();
    if (full && up.end === 0 && up.buf.length < PAGE_BYTES) up.useBuffer(borrow(PAGE_BYTES));
    up.beginRead();
  }

  #finish(): ResponseEnd {
    const up = this.#up;
    const { head } = up;
    const clean = !up.reading && up.start === up.end && !up.ended && this.#framing !== "close";
    if (!clean) return SPENT;
    const page = up.reset();
    if (page) giveBack(page);
    return (head.minor > 0 ? !head.close : head.keepAlive && !head.close) ? REUSABLE : SPENT;
  }
}

function ending(client: ClientExchange): ResponseEnd {
  return client.resultOfFailure() as ResponseEnd;
}
