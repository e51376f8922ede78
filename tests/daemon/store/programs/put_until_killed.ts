/** Puts components in the database named as an argument and prints `name version` of each put. */
import { openSqlite } from "../../../../daemon/store/sqlite.ts";
import { Store } from "../../../../daemon/store/store.ts";
import { silentLog } from "../../../../lib/log.ts";

const driver = await openSqlite(Deno.args[0] ?? "", { log: silentLog });
const store = new Store(driver, { nodeId: "n" });
const encoder = new TextEncoder();

async function putOnce(name: string): Promise<void> {
  const version = (await store.getComponent(name))?.component.version ?? 0;
  const put = await store.putComponent({
    name,
    version,
    environment: [],
    maxConcurrency: version + 1,
    docker: { image: "shop:7", httpPort: 8080 },
  });
  Deno.stdout.writeSync(encoder.encode(`${name} ${put.version}\n`));
}

for (;;) await Promise.all(["a", "b", "c", "d", "e"].map(putOnce));
