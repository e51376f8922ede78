/** Opens the listeners of the daemon, with errors that say what to do. @module */
import { MaelstromError, messageOf } from "../lib/errors.ts";

/**
 * Listens on `port` of each address; no address means all of them.
 *
 * @throws {MaelstromError} invalid: an address cannot be bound; `flag` is what to change
 */
export function listenTcp(
  addresses: readonly string[],
  port: number,
  flag: string,
): Deno.TcpListener[] {
  if (addresses.length === 0) return [listenAll(port, flag)];
  const listeners: Deno.TcpListener[] = [];
  try {
    for (const hostname of addresses) listeners.push(listenOne(hostname, port, flag));
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
  return listeners;
}

/** "::" takes IPv4 too, where the machine has IPv6. */
function listenAll(port: number, flag: string): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: "::", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw refused("[::]", port, flag, error);
    return listenOne("0.0.0.0", port, flag);
  }
}

function listenOne(hostname: string, port: number, flag: string): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    throw refused(hostname, port, flag, error);
  }
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
