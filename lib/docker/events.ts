/**
 * The engine's news. A hint to look again, not a record: whoever needs the whole truth lists.
 *
 * Source: Docker Engine API 1.41, "Monitor events".
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { jsonLines } from "./frames.ts";
import type { EngineTransport } from "./transport.ts";

/** Something that happened at the engine: `{ "type": "container", "action": "die", … }`. */
export interface DockerEvent {
  /** `container`, `image`, `network`, … */
  readonly type: string;
  /** `start`, `die`, `tag`, …; some carry more after a colon, as `exec_start: ls`. */
  readonly action: string;
  /** Of what it happened to; an image's name for image events. */
  readonly id: string;
  /** The labels, and facts such as `exitCode`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** In milliseconds since 1970, by the engine's clock. */
  readonly timeMs: number;
}

/** Which events {@linkcode events} gives. */
export interface EventOptions {
  /** By the engine's filter names: `{ "type": ["container"], "event": ["die"] }`. */
  readonly filters?: Readonly<Record<string, readonly string[]>>;
  /** Begins with the events since then, in milliseconds since 1970; the engine keeps few. */
  readonly sinceMs?: number;
  /** Called once the engine listens: what happens from now on will be told. */
  readonly onOpen?: () => void;
  readonly signal: AbortSignal;
}

/**
 * Events as they happen, until `signal` aborts. Never ends by itself: a broken stream throws.
 *
 * @throws {MaelstromError} engine_unavailable: the engine does not answer or ended the stream
 */
export async function* events(
  transport: EngineTransport,
  { filters, sinceMs, onOpen, signal }: EventOptions,
): AsyncGenerator<DockerEvent, never, undefined> {
  const act = "follow the events of Docker";
  const response = await transport.open({
    method: "GET",
    path: "/events",
    query: {
      filters: filters && JSON.stringify(filters),
      since: sinceMs === undefined ? undefined : (sinceMs / 1000).toFixed(3),
    },
    act,
    signal,
  });
  try {
    onOpen?.();
    for await (const value of jsonLines(response.body)) yield eventOf(value as WireEvent);
    throw new MaelstromError("engine_unavailable", `Cannot ${act}: the engine ended the stream`);
  } catch (error) {
    throw transport.failure(error, act, signal);
  }
}

interface WireEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: {
    readonly ID?: string;
    readonly Attributes?: Readonly<Record<string, string>> | null;
  };
  readonly timeNano?: number;
}

function eventOf({ Type, Action, Actor, timeNano }: WireEvent): DockerEvent {
  return {
    type: Type ?? "",
    action: Action ?? "",
    id: Actor?.ID ?? "",
    attributes: Actor?.Attributes ?? {},
    timeMs: (timeNano ?? 0) / 1e6,
  };
}
