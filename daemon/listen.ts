/** Opens the listeners of the daemon, with errors that say what to do. @module */
import { MaelstromError, messageOf } from "../lib/errors.ts";

/**
 * Listens on `port` of each address; no address means all of them. The system spreads connections
 * over all that listen `shared`.
 *
 * @throws {MaelstromError} invalid: an address cannot be bound; `flag` is what to change
 */
export function listenTcp(
  addresses: readonly string[],
  port: number,
  flag: string,
  use: "alone" | "shared" = "alone",
): Deno.TcpListener[] {
  const reusePort = use === "shared";
  if (addresses.length === 0) return [listenAll(port, flag, reusePort)];
  const listeners: Deno.TcpListener[] = [];
  try {
    for (const hostname of addresses) listeners.push(listenOne(hostname, port, flag, reusePort));
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
  return listeners;
}

/** "::" takes IPv4 too, where the machine has IPv6. */
function listenAll(port: number, flag: string, reusePort: boolean): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: "::", port, reusePort });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw refused("[::]", port, flag, error);
    return listenOne("0.0.0.0", port, flag, reusePort);
  }
}

function listenOne(
  hostname: string,
  port: number,
  flag: string,
  reusePort: boolean,
): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, reusePort });
  } catch (error) {
    throw refused(hostname, port, flag, error);
  }
}

/**
 * Finds out whether `port` is free, because those who share a port do not notice strangers on it.
 *
 * @throws {MaelstromError} invalid: as {@linkcode listenTcp}
 */
export function checkFree(addresses: readonly string[], port: number, flag: string): void {
  for (const listener of listenTcp(addresses, port, flag)) listener.close();
}

function refused(hostname: string, port: number, flag: string, error: unknown): MaelstromError {
  const reason = error instanceof Deno.errors.AddrInUse
    ? "another program is using it"
    : error instanceof Deno.errors.PermissionDenied
    ? "not allowed (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
    : messageOf(error);
  return new MaelstromError(
    "invalid",
    `Cannot listen on ${hostname}:${port}: ${reason}; choose another with ${flag}`,
  );
}
