/**
 * Pausing containers and letting them go on, and the wait until one may be paused. Knows nothing of
 * rotation or targets. Walk: instances → **freezer** → docker.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { DockerClient } from "../../lib/docker/client.ts";
import { isAbort } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";

const CALL_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 1000;

/** The use of an instance. */
export interface Use {
  /** Requests in progress. */
  readonly inFlight: number;
  /** When the latest ended, or when it began to serve, in milliseconds since 1970. */
  readonly lastMs: number;
}

/** What {@linkcode untilIdle} waits for. */
export interface IdleOptions {
  readonly idleTimeoutMs: number;
  readonly use: () => Use;
  /** Whether it can be done without now. */
  readonly isSpare: () => boolean;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** True when an instance has been idle for long enough; false when `signal` aborted. */
export async function untilIdle(
  { idleTimeoutMs, use, isSpare, now }: IdleOptions,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const { inFlight, lastMs } = use();
    const leftMs = lastMs + idleTimeoutMs - now();
    if (leftMs <= 0 && inFlight === 0 && isSpare()) return true;
    // A request that takes long, or the lack of others, has no end that could be known.
    await pause(leftMs > 0 ? leftMs : LOOK_AGAIN_MS, signal);
  }
  return false;
}

/** Pauses containers. An engine that cannot is told of once. */
export class Freezer {
  readonly #docker: DockerClient;
  readonly #log: Log;
  #hasWarned = false;

  constructor(docker: DockerClient, log: Log) {
    this.#docker = docker;
    this.#log = log;
  }

  /** False when the container goes on running. */
  async pause(name: string, signal: AbortSignal): Promise<boolean> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    try {
      return await this.#docker.pauseContainer(name, limit) !== "not_found";
    } catch (error) {
      if (signal.aborted || isAbort(error)) throw error;
      const message = "cannot freeze, idle instances are stopped instead";
      if (!this.#hasWarned) this.#log.warn(message, { container: name, error });
      this.#hasWarned = true;
      return false;
    }
  }

  /** False when the container stays as it is. */
  async unpause(name: string, signal: AbortSignal): Promise<boolean> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    try {
      return await this.#docker.unpauseContainer(name, limit) !== "not_found";
    } catch (error) {
      if (signal.aborted) throw error;
      this.#log.warn("cannot unpause container", { container: name, error });
      return false;
    }
  }
}
