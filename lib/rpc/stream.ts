/**
 * A stream of lines from a node. Owns its connection, its end, and telling a quiet node from one
 * that is gone; knows nothing of what the lines mean.
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { httpClient, nameOf, type PlaceRequest, replyOf, send, sendFailure } from "./connection.ts";
import type { FoundKey, RpcPlace } from "./locate.ts";
import { resultOf } from "./reply.ts";

const LINE_CHARS_MAX = 8 * 1024 * 1024;

/** What to stream, and how long it may be quiet. */
export interface StreamRequest extends PlaceRequest {
  /** Longest silence, in milliseconds, after which the node counts as gone. @default {Infinity} */
  readonly silenceMs?: number;
}

/** A stream that has begun. Dispose it to end it. */
export interface OpenedStream extends AsyncDisposable {
  /** Where it comes from, for people. */
  readonly place: string;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * Begins to stream from `place`.
 *
 * @throws {NotConnected} nothing answers there
 * @throws {MaelstromError} the code the node answers with; unreachable when it is no node
 */
export async function openStream(
  place: RpcPlace,
  key: FoundKey | undefined,
  request: PlaceRequest,
  signal: AbortSignal,
): Promise<OpenedStream> {
  using stack = new DisposableStack();
  const client = stack.use(httpClient(place));
  let refusal;
  try {
    const response = await send(client, place, request, signal);
    const type = response.headers.get("content-type") ?? "";
    const { body } = response;
    if (response.status === 200 && body && type.startsWith("application/x-ndjson")) {
      const kept = stack.move();
      return { place: nameOf(place), body, [Symbol.asyncDispose]: () => end(body, kept) };
    }
    refusal = await replyOf(response);
  } catch (error) {
    signal.throwIfAborted();
    throw sendFailure(error, nameOf(place));
  }
  // An endpoint's error has a status of its own, and the words of a method's error.
  const isJson = refusal.contentType.startsWith("application/json");
  resultOf(isJson ? { ...refusal, status: 200 } : refusal, nameOf(place), key);
  throw new MaelstromError("unreachable", `Cannot read a stream: ${nameOf(place)} sent none`);
}

async function end(body: ReadableStream<Uint8Array>, client: Disposable): Promise<void> {
  // It may have broken off already.
  await body.cancel().catch(() => {});
  client[Symbol.dispose]();
}

/**
 * Lines as they arrive, without their line ends; empty ones only say that the node is alive.
 *
 * @throws {MaelstromError} unreachable: the stream broke off, or was silent for `silenceMs`
 */
export async function* readLines(
  { body, place }: OpenedStream,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  const reader = body.getReader();
  // A signal made of several may be collected with its Response, and then ends nothing any more.
  const onAbort = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const chunk = await heard(reader.read(), silenceMs);
      if (chunk.done) break;
      const lines = (rest + decoder.decode(chunk.value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LINE_CHARS_MAX) {
        throw new Error(`a line is longer than ${LINE_CHARS_MAX} characters`);
      }
      yield* lines.filter((line) => line !== "");
    }
  } catch (error) {
    signal.throwIfAborted();
    throw sendFailure(error, place);
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader.releaseLock();
  }
  signal.throwIfAborted();
  if (rest !== "") yield rest;
}

/** What `read` gives, unless that takes longer than `silenceMs`. */
async function heard<T>(read: Promise<T>, silenceMs: number): Promise<T> {
  if (silenceMs === Infinity) return await read;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const seconds = silenceMs / 1000;
    timer = setTimeout(() => reject(new Error(`nothing came for ${seconds} s`)), silenceMs);
  });
  // Whichever comes second is not waited for.
  read.catch(() => {});
  return await Promise.race([read, silence]).finally(() => clearTimeout(timer));
}
