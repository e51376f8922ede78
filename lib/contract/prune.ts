/** What `POST /_mael/prune` sends, one JSON object per line. @module */
import type { ErrorCode } from "../errors.ts";

/** What became of a thing; `would_remove` in a dry run, `in_use` when a container needs it after all. */
export type PruneOutcome = "would_remove" | "removed" | "in_use" | "gone" | "failed";

/** An image or a container that goes: `{ "kind": "image", "names": ["redis:3.2"], … }`. */
export interface PruneItem {
  readonly kind: "image" | "container";
  readonly id: string;
  /** As the engine writes them; empty for an image without a name. */
  readonly names: readonly string[];
  /** Of an image, with layers it may share with others; 0 for a container. */
  readonly sizeBytes: number;
  readonly reason: string;
  readonly outcome: PruneOutcome;
  /** Why it failed. */
  readonly error?: string;
}

/** Why something was left alone. */
export interface PruneNotice {
  readonly kind: "notice";
  readonly text: string;
}

/** Why the run ended before its time; the last line. */
export interface PruneFailure {
  readonly kind: "failure";
  readonly code: ErrorCode;
  readonly text: string;
}

/** One line of the stream. */
export type PruneEntry = PruneItem | PruneNotice | PruneFailure;
