/**
 * What the AWS sources have in common: how a client is set up, and how its failures read. Credentials
 * come by the SDK's own chain, and so does the region unless the source names one.
 * @module
 */
import { withDeadline } from "../../lib/async/deadline.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";

/** More calls than this go on at the same time only after one another. */
const SOCKETS_MAX = 256;
const CONNECT_MS = 5000;

/** Where a service is. */
export interface AwsPlace {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** What the clients of the SDK have in common. */
export interface ClientSettings {
  readonly region?: string;
  readonly endpoint?: string;
  readonly maxAttempts: number;
  readonly requestHandler: Readonly<Record<string, unknown>>;
  readonly defaultUserAgentProvider: () => Promise<[string][]>;
}

/** Settings for a client of the SDK. It tries nothing again by itself: the poller does, and slower. */
export function clientSettings({ region, endpoint }: AwsPlace): ClientSettings {
  const agent = { keepAlive: true, maxSockets: SOCKETS_MAX };
  return {
    ...(region ? { region } : {}),
    ...(endpoint ? { endpoint } : {}),
    maxAttempts: 1,
    // The SDK's own would ask the system for its release at each request.
    defaultUserAgentProvider: () => Promise.resolve([["maelstrom"]]),
    requestHandler: { connectionTimeout: CONNECT_MS, httpAgent: agent, httpsAgent: agent },
  };
}

/**
 * Makes one call of the SDK.
 *
 * @throws {MaelstromError} not_found: one of the `absent` errors of the service
 * @throws {MaelstromError} unreachable: any other, or no answer within `limitMs`
 */
export async function awsCall<T>(
  what: string,
  { limitMs, absent, signal }: {
    readonly limitMs: number;
    /** Names of errors. */
    readonly absent: readonly string[];
    readonly signal: AbortSignal;
  },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = () => new MaelstromError("unreachable", `${what}: no answer within ${limitMs} ms`);
  return await withDeadline(limitMs, signal, async (limit) => {
    try {
      return await call(limit);
    } catch (cause) {
      limit.throwIfAborted();
      const name = cause instanceof Error ? cause.name : "";
      const code = absent.includes(name) ? "not_found" : "unreachable";
      throw new MaelstromError(code, `${what}: ${wordsOf(cause)}`, undefined, { cause });
    }
  }, late);
}

/** The SDK's words for `error`, with what caused it where that says more. */
function wordsOf(error: unknown): string {
  const name = error instanceof Error && error.name !== "Error" ? `${error.name}: ` : "";
  const words = messageOf(error) || (error as { code?: string }).code || "unknown error";
  return `${name}${words}`.replaceAll(/\s+/g, " ").replace(/\.$/, "");
}
