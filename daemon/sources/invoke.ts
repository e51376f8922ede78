/** How event sources make requests to components. Types only. @module */

/** A request to a component. */
export interface InvokeRequest {
  readonly method: string;
  readonly path: string;
  /** Names may come several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Longest answer that is kept, in bytes. */
  readonly replyBytesMax: number;
}

/** How the component answered. */
export interface HandlerReply {
  readonly status: number;
  /** Asked for by lower case names. */
  readonly headers: { get(name: string): string | null | undefined };
  /** The beginning of the answer, no longer than was asked for. */
  readonly body: string;
}

/**
 * Makes one request to a component, as a caller from inside the node does, and resolves when its
 * answer has ended. The request is sent once.
 *
 * @throws when there was no answer, or `signal` aborted
 */
export type Invoke = (
  component: string,
  request: InvokeRequest,
  signal: AbortSignal,
) => Promise<HandlerReply>;
