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
import { putRequestHead, type RequestChanges, requestHeadBound } from "./head_writer.ts";
import { borrowPage, returnPage } from "./pages.ts";
import { passInterim, passResponse } from "./response.ts";
import { switchProtocols } from "./splice.ts";
import { Upload } from "./upload.ts";
import type { Upstream, UpstreamConnection } from "./upstream.ts";

const IDEMPOTENT = ["get", "head", "put", "options", "delete", "trace"];
/** More interim answers than this to one request are nonsense. */
const INTERIM_MAX = 32;
const NO_ANSWER = new Error("Cannot read answer: connection ended");

/** One try on one connection. */
interface Attempt {
  readonly client: ClientExchange;
  readonly up: UpstreamConnection;
  readonly options: ForwardOptions;
  /** It waited in the pool, so it may have died without our knowing. */
  readonly pooled: boolean;
  /** `up.sent` before this try. */
  readonly sentBefore: number;
  /** The whole request was taken in one write. */
  sentAll: boolean;
  upload: Upload | undefined;
  /** The connection may serve another request. */
  reusable: boolean;
}

/** Forwards the request of `client`. */
export async function forwardExchange(
  client: ClientExchange,
  upstream: Upstream,
  options: ForwardOptions,
): Promise<ForwardResult> {
  if (client.state !== "open") throw new Error(`Cannot forward: exchange is ${client.state}`);
  if (client.body.spent) throw new Error("Cannot forward: the body was sent already");
  if (client.isOver) return client.resultOfFailure();
  if (performance.now() >= options.deadline) return { kind: "timed_out" };
  const { bodyBytesMax = Infinity, deadline, answerBy = deadline } = options;
  if (Math.max(client.body.bytes, client.head.contentLength) > bodyBytesMax) {
    return { kind: "too_large" };
  }
  client.state = "forwarding";
  client.deadline = Math.min(deadline, answerBy);
  try {
    const pooled = upstream.take();
    if (pooled) {
      const result = await tryOn(pooled, true, client, upstream, options);
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
  const result = await tryOn(up, false, client, upstream, options);
  return result ?? { kind: "gone", error: NO_ANSWER };
}

/** One try; `undefined` when it may be repeated on a fresh connection. */
async function tryOn(
  up: UpstreamConnection,
  pooled: boolean,
  client: ClientExchange,
  upstream: Upstream,
  options: ForwardOptions,
): Promise<ForwardResult | undefined> {
  const attempt: Attempt = {
    client,
    up,
    options,
    pooled,
    sentBefore: up.sent,
    upload: undefined,
    sentAll: false,
    reusable: false,
  };
  client.up = up;
  try {
    if (client.failure) return client.resultOfFailure();
    return await converse(attempt, upstream.authority);
  } finally {
    client.up = undefined;
    if (attempt.upload) {
      attempt.upload.abandon();
      client.wire.inBy = NEVER;
    }
    up.inBy = up.outBy = NEVER;
    upstream.release(up, attempt.reusable);
  }
}

async function converse(
  attempt: Attempt,
  authority: string,
): Promise<ForwardResult | undefined> {
  const { client, up } = attempt;
  up.head.begin(0);
  up.beginRead();
  await sendRequest(attempt, authority);
  for (let interim = 0;; interim++) {
    const failed = await readHead(attempt, interim > 0);
    if (failed !== true) return failed;
    const { status } = up.head;
    if (status === 101 || status >= 200) client.deadline = attempt.options.deadline;
    if (status === 101) {
      return await switchProtocols(client, up, attempt.options) ??
        { kind: "gone", error: new Error("Cannot switch protocols: answer does not match") };
    }
    if (status >= 200) break;
    if (interim >= INTERIM_MAX) return nonsense("too many interim answers");
    await passInterim(client, up);
  }
  const { upload } = attempt;
  const end = await passResponse(client, up, attempt.options);
  if (end.kind === "done") {
    attempt.reusable = end.reusable && (attempt.sentAll || upload?.sent === true);
  }
  return end.kind === "done" ? { kind: "done", status: up.head.status } : end;
}

/** Sends the head with what is at hand of the body; the rest follows beside the answer. */
async function sendRequest(attempt: Attempt, authority: string): Promise<void> {
  const { client, up, options } = attempt;
  const { body, head, wire } = client;
  const changes: RequestChanges = {
    drop: options.drop,
    add: options.add ?? "",
    target: options.target ?? client.targetOverride,
    host: client.hostOverride || (head.hostIndex < 0 ? authority : ""),
    upgrade: client.upgrade,
  };
  const piece = body.pieceEnd - body.pieceStart;
  const page = borrowPage(requestHeadBound(head, changes) + piece + CHUNK_FRAME_BYTES);
  let end = putRequestHead(page, client.headBytes, head, changes);
  if (body.chunked) {
    end = putChunk(page, end, wire.buf, body.pieceStart, body.pieceEnd, body.received);
  } else {
    end = putBytes(page, end, wire.buf, body.pieceStart, body.pieceEnd);
  }
  try {
    await up.write(page.subarray(0, end));
  } catch {
    // Whether it was seen, or answered before it broke, shows when the answer is read.
    return;
  }
  returnPage(page);
  body.take();
  attempt.sentAll = body.received;
  if (body.received) return;
  attempt.upload = new Upload(client, up, options.bodyBytesMax ?? Infinity);
  void attempt.upload.run();
}

/** Reads one head: true, or how the try ends. */
async function readHead(
  attempt: Attempt,
  heard: boolean,
): Promise<true | ForwardResult | undefined> {
  const { client, up } = attempt;
  for (;;) {
    if (client.failure) return failed(client, heard || up.end > 0);
    if (up.end > up.start) {
      const result = up.head.parse(up.buf, up.end);
      if (result === DONE) {
        up.start = up.head.end;
        return true;
      }
      if (result !== MORE) return nonsense(up.head.problem);
    }
    if (up.ended) return broken(attempt, heard || up.end > 0);
    if (!up.reading) {
      up.growIfFull();
      up.beginRead();
    }
    await up.pending;
  }
}

/** The exchange failed before an answer. */
function failed(client: ClientExchange, heard: boolean): ForwardResult {
  const result = client.resultOfFailure();
  const isLost = client.failure === "upstream_stalled" && result.kind === "timed_out";
  return isLost && !heard && isRepeatable(client) ? { ...result, mayRepeat: true } : result;
}

/** The connection ended before an answer. */
function broken(attempt: Attempt, heard: boolean): ForwardResult | undefined {
  const { client, up, pooled, sentBefore } = attempt;
  const error = up.error ?? NO_ANSWER;
  if (heard) return { kind: "gone", error };
  const unseen = up.sent === sentBefore;
  const mayRepeat = isRepeatable(client);
  if (pooled && (unseen || mayRepeat)) return undefined;
  return unseen ? { kind: "not_sent", error } : { kind: "gone", error, mayRepeat };
}

function isRepeatable(client: ClientExchange): boolean {
  return !client.body.present && IDEMPOTENT.some((name) => client.methodIs(name));
}

function nonsense(problem: string): ForwardResult {
  return { kind: "gone", error: new Error(`Cannot read answer: ${problem}`) };
}
