/** What a case of the benchmark is given and what it gives. @module */
import type { DockerClient } from "../../lib/docker/client.ts";
import type { NodeOptions, TestNode } from "../support/node.ts";
import type { Address } from "./libc.ts";
import type { Proxy } from "./peers.ts";
import type { Section } from "./report.ts";

/** Everything that runs while cases are measured. */
export interface Bench {
  /** The node whose public port is measured. */
  readonly node: TestNode;
  readonly docker: DockerClient;
  /** Starts another node of the program under test; the caller disposes it. */
  startNode(options?: NodeOptions): Promise<TestNode>;
  /** The program under test; `maelstrom` on the command line. */
  readonly executable: string;
  readonly backend: Address;
  /** The backend's image. */
  readonly imageRef: string;
  readonly ours: Proxy;
  readonly nginx: Proxy;
  readonly haproxy: Proxy;
  readonly caddy: Proxy;
  /** Empty folder for files of the cases. */
  readonly folder: string;
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One thing that is measured. */
export interface BenchCase {
  /** As it is chosen on the command line: `small-64`. */
  readonly name: string;
  /** What is measured, in a few words. */
  readonly about: string;
  run(bench: Bench): Promise<Section>;
}

/** Runs `measure` for each of `subjects` in turn, again and again: A B C A B C. */
export async function interleave<S, R>(
  subjects: readonly S[],
  rounds: number,
  measure: (subject: S) => Promise<R>,
): Promise<Map<S, R[]>> {
  const results = new Map(subjects.map((subject) => [subject, [] as R[]]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) results.get(subject)!.push(await measure(subject));
  }
  return results;
}
