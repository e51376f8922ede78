/** Methods on the runs of cron event sources. @module */
import { checkName } from "../../lib/contract/names.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { CronRuns } from "../store/cron_runs.ts";
import type { Store } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun = "MaelstromService.ListCronRuns" | "MaelstromService.RunCron";

const LIST_DEFAULT = 20;

/** What the methods work on. */
export interface CronMethodsOptions {
  readonly store: Pick<Store, "getEventSource">;
  readonly runs: CronRuns;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** The methods. */
export function cronMethods({ store, runs, now }: CronMethodsOptions): Pick<Methods, Noun> {
  /** The canonical name of a cron event source. */
  const cronName = async (given: string | undefined): Promise<string> => {
    const name = checkName(given, "input.name");
    const found = await store.getEventSource(name);
    if (!found) {
      throw new MaelstromError("not_found", `No event source found with name: ${name}`);
    }
    if (found.eventSource.cron) return name;
    throw new MaelstromError("invalid", `Cannot tell runs of "${name}": it is no cron source`);
  };
  return {
    async "MaelstromService.ListCronRuns"({ name, limit = LIST_DEFAULT }) {
      return { runs: await runs.list(await cronName(name), limit) };
    },
    async "MaelstromService.RunCron"(input) {
      const name = await cronName(input.name);
      return { name, runId: await runs.ask(name, now()) };
    },
  };
}
