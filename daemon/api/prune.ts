/**
 * `POST /_mael/prune[?dryRun=true]`: prunes this node and tells of each thing as it goes, as NDJSON.
 * A caller that leaves ends the run after the step it is at.
 * @module
 */
import type { PruneEntry, PruneFailure } from "../../lib/contract/prune.ts";
import { asMaelstromError, isAbort } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Pruner } from "../prune/pruner.ts";
import type { Endpoint } from "./api.ts";
import { isTrue } from "./query.ts";

/** The endpoint over `pruner`. `stop` aborts when the node stops. */
export function pruneEndpoint(pruner: Pruner, log: Log, stop: AbortSignal): Endpoint {
  return {
    method: "POST",
    async answer(request) {
      const dry = isTrue(new URL(request.url).searchParams, "dryRun");
      const left = new AbortController();
      const run = pruner.run(dry, AbortSignal.any([left.signal, stop]));
      // What fails before the first word is still an error of its own.
      const first = await run.next();
      log.info("pruning as asked", { dryRun: dry });
      return new Response(ndjson(first, run, left), {
        headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
      });
    },
  };
}

type Run = AsyncGenerator<PruneEntry, void, undefined>;

function ndjson(
  first: IteratorResult<PruneEntry, void>,
  run: Run,
  left: AbortController,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<PruneEntry, void>> | undefined = Promise.resolve(first);
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await (next ?? run.next());
        next = undefined;
        if (left.signal.aborted) return;
        if (done) return controller.close();
        controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      } catch (error) {
        if (left.signal.aborted) return;
        // Too late for a status.
        controller.enqueue(encoder.encode(`${JSON.stringify(failureOf(error))}\n`));
        controller.close();
      }
    },
    async cancel() {
      left.abort();
      await run.return();
    },
  }, { highWaterMark: 0 });
}

function failureOf(error: unknown): PruneFailure {
  if (isAbort(error)) {
    return {
      kind: "failure",
      code: "stopping",
      text: "Cannot go on pruning: the node is stopping",
    };
  }
  const { code, message } = asMaelstromError(error);
  return { kind: "failure", code, text: message };
}
