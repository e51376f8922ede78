/**
 * Removes what nobody needs from the engine: stopped containers this node left over, and images no
 * component names. Owns when and in which order; what may go is the policy's to say. Walk: daemon's
 * timer, api → **pruner** → policy → docker.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { PruneItem, PruneNotice, PruneOutcome } from "../../lib/contract/prune.ts";
import type { ContainerSummary, DockerClient } from "../../lib/docker/client.ts";
import { isAbort, MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { isNamed, planPrune, type PrunePolicy, type PruneState, type PruneStep } from "./policy.ts";

/** A timer cannot be set further ahead than 24 days. */
const PAUSE_MS_MAX = 24 * 3600_000;
const MIB = 2 ** 20;

/** What pruning needs. */
export interface PrunerOptions {
  readonly docker: Pick<
    DockerClient,
    "listImages" | "listContainers" | "removeImage" | "removeContainer"
  >;
  readonly policy: PrunePolicy;
  /** Whether a container was made by this node, by its labels. */
  readonly isOurs: (labels: Readonly<Record<string, string>>) => boolean;
  /** Whether this node is starting, using or stopping the container of this name. */
  readonly isKnown: (name: string) => boolean;
  /** Images that components name, also those of versions one may go back to. */
  readonly named: () => Promise<readonly string[]>;
  /** How full the engine's disk is, in percent; undefined when that cannot be seen. */
  readonly diskPct: (signal: AbortSignal) => Promise<number | undefined>;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Prunes one engine, one run at a time. */
export class Pruner {
  readonly #options: PrunerOptions;
  #running = false;

  constructor(options: PrunerOptions) {
    this.#options = options;
  }

  /** Runs each `everyMs`, the first time after one such period, until `signal` aborts. */
  async keepPruning(everyMs: number, signal: AbortSignal): Promise<void> {
    const { log, now } = this.#options;
    for (let dueMs = now() + everyMs; !signal.aborted;) {
      await pause(Math.min(PAUSE_MS_MAX, Math.max(0, dueMs - now())), signal);
      if (signal.aborted || now() < dueMs) continue;
      dueMs = now() + everyMs;
      try {
        await this.#runLogged(signal);
      } catch (error) {
        // A loop's edge is where a failure may be swallowed: the next run is the cure.
        if (!isAbort(error)) log.warn("prune failed", { error });
      }
    }
  }

  /**
   * Removes what the policy lets go, and tells of each thing as it goes; a dry run only tells.
   *
   * @throws {MaelstromError} already_exists: a run is under way
   * @throws {MaelstromError} engine_unavailable: the engine does not answer
   */
  async *run(
    dry: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<PruneItem | PruneNotice, void, undefined> {
    if (this.#running) {
      throw new MaelstromError("already_exists", "Cannot prune: another run is under way");
    }
    this.#running = true;
    try {
      const state = await this.#look(signal);
      const { steps, notices } = planPrune(state, this.#options.policy);
      for (const text of notices) yield { kind: "notice", text };
      for (const step of steps) {
        signal.throwIfAborted();
        const item = dry
          ? { outcome: "would_remove" as const }
          : await this.#remove(step, state, signal);
        if (item) yield itemOf(step, item);
      }
    } finally {
      this.#running = false;
    }
  }

  async #look(signal: AbortSignal): Promise<PruneState> {
    const { docker, policy, named, diskPct, now } = this.#options;
    const [images, containers, names, fullPct] = await Promise.all([
      policy.images ? docker.listImages(signal) : [],
      docker.listContainers({ all: true }, signal),
      named(),
      policy.images && policy.diskPct > 0 ? diskPct(signal) : undefined,
    ]);
    return {
      images,
      containers: containers.map((container) => this.#container(container)),
      named: names,
      diskPct: fullPct,
      nowMs: now(),
    };
  }

  #container({ id, name, imageId, status, labels }: ContainerSummary) {
    const { isOurs, isKnown } = this.#options;
    const running = ["running", "paused", "restarting", "removing"].includes(status);
    return { id, name, imageId, running, ours: isOurs(labels), known: isKnown(name) };
  }

  /** Undefined when it is needed again since the look. */
  async #remove(
    step: PruneStep,
    state: PruneState,
    signal: AbortSignal,
  ): Promise<Pick<PruneItem, "outcome" | "error"> | undefined> {
    const { docker, named, isKnown } = this.#options;
    try {
      if (step.kind === "container") {
        if (step.names.some(isKnown)) return undefined;
        // Not by force: should it run again by now, it stays.
        const outcome = await docker.removeContainer(step.id, { volumes: true }, signal);
        return { outcome: outcome === "done" ? "removed" : "gone" };
      }
      const image = state.images.find(({ id }) => id === step.id);
      let outcome: PruneOutcome = "gone";
      for (const ref of step.refs) {
        if (image && isNamed(image, await named())) return undefined;
        const removed = await docker.removeImage(ref, {}, signal);
        if (removed === "in_use") return { outcome: "in_use" };
        if (removed === "done") outcome = "removed";
      }
      return { outcome };
    } catch (error) {
      if (signal.aborted || isAbort(error)) throw error;
      return { outcome: "failed", error: messageOf(error) };
    }
  }

  async #runLogged(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    let removed = 0;
    let sizeBytes = 0;
    for await (const entry of this.run(false, signal)) {
      if (entry.kind === "notice") {
        log.info("prune", { notice: entry.text });
        continue;
      }
      const { kind, id, names, reason, outcome, error } = entry;
      const fields = { kind, id, names, reason, outcome };
      if (outcome === "failed") log.warn("cannot prune", { ...fields, error });
      else log.info("pruned", fields);
      if (outcome !== "removed") continue;
      removed += 1;
      sizeBytes += entry.sizeBytes;
    }
    log.info("prune done", { removed, upToMiB: Math.round(sizeBytes / MIB) });
  }
}

function itemOf(
  { kind, id, names, sizeBytes, reason }: PruneStep,
  ended: Pick<PruneItem, "outcome" | "error">,
): PruneItem {
  return { kind, id, names, sizeBytes, reason, ...ended };
}
