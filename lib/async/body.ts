/** Reading a stream whole, with a limit. @module */
import { MaelstromError } from "../errors.ts";

/**
 * All of `stream`.
 *
 * @throws {MaelstromError} too_large: more than `limitBytes` arrived; the rest is not read
 */
export async function readBytes(
  stream: ReadableStream<Uint8Array> | null,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream ?? []) {
    size += part.length;
    if (size > limitBytes) {
      throw new MaelstromError("too_large", `Cannot read body: larger than ${limitBytes} bytes`);
    }
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * All of `stream` as UTF-8 text.
 *
 * @throws {MaelstromError} too_large: as {@linkcode readBytes}
 * @throws {MaelstromError} invalid: the bytes are not UTF-8
 */
export async function readText(
  stream: ReadableStream<Uint8Array> | null,
  limitBytes: number,
): Promise<string> {
  const bytes = await readBytes(stream, limitBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MaelstromError("invalid", "Cannot read body: not valid UTF-8", undefined, { cause });
  }
}
