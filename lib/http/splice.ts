/**
 * Switches protocols: after a matching 101 the bytes of both sides go through unchanged, and each
 * direction ends by itself.
 *
 * Source: RFC 9110 §7.8; RFC 6455 §4.2.2.
 * @module
 */
import { latin1, putBytes } from "./bytes.ts";
import type { ClientExchange } from "./client_exchange.ts";
import { clock, NEVER } from "./clock.ts";
import type { ForwardOptions, ForwardResult } from "./exchange.ts";
import { putResponseHead, type ResponseChanges, responseHeadBound } from "./head_writer.ts";
import { borrow, PAGE_BYTES } from "./pages.ts";
import { pieceTurn } from "./turns.ts";
import type { UpstreamConnection } from "./upstream.ts";
import type { Wire } from "./wire.ts";

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Passes the 101 in `up` on and the bytes after it, until both directions have ended.
 *
 * @returns undefined when this 101 is not the answer to what the client asked
 */
export async function switchProtocols(
  client: ClientExchange,
  up: UpstreamConnection,
  options: ForwardOptions,
): Promise<ForwardResult | undefined> {
  if (!(await isMatching(client, up))) return undefined;
  if (client.failure) return client.resultOfFailure();
  const changes: ResponseChanges = {
    add: options.addToResponse ?? "",
    keepLength: false,
    chunked: false,
    connection: "upgrade",
    keepUpgrade: true,
  };
  const page = new Uint8Array(responseHeadBound(up.head, changes));
  const length = putResponseHead(page, 0, up.buf, up.head, changes);
  client.begun = true;
  client.keep = false;
  client.state = "upgraded";
  client.deadline = Infinity;
  try {
    await client.wire.write(page.subarray(0, length));
  } catch {
    client.fail("client_left");
    return { kind: "client_left" };
  }
  const tunnel: Tunnel = { halfOver: false, idleTicks: client.bodyTicks };
  await Promise.all([
    passDirection(client.wire, up, tunnel),
    passDirection(up, client.wire, tunnel),
  ]);
  client.wire.close();
  return { kind: "done", status: 101 };
}

async function isMatching(client: ClientExchange, up: UpstreamConnection): Promise<boolean> {
  const { head } = up;
  if (!client.upgrade || !head.wantsUpgrade || head.upgradeIndex < 0) return false;
  const index = head.upgradeIndex;
  const token = latin1(up.buf, head.valueStart(index), head.valueEnd(index)).toLowerCase();
  const asked = client.upgradeToken.split(",").map((item) => item.trim());
  if (!asked.includes(token)) return false;
  if (token !== "websocket") return true;
  const key = client.header("sec-websocket-key");
  return key === undefined || head.value(up.buf, "sec-websocket-accept") === await acceptOf(key);
}

async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key + WEBSOCKET_GUID);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  return btoa(String.fromCharCode(...digest));
}

/** What the two directions know of each other. */
interface Tunnel {
  /** One direction has ended: the other may go on, but not for ever in silence. */
  halfOver: boolean;
  readonly idleTicks: number;
}

/** Passes one direction on until it ends, then says so to the other side. Never rejects. */
async function passDirection(from: Wire, to: Wire, tunnel: Tunnel): Promise<void> {
  try {
    for (;;) {
      if (from.start < from.end) {
        await pieceTurn();
        const unread = from.end - from.start;
        const page = borrow(unread);
        putBytes(page, 0, from.buf, from.start, from.end);
        const full = from.end === from.buf.length;
        from.start = from.end;
        if (!from.reading) nextRead(from, full);
        await to.write(page, unread);
      } else if (from.ended) {
        break;
      } else {
        nextRead(from, false);
        if (tunnel.halfOver) from.inBy = clock.tick + tunnel.idleTicks;
        await from.pending;
        from.inBy = NEVER;
      }
    }
    if (from.error) throw from.error;
    await to.endWriting();
    tunnel.halfOver = true;
    if (to.reading) to.inBy = clock.tick + tunnel.idleTicks;
  } catch {
    from.close();
    to.close();
  }
}

function nextRead(wire: Wire, full: boolean): void {
  wire.compact();
  if (full && wire.end === 0 && wire.buf.length < PAGE_BYTES) wire.useBuffer(borrow(PAGE_BYTES));
  wire.beginRead();
}
