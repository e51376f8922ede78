/** Ports for daemons under test. @module */

/**
 * Below the range from which the system takes ports for connections that go out (32768 and up), so
 * that none of those sits on a port between its choice here and the daemon's start.
 */
const LOWEST = 10_000;
const COUNT = 22_000;

// Test files run beside each other: each begins somewhere else, and none gives a port twice.
let next = crypto.getRandomValues(new Uint32Array(1))[0]! % COUNT;

/** Port numbers that nobody listens on just now, each different. */
export function freePorts(count: number): number[] {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried++) {
    if (tried === COUNT) throw new Error(`no ${count} ports are free from ${LOWEST} on`);
    const port = LOWEST + next++ % COUNT;
    if (isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
