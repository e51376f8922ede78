/** What somebody wants to read. Types only. @module */

/** What a reader wants. */
export interface LogRequest {
  /** Components, as globs; none means all. */
  readonly globs: readonly string[];
  /** Only lines written since then, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** True: go on with what is written, also by instances to come. */
  readonly follow: boolean;
  /** The instances of the whole cluster, or of this node alone. */
  readonly nodes: "all" | "one";
}
