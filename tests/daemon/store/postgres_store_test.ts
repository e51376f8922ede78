/** The contracts of the store and its driver on PostgreSQL. */
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { Store } from "../../../daemon/store/store.ts";
import { silentLog } from "../../../lib/log.ts";
import { driverContract } from "../../contracts/driver_contract.ts";
import { storeContract, type TestDatabase } from "../../contracts/store_contract.ts";
import { lacksPostgres, sharedPostgres } from "../../support/postgres.ts";

const log = silentLog;
/** Names must be compared byte by byte although the database's own order is a dictionary's. */
const DICTIONARY = "template template0 locale_provider icu icu_locale 'de'";

async function postgresDatabase(): Promise<TestDatabase> {
  const server = await sharedPostgres();
  const { dsn, [Symbol.asyncDispose]: dispose } = await server.database(DICTIONARY);
  return {
    open: async (options = {}) =>
      new Store(await openPostgres(dsn, { log }), { nodeId: "node-1", ...options }),
    [Symbol.asyncDispose]: dispose,
  };
}

if (!lacksPostgres()) {
  storeContract("postgres", postgresDatabase);

  driverContract("postgres", async () => {
    const stack = new AsyncDisposableStack();
    const { dsn } = stack.use(await (await sharedPostgres()).database(DICTIONARY));
    const driver = stack.use(await openPostgres(dsn, { log }));
    return { driver, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  });
}
