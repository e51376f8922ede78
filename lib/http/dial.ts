/**
 * Opens a connection to an address, within a time. Knows nothing of what is said over it.
 * @module
 */
import { withDeadline } from "../async/deadline.ts";
import type { Line } from "./line.ts";

/** Where an upstream listens. */
export type UpstreamAddress =
  | {
    readonly hostname: string;
    readonly port: number;
    /** How it is reached, if not by TCP. */
    readonly connect?: () => Promise<Line>;
  }
  | { readonly path: string };

/**
 * Connects to `address`.
 *
 * @throws what the system says, `TimeoutError` after `timeoutMs`, or `AbortError` when `signal` aborts
 */
export async function dial(
  address: UpstreamAddress,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Line> {
  return await withDeadline(timeoutMs, signal, async (limit) => {
    if ("path" in address) return await dialUnix(address.path, limit);
    if (address.connect) return await address.connect();
    const conn = await Deno.connect({
      hostname: address.hostname,
      port: address.port,
      signal: limit,
    });
    conn.setNoDelay(true);
    return conn;
  }, () => new DOMException(`No connection within ${timeoutMs} ms`, "TimeoutError"));
}

/** A unix connect cannot be aborted; one that comes too late is closed. */
function dialUnix(path: string, signal: AbortSignal): Promise<Line> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new DOMException("Connect aborted", "AbortError"));
    if (signal.aborted) return late();
    signal.addEventListener("abort", late);
    Deno.connect({ transport: "unix", path }).then((conn) => {
      signal.removeEventListener("abort", late);
      if (signal.aborted) conn.close();
      else resolve(conn);
    }, (error) => {
      signal.removeEventListener("abort", late);
      reject(error);
    });
  });
}

/** `host:port` as a Host line has it. */
export function authorityOf(address: UpstreamAddress): string {
  if ("path" in address) return "localhost";
  const { hostname, port } = address;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
