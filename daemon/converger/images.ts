/**
 * Images of this node's components: when one is pulled, and that the same pull never runs twice at
 * once. Walk: worker → **images** → docker.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { Tasks } from "../../lib/async/tasks.ts";
import { unlessAborted } from "../../lib/async/unless_aborted.ts";
import type { Component, ComponentFailure, DockerComponent } from "../../lib/contract/v1.ts";
import type { DockerClient } from "../../lib/docker/client.ts";
import { asMaelstromError, isAbort, MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredComponent } from "../store/store.ts";
import { runPullCommand } from "./pull_command.ts";
import { PullMeter } from "./pull_meter.ts";

/** Pulls on put that run at the same time; the others wait. */
const ON_PUT_MAX = 2;
/** Pulls of one version that a put asks for, about twenty minutes of them; a start pulls by itself. */
const ON_PUT_ATTEMPTS_MAX = 10;
/** Wait after the first that fails, in milliseconds; doubled after each. */
const ON_PUT_RETRY_MS = 5000;
const ON_PUT_RETRY_MS_MAX = 5 * 60_000;
const PROGRESS_EVERY_MS = 250;
const MIB = 2 ** 20;

/** What {@linkcode Images} works with. */
export interface ImagesOptions {
  readonly docker: DockerClient;
  readonly log: Log;
  readonly tasks: Tasks;
  /** Whether components may run their pull command on this machine. */
  readonly allowsPullCommand: boolean;
  /** A component's password at its registry, in clear. */
  readonly passwordOf: (component: Component) => string | undefined;
  /** Wait after a pull on put has failed for the first time, in milliseconds. @default {5000} */
  readonly retryMs?: number;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Told how far a pull is: `pulling shop:7, 45 %`; undefined when it has ended. */
export type OnPullProgress = (progress: string | undefined) => void;

/** One pull under way and who waits for it. */
interface Pull {
  readonly done: Promise<void>;
  readonly stop: AbortController;
  readonly waiting: Set<OnPullProgress>;
  progress: string;
}

/** The pull that a put of a component asks for. */
interface OnPut {
  readonly stored: StoredComponent;
  /** Aborts when this version is no longer wanted. */
  readonly stop: AbortController;
  /** `failed`: nothing is under way now; it may be tried again. */
  state: "waiting" | "pulling" | "failed" | "done";
  attempts: number;
  /** Why the last attempt failed, and when the next one is due; 0 when there is none. */
  failure?: { readonly error: MaelstromError; readonly retryAtMs: number };
}

/** Pulls images for components. */
export class Images {
  readonly #options: ImagesOptions;
  readonly #pulls = new Map<string, Pull>();
  readonly #onPut = new Map<string, OnPut>();
  #onPutRunning = 0;

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /**
   * Every component that should be: those that want it are pulled in the background, once for each
   * version.
   */
  follow(components: readonly StoredComponent[]): void {
    const wanted = new Map(
      components.filter(({ component }) => component.docker.pullImageOnPut)
        .map((stored) => [stored.component.name, stored]),
    );
    for (const [name, { stored, stop }] of this.#onPut) {
      const now = wanted.get(name);
      if (now && isSameVersion(now, stored)) continue;
      stop.abort();
      this.#onPut.delete(name);
    }
    for (const [name, stored] of wanted) {
      if (this.#onPut.has(name)) continue;
      const stop = new AbortController();
      this.#onPut.set(name, { stored, stop, state: "waiting", attempts: 0 });
    }
    this.#pullNextOnPut();
  }

  /** Components whose pull on put failed. */
  failures(): ComponentFailure[] {
    return [...this.#onPut.values()].flatMap(({ stored: { component }, failure, attempts }) =>
      failure
        ? [{
          componentName: component.name,
          componentVersion: component.version,
          message: failure.error.message,
          attempts,
          retryAt: 0,
          pullRetryAt: failure.retryAtMs,
          lines: [],
          health: [],
        }]
        : []
    );
  }

  /**
   * Before a start: pulls the image when the component wants that. A failure is logged and given
   * back, since the image that is here may do.
   *
   * @throws {DOMException} AbortError: `signal` aborted
   */
  async refresh(
    stored: StoredComponent,
    onProgress: OnPullProgress,
    signal: AbortSignal,
  ): Promise<MaelstromError | undefined> {
    const { name, docker: { image, pullImageOnStart } } = stored.component;
    const state = this.#onPutOf(stored)?.state;
    const isUnderWay = state === "waiting" || state === "pulling";
    if (!pullImageOnStart && !isUnderWay) return undefined;
    try {
      await this.pull(stored, onProgress, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted || isAbort(error)) throw error;
      this.#options.log.warn("cannot pull image, going on with the one that is here, if any", {
        component: name,
        image,
        error,
      });
      return asMaelstromError(error);
    }
  }

  /**
   * Makes sure that the image is here, pulled as the component wants it.
   *
   * @throws {MaelstromError} start_failed: it is not here and cannot be pulled
   * @throws {DOMException} AbortError: `signal` aborted
   */
  async ensure(
    stored: StoredComponent,
    onProgress: OnPullProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const failure = await this.refresh(stored, onProgress, signal);
    if (await this.#options.docker.imageExists(stored.component.docker.image, signal)) return;
    if (failure) throw failure;
    await this.pull(stored, onProgress, signal);
  }

  /**
   * Pulls the image, together with everybody else who wants the same at this moment. It ends when
   * nobody waits for it any longer.
   *
   * @throws {MaelstromError} not_allowed: the registry wants other credentials, or a pull command
   * may not run here
   * @throws {MaelstromError} as {@linkcode DockerClient.pullImage} or the pull command
   * @throws {DOMException} AbortError: `signal` aborted
   */
  async pull(
    stored: StoredComponent,
    onProgress: OnPullProgress,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const docker = this.#opened(stored.component);
    const { image, pullCommand, pullUsername, pullPassword } = docker;
    const key = JSON.stringify([image, pullCommand, pullUsername, pullPassword]);
    const pull = this.#pulls.get(key) ?? this.#begin(key, stored.component.name, docker);
    // A function of our own: two who wait may have given the same one.
    const tell: OnPullProgress = (progress) => onProgress(progress);
    pull.waiting.add(tell);
    tell(pull.progress);
    try {
      await unlessAborted(pull.done, signal);
      this.#settleOnPut(stored);
    } finally {
      pull.waiting.delete(tell);
      tell(undefined);
      if (pull.waiting.size === 0) {
        pull.stop.abort();
        if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
      }
    }
  }

  /** How the image is pulled, with the password in clear: it is gone with the pull. */
  #opened(component: Component): DockerComponent {
    const { pullPassword: _sealed, ...docker } = component.docker;
    const pullPassword = this.#options.passwordOf(component);
    return { ...docker, ...(pullPassword ? { pullPassword } : {}) };
  }

  #begin(key: string, component: string, wanted: DockerComponent): Pull {
    const stop = new AbortController();
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    done.catch(() => {});
    const progress = `pulling ${wanted.image}`;
    const pull: Pull = { done, stop, waiting: new Set(), progress };
    this.#pulls.set(key, pull);
    // A task, so that the node that stops waits for its end.
    this.#options.tasks.run(progress, async (signal) => {
      try {
        await this.#run(pull, component, wanted, AbortSignal.any([signal, stop.signal]));
        resolve();
      } catch (error) {
        reject(error);
      } finally {
        if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
      }
    });
    return pull;
  }

  async #run(
    pull: Pull,
    component: string,
    wanted: DockerComponent,
    signal: AbortSignal,
  ): Promise<void> {
    const { docker, log } = this.#options;
    const { image, pullCommand = [] } = wanted;
    const fields = { component, image };
    const begun = performance.now();
    const meter = new PullMeter();
    log.info("pulling image", fields);
    if (pullCommand.length > 0) {
      this.#refusePullCommand(image);
      await runPullCommand(pullCommand, { docker: wanted, log, signal });
    } else {
      await this.#pullShowing(pull, meter, wanted, signal);
    }
    const ms = Math.round(performance.now() - begun);
    const found = await docker.inspectImage(image, signal);
    if (!found) {
      const message =
        `Cannot pull image "${image}": its pullCommand ended well, but it is not here`;
      throw new MaelstromError("not_found", message);
    }
    const sizeMiB = Math.round(10 * found.sizeBytes / MIB) / 10;
    log.info("pulled image", { ...fields, sizeMiB, ms, isNew: meter.isNew });
  }

  /** Tells whoever waits how far it is, now and then. */
  async #pullShowing(
    pull: Pull,
    meter: PullMeter,
    { image, pullUsername, pullPassword }: DockerComponent,
    signal: AbortSignal,
  ): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer = undefined;
      pull.progress = `pulling ${image}, ${meter.percent} %`;
      for (const tell of pull.waiting) tell(pull.progress);
    };
    try {
      await this.#options.docker.pullImage(image, {
        ...(pullUsername ? { username: pullUsername, password: pullPassword ?? "" } : {}),
        onProgress: (step) => {
          meter.add(step);
          if (meter.percent !== undefined) timer ??= setTimeout(tell, PROGRESS_EVERY_MS);
        },
        signal,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #refusePullCommand(image: string): void {
    if (this.#options.allowsPullCommand) return;
    throw new MaelstromError(
      "not_allowed",
      `Cannot pull image "${image}": it has a pullCommand, and this node runs none; ` +
        `set MAEL_PULL_COMMAND=on for the daemon, or take the pullCommand out`,
    );
  }

  /** What a put of just this version asked for. */
  #onPutOf(stored: StoredComponent): OnPut | undefined {
    const onPut = this.#onPut.get(stored.component.name);
    return onPut && isSameVersion(onPut.stored, stored) ? onPut : undefined;
  }

  /** The image is here, whoever pulled it. */
  #settleOnPut(stored: StoredComponent): void {
    const onPut = this.#onPutOf(stored);
    if (!onPut) return;
    onPut.state = "done";
    delete onPut.failure;
  }

  #pullNextOnPut(): void {
    const { tasks } = this.#options;
    if (this.#onPutRunning >= ON_PUT_MAX || tasks.signal.aborted) return;
    const next = [...this.#onPut.values()].find(({ state }) => state === "waiting");
    if (!next) return;
    next.state = "pulling";
    this.#onPutRunning += 1;
    tasks.run(`pull on put ${next.stored.component.name}`, async (signal) => {
      try {
        await this.pull(next.stored, () => {}, AbortSignal.any([signal, next.stop.signal]));
      } catch (error) {
        if (!isAbort(error) && !next.stop.signal.aborted) this.#failOnPut(next, error);
      } finally {
        this.#onPutRunning -= 1;
        this.#pullNextOnPut();
      }
    });
    this.#pullNextOnPut();
  }

  #failOnPut(onPut: OnPut, cause: unknown): void {
    const { tasks, log, now, retryMs = ON_PUT_RETRY_MS } = this.#options;
    const { component } = onPut.stored;
    const error = asMaelstromError(cause);
    const attempts = onPut.attempts += 1;
    const backOffMs = attempts < ON_PUT_ATTEMPTS_MAX
      ? Math.min(ON_PUT_RETRY_MS_MAX, retryMs * 2 ** (attempts - 1))
      : undefined;
    onPut.state = "failed";
    onPut.failure = { error, retryAtMs: backOffMs === undefined ? 0 : now() + backOffMs };
    log.warn("cannot pull image on put", {
      component: component.name,
      image: component.docker.image,
      attempts,
      ...(backOffMs === undefined ? { next: "a start of the component" } : { backOffMs }),
      error,
    });
    if (backOffMs === undefined) return;
    tasks.run(`wait to pull on put ${component.name}`, async (signal) => {
      await pause(backOffMs, AbortSignal.any([signal, onPut.stop.signal]));
      // Meanwhile a start may have pulled it, or the version may be gone.
      if (onPut.state !== "failed" || onPut.stop.signal.aborted) return;
      onPut.state = "waiting";
      this.#pullNextOnPut();
    });
  }
}

/** Removed and put again under the same name and version, a component is another one. */
function isSameVersion(a: StoredComponent, b: StoredComponent): boolean {
  return a.uid === b.uid && a.component.version === b.component.version;
}
