/**
 * The one-shot request of health checks.
 * @module
 */
import { withDeadline } from "../async/deadline.ts";
import { putLatin1 } from "./bytes.ts";
import { authorityOf, dial, type UpstreamAddress } from "./dial.ts";
import { readFinalHead, UpstreamConnection } from "./upstream.ts";

/**
 * One GET over a fresh connection, for health checks; gives the status and leaves the body.
 *
 * @throws what connecting throws, `TimeoutError` after `timeoutMs`, `AbortError` when `signal`
 * aborts, or an Error when the answer is not HTTP/1
 */
export async function probe(
  address: UpstreamAddress,
  path: string,
  options: { readonly host?: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const { host = authorityOf(address), timeoutMs, signal } = options;
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  return await withDeadline(timeoutMs, signal, async (limit) => {
    const wire = new UpstreamConnection(await dial(address, timeoutMs, limit));
    const cut = () => wire.close();
    limit.addEventListener("abort", cut);
    try {
      const bytes = new Uint8Array(request.length);
      putLatin1(bytes, 0, request);
      await wire.write(bytes);
      wire.head.begin(0);
      await readFinalHead(wire);
      return wire.head.status;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      limit.removeEventListener("abort", cut);
      wire.close();
    }
  }, () => new DOMException(`No answer within ${timeoutMs} ms`, "TimeoutError"));
}
