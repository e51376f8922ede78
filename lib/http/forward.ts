/**
 * Passes one request on to an upstream and its answer back. Owns the one retry; knows nothing of
 * why this upstream was chosen.
 *
 * Source: RFC 9110 §7.6, §9.2.2; RFC 9112 §9.
 * @module
 */
import { CHUNK_FRAME_BYTES, putChunk } from "./chunked.ts";
import { putBytes } from "./bytes.ts";
import type { ClientExchange } from "./client_exchange.ts";
import { NEVER } from "./clock.ts";
import type { ForwardOptions, ForwardResult } from "./exchange.ts";
import { DONE, MORE } from "./head.ts";
import { INTERIM_MAX } from "./limits.ts";
import { putRequestHead, type RequestChanges, requestHeadBound } from "./head_writer.ts";
import { borrow } from "./pages.ts";
import { passInterim, ResponsePassage } from "./response.ts";
import { switchProtocols } from "./splice.ts";
import { Upload } from "./upload.ts";
import type { Upstream, UpstreamConnection } from "./upstream.ts";
import { round } from "./wire.ts";

const IDEMPOTENT = ["get", "head", "put", "options", "delete", "trace"];
const NO_ANSWER = new Error("Cannot read answer: connection ended");

/** Forwards the request of `client`. */
export async function forwardExchange(
  client: ClientExchange,
  upstream: Upstream,
  options: ForwardOptions,
): Promise<ForwardResult> {
  if (client.state !== "open") throw new Error(`Cannot forward: exchange is ${client.state}`);
  if (client.body.spent) throw new Error("Cannot forward: the body was sent already");
  if (client.isOver) return client.resultOfFailure();
  const nowMs = performance.now();
  if (nowMs >= options.deadline) return { kind: "timed_out" };
  const { bodyBytesMax = Infinity, deadline, answerWithinMs = Infinity } = options;
  if (Math.max(client.body.bytes, client.head.contentLength) > bodyBytesMax) {
    return { kind: "too_large" };
  }
  client.state = "forwarding";
  client.deadline = Math.min(deadline, nowMs + answerWithinMs);
  try {
    const pooled = upstream.take();
    if (pooled) {
      const result = await tryOn(pooled, client, upstream, options);
      if (result) return settle(client, result);
    }
    return settle(client, await tryFresh(client, upstream, options));
  } finally {
    client.up = undefined;
    client.deadline = Infinity;
  }
}

/** Puts the exchange into the state that `result` promises. */
function settle(client: ClientExchange, result: ForwardResult): ForwardResult {
  if (result.kind === "done") {
    client.state = "answered";
  } else if (result.kind === "cut") {
    client.wire.close();
    client.state = "answered";
  } else {
    client.state = "open";
    if (!client.isOver) client.failure = undefined;
  }
  return result;
}

async function tryFresh(
  client: ClientExchange,
  upstream: Upstream,
  options: ForwardOptions,
): Promise<ForwardResult> {
  if (client.failure) return client.resultOfFailure();
  const connecting = client.connecting = new AbortController();
  let up: UpstreamConnection;
  try {
    up = await upstream.connect(connecting.signal);
  } catch (error) {
    if (client.failure) return client.resultOfFailure();
    return { kind: "not_sent", error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    client.connecting = undefined;
  }
  const result = await tryOn(up, client, upstream, options);
  return result ?? { kind: "gone", error: NO_ANSWER };
}

/** One try on one connection; `undefined` when it may be repeated on a fresh one. */
async function tryOn(
  up: UpstreamConnection,
  client: ClientExchange,
  upstream: Upstream,
  options: ForwardOptions,
): Promise<ForwardResult | undefined> {
  let upload: Upload | undefined;
  let reusable = false;
  client.up = up;
  try {
    if (client.failure) return client.resultOfFailure();
    up.beginExchange();
    loadRequest(client, up, upstream.authority, options);
    await round;
    up.send();
    // What has no body is on its way: its answer is all there is to wait for.
    if (client.body.present) upload = await sendBody(client, up, options);
    for (let interim = 0;; interim++) {
      let heard = readHead(client, up, interim > 0);
      while (heard === "more") {
        await (up.reading ? up.pending : up.sending);
        heard = readHead(client, up, interim > 0);
      }
      if (heard !== "head") return heard;
      const { status } = up.head;
      if (status === 101 || status >= 200) client.deadline = options.deadline;
      if (status === 101) {
        return await switchProtocols(client, up, options) ??
          { kind: "gone", error: new Error("Cannot switch protocols: answer does not match") };
      }
      if (status >= 200) break;
      if (interim >= INTERIM_MAX) return nonsense("too many interim answers");
      await passInterim(client, up);
    }
    const passage = new ResponsePassage(client, up, options);
    if (client.interim) await client.interim;
    if (client.failure) return client.resultOfFailure();
    if (!passage.begin()) return nonsense("malformed chunk");
    await round;
    client.wire.send();
    await client.wire.sending;
    const end = passage.end() ?? await passage.rest();
    if (end.kind !== "done") return end;
    const isSent = !up.writing && !up.writeError && (!upload || upload.sent);
    reusable = end.reusable && isSent;
    return { kind: "done", status: up.head.status };
  } finally {
    client.up = undefined;
    if (upload) {
      upload.abandon();
      client.wire.inBy = NEVER;
    }
    up.inBy = up.outBy = NEVER;
    upstream.release(up, reusable);
  }
}

/** Loads the head with what is at hand of the body. */
function loadRequest(
  client: ClientExchange,
  up: UpstreamConnection,
  authority: string,
  options: ForwardOptions,
): void {
  const { body, head, wire } = client;
  const changes: RequestChanges = {
    drop: options.drop,
    add: options.add ?? "",
    target: options.target ?? client.targetOverride,
    host: client.hostOverride || (head.hostIndex < 0 ? authority : ""),
    upgrade: client.upgrade,
  };
  const piece = body.pieceEnd - body.pieceStart;
  const page = borrow(requestHeadBound(head, changes) + piece + CHUNK_FRAME_BYTES);
  let end = putRequestHead(page, client.headBytes, head, changes);
  if (body.chunked) {
    end = putChunk(page, end, wire.buf, body.pieceStart, body.pieceEnd, body.received);
  } else {
    end = putBytes(page, end, wire.buf, body.pieceStart, body.pieceEnd);
  }
  up.load(page, end);
}

/** Waits until the piece that went with the head is out; the rest follows beside the answer. */
async function sendBody(
  client: ClientExchange,
  up: UpstreamConnection,
  { bodyBytesMax = Infinity }: ForwardOptions,
): Promise<Upload | undefined> {
  await up.sending;
  // Whether it was seen, or answered before it broke, shows when the answer is read.
  if (up.writeError) return undefined;
  client.body.take();
  if (client.body.received) return undefined;
  const upload = new Upload(client, up, bodyBytesMax);
  void upload.run();
  return upload;
}

/** Looks for a head in what has arrived; otherwise how the try ends. */
function readHead(
  client: ClientExchange,
  up: UpstreamConnection,
  isInterimPassed: boolean,
): "head" | "more" | ForwardResult | undefined {
  if (client.failure) return failed(client, isInterimPassed || up.end > 0);
  if (up.end > up.start) {
    const result = up.head.parse(up.buf, up.end);
    if (result === DONE) {
      up.start = up.head.end;
      return "head";
    }
    if (result !== MORE) return nonsense(up.head.problem);
  }
  if (up.ended) {
    // How much of the request was taken decides whether it may be repeated.
    if (up.writing) return "more";
    return broken(client, up, isInterimPassed || up.end > 0);
  }
  up.growIfFull();
  up.beginRead();
  return "more";
}

/** The connection ended before an answer, of which it said something when `heard`. */
function broken(
  client: ClientExchange,
  up: UpstreamConnection,
  heard: boolean,
): ForwardResult | undefined {
  const error = up.error ?? NO_ANSWER;
  if (heard) return { kind: "gone", error };
  const mayRepeat = isRepeatable(client);
  if (up.isPooled && (up.isUnseen || mayRepeat)) return undefined;
  return up.isUnseen ? { kind: "not_sent", error } : { kind: "gone", error, mayRepeat };
}

/** The exchange failed before an answer, of which the upstream said something when `heard`. */
function failed(client: ClientExchange, heard: boolean): ForwardResult {
  const result = client.resultOfFailure();
  const isLost = client.failure === "upstream_stalled" && result.kind === "timed_out";
  return isLost && !heard && isRepeatable(client) ? { ...result, mayRepeat: true } : result;
}

function isRepeatable(client: ClientExchange): boolean {
  return !client.body.present && IDEMPOTENT.some((name) => client.methodIs(name));
}

function nonsense(problem: string): ForwardResult {
  return { kind: "gone", error: new Error(`Cannot read answer: ${problem}`) };
}
