/** What a peer may cost, and where a limit ends in which answer. @module */
import type { HeadLimits } from "./head.ts";

/** Limits of a server. */
export interface HttpLimits extends HeadLimits {
  /** Bytes of a request head, 431 beyond. @default {65536} */
  readonly headBytesMax: number;
  /** Field lines of a request, 431 beyond. @default {100} */
  readonly fieldsMax: number;
  /** Bytes of a request target, 414 beyond. @default {8192} */
  readonly targetBytesMax: number;
  /** Connections at once, 503 and close beyond. @default {16384} */
  readonly connectionsMax: number;
  /** Connections at once from one address, 503 and close beyond. @default {8192} */
  readonly connectionsPerClientMax: number;
  /** Time for a head from its first byte, in milliseconds; 408. @default {10000} */
  readonly headReadMs: number;
  /** Time a connection may wait for a request, also its first, in milliseconds. @default {75000} */
  readonly idleMs: number;
  /** Time without progress of a body, in either direction and on either side. @default {30000} */
  readonly bodyIdleMs: number;
}

/** The documented defaults. */
export const DEFAULT_LIMITS: HttpLimits = {
  headBytesMax: 64 * 1024,
  fieldsMax: 100,
  targetBytesMax: 8 * 1024,
  connectionsMax: 16_384,
  connectionsPerClientMax: 8_192,
  headReadMs: 10_000,
  idleMs: 75_000,
  bodyIdleMs: 30_000,
};

/** Limits of an upstream's heads. They are larger: instances are ours to keep in order. */
export const RESPONSE_LIMITS: HeadLimits = {
  headBytesMax: 64 * 1024,
  fieldsMax: 1_000,
  targetBytesMax: 0,
};

/** More interim answers than this to one request are nonsense. */
export const INTERIM_MAX = 32;
