/** A check of every component that is put, whichever method puts it. @module */
import type { Component } from "../../lib/contract/v1.ts";
import type { Methods } from "./rpc.ts";

/** The methods that put what comes from outside. A rollback puts what had been put before. */
type Puts = Pick<Methods, "MaelstromService.PutComponent" | "MaelstromService.PutProject">;

/** `methods` that put nothing for which `check` throws. */
export function checkingPuts<M extends Puts>(methods: M, check: (component: Component) => void): M {
  return {
    ...methods,
    async "MaelstromService.PutComponent"(input, signal) {
      check(input.component);
      return await methods["MaelstromService.PutComponent"](input, signal);
    },
    async "MaelstromService.PutProject"(input, signal) {
      for (const { component } of input.project.components) check(component);
      return await methods["MaelstromService.PutProject"](input, signal);
    },
  } satisfies Puts as M;
}
