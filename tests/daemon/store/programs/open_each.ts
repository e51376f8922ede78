/** Opens each file named as an argument and prints the code and message of the failure. */
import { openSqlite } from "../../../../daemon/store/sqlite.ts";
import { MaelstromError } from "../../../../lib/errors.ts";
import { silentLog } from "../../../../lib/log.ts";

for (const file of Deno.args) {
  try {
    await using _driver = await openSqlite(file, { log: silentLog });
    console.log("opened");
  } catch (error) {
    console.log(
      error instanceof MaelstromError ? `${error.code} ${error.message}` : `bug ${error}`,
    );
  }
}
