/**
 * Sends the rest of a request's body to the upstream while the answer may already be coming back.
 * Copies each piece, so that the next is read while this one is sent: the client is always listened
 * to, and memory stays at two pages.
 * @module
 */
import { CHUNK_FRAME_BYTES, putChunk } from "./chunked.ts";
import { putBytes, putLatin1 } from "./bytes.ts";
import type { ClientExchange } from "./client_exchange.ts";
import { clock, NEVER } from "./clock.ts";
import { borrow, BUFFER_BYTES, giveBack, PAGE_BYTES } from "./pages.ts";
import { pieceTurn } from "./turns.ts";
import type { UpstreamConnection } from "./upstream.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** The sending of one body. */
export class Upload {
  /** The whole body was taken by the system for sending. */
  sent = false;
  /** Nobody wants the rest. */
  #abandoned = false;
  readonly #client: ClientExchange;
  readonly #up: UpstreamConnection;

  readonly #bytesMax: number;

  constructor(client: ClientExchange, up: UpstreamConnection, bytesMax: number) {
    this.#client = client;
    this.#up = up;
    this.#bytesMax = bytesMax;
  }

  /** Leaves what has not been sent. The client's bytes stay where they are. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Sends until the body ends, the upstream breaks, or it is abandoned. Never rejects. */
  async run(): Promise<void> {
    const { body, wire } = this.#client;
    try {
      this.#answerExpectation();
      while (!body.received || body.hasPiece) {
        if (!body.hasPiece && !(await this.#nextPiece())) return;
        await pieceTurn();
        if (this.#abandoned) return;
        await this.#sendPiece();
        if (this.#abandoned) return;
      }
      this.sent = true;
    } catch {
      // The upstream took no more. Its answer, if any, is still being read and decides.
      if (!this.#abandoned) wire.inBy = NEVER;
    }
  }

  /**
   * Expect: 100-continue ends here: the body is asked for when somebody is there to take it, which
   * after a cold start is late. A client that sent some of it already needs no answer.
   */
  #answerExpectation(): void {
    const { head, wire, body, begun } = this.#client;
    const waits = head.expect === "continue" && head.minor > 0 && !body.hasPiece &&
      wire.start === wire.end;
    if (!waits || begun) return;
    const bytes = new Uint8Array(CONTINUE.length);
    putLatin1(bytes, 0, CONTINUE);
    this.#client.interim = wire.write(bytes).catch(() => this.#client.fail("client_left"));
  }

  /** Waits for bytes and decodes them. False when there is nothing to go on with. */
  async #nextPiece(): Promise<boolean> {
    const { wire, body, bodyTicks } = this.#client;
    for (;;) {
      if (!body.decode(wire)) {
        this.#client.fail("malformed_body");
        return false;
      }
      if (body.bytes > this.#bytesMax) {
        this.#client.fail("body_too_large");
        return false;
      }
      if (body.hasPiece || body.received) break;
      if (wire.ended) return false;
      this.#listen();
      wire.inBy = clock.tick + bodyTicks;
      await wire.pending;
      if (this.#abandoned) return false;
      wire.inBy = NEVER;
    }
    return true;
  }

  async #sendPiece(): Promise<void> {
    const { wire, body } = this.#client;
    const page = borrow(body.pieceEnd - body.pieceStart + CHUNK_FRAME_BYTES);
    const end = body.chunked
      ? putChunk(page, 0, wire.buf, body.pieceStart, body.pieceEnd, body.received)
      : putBytes(page, 0, wire.buf, body.pieceStart, body.pieceEnd);
    body.take();
    this.#listen();
    if (end === 0) return giveBack(page);
    await this.#up.write(page, end);
  }

  /** Keeps a read under way: more of the body, or the next request, or the client's leaving. */
  #listen(): void {
    const { wire, body } = this.#client;
    if (wire.reading || body.hasPiece) return;
    // A body that trickles needs no page.
    const isFull = wire.end === wire.buf.length;
    wire.compact();
    if (!body.received && isFull && wire.end === 0 && wire.buf.length < PAGE_BYTES) {
      const small = wire.buf;
      wire.useBuffer(borrow(PAGE_BYTES));
      giveBack(small);
    } else if (body.received && wire.buf.length >= PAGE_BYTES) {
      leavePage(this.#client);
    }
    wire.beginRead();
  }
}

/** Goes back from a page to a small buffer; what follows the body moves along. */
export function leavePage(client: ClientExchange): void {
  const { wire } = client;
  const page = wire.buf;
  const unread = wire.end - wire.start;
  wire.useBuffer(unread < BUFFER_BYTES ? borrow(unread) : new Uint8Array(unread + BUFFER_BYTES));
  giveBack(page);
}
