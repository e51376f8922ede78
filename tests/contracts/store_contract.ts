/** What every store promises, whatever database is below it: one suite, run by each driver. */
import { componentLists, components } from "./store_contract_components.ts";
import { eventSourceLists, eventSources } from "./store_contract_event_sources.ts";
import type { Contract, TestDatabase } from "./store_contract_support.ts";
import { namedValues, versions } from "./store_contract_versions.ts";
import { nodes, roles, wholes } from "./store_contract_wholes.ts";

export type { TestDatabase } from "./store_contract_support.ts";

/** Declares the suite for the stores of `make`, under `name`. */
export function storeContract(name: string, make: () => Promise<TestDatabase>): void {
  const contract: Contract = (title, work, options) =>
    Deno.test(`${name}: Store.${title}`, async () => {
      await using database = await make();
      await using store = await database.open(options);
      await work(store, database);
    });
  components(contract);
  componentLists(contract);
  eventSources(contract);
  eventSourceLists(contract);
  versions(contract);
  namedValues(contract);
  wholes(contract);
  nodes(contract);
  roles(contract);
}
