/**
 * The one error class and the one table of codes. A code crosses the wire; callers match on it,
 * people read the message. Expected outcomes are values, not errors; a bug is a plain `Error`.
 * @module
 */

/** What a code means to HTTP, to JSON-RPC, and to a caller who wonders whether to try again. */
export interface ErrorKind {
  /** HTTP status when the error ends a request. */
  readonly status: number;
  /** JSON-RPC error number. 1001 to 1004 are the ancestor's. */
  readonly rpc: number;
  /** True when the same request may be sent again without harm. */
  readonly retry: boolean;
}

const KINDS = {
  invalid: { status: 400, rpc: 1001, retry: false },
  already_exists: { status: 409, rpc: 1002, retry: false },
  not_found: { status: 404, rpc: 1003, retry: false },
  stale_version: { status: 409, rpc: 1004, retry: false },
  not_allowed: { status: 403, rpc: 1005, retry: false },
  /** Whoever says it owned a duty once, and no longer does. */
  stale_epoch: { status: 409, rpc: 1019, retry: false },
  too_large: { status: 413, rpc: 1006, retry: false },
  /** It cannot go: something else needs it. */
  in_use: { status: 409, rpc: 1007, retry: false },
  /** The component's queue is at its limit. */
  queue_full: { status: 503, rpc: 1010, retry: true },
  /** No node has room for another instance. */
  no_capacity: { status: 503, rpc: 1011, retry: true },
  /** The container could not be started: image missing, process exits, engine refuses. */
  start_failed: { status: 503, rpc: 1012, retry: true },
  /** The container started but did not become healthy within its start limit. */
  start_timeout: { status: 504, rpc: 1013, retry: true },
  /** The request's own deadline passed. */
  timeout: { status: 504, rpc: 1014, retry: true },
  /** The instance broke off after it may have seen the request. */
  instance_gone: { status: 502, rpc: 1015, retry: false },
  /** The Docker Engine does not answer, or answered with a failure of its own. */
  engine_unavailable: { status: 503, rpc: 1016, retry: true },
  /** The daemon is stopping. */
  stopping: { status: 503, rpc: 1017, retry: true },
  /** Nothing answered where a node was expected. */
  unreachable: { status: 503, rpc: 1018, retry: true },
  store_unavailable: { status: 503, rpc: -32001, retry: true },
  internal: { status: 500, rpc: -32603, retry: false },
} as const satisfies Record<string, ErrorKind>;

/** A stable name for a failure. It crosses the wire. */
export type ErrorCode = keyof typeof KINDS;

/** HTTP status, RPC number and retry advice of `code`. */
export function errorKind(code: ErrorCode): ErrorKind {
  return KINDS[code];
}

/** The code whose RPC number is `rpc`; `internal` for numbers that are not ours. */
export function codeOfRpc(rpc: number): ErrorCode {
  for (const [code, kind] of Object.entries(KINDS)) {
    if (kind.rpc === rpc) return code as ErrorCode;
  }
  return "internal";
}

/**
 * A failure that somebody outside the function may see. The message says what could not be done,
 * a colon, what was found: `Cannot place "shop": needs 512 MiB, largest free is 300 MiB`.
 */
export class MaelstromError extends Error {
  override readonly name = "MaelstromError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Facts for programs, such as `{ path: "input.component.name" }`. */
    readonly detail?: Readonly<Record<string, unknown>>,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** `error` as a MaelstromError: itself, or wrapped as `internal` with its message. */
export function asMaelstromError(error: unknown): MaelstromError {
  if (error instanceof MaelstromError) return error;
  return new MaelstromError("internal", messageOf(error), undefined, { cause: error });
}

/** The text of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ");
}

/** True for the error by which an aborted wait ends; never a failure, never logged as one. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
