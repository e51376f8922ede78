import assert from "node:assert/strict";
import { diskPct } from "../../../daemon/prune/disk.ts";

Deno.test("diskPct() says how full a disk is, and nothing of a path that is not there", async () => {
  assert.equal(await diskPct("/no/such/path"), undefined);
  const found = await diskPct("/");
  const { stdout } = await new Deno.Command("df", { args: ["--output=pcent", "/"] }).output();
  const shown = Number(/(\d+)%/.exec(new TextDecoder().decode(stdout))?.[1]);
  // df rounds up, and others write meanwhile.
  assert.ok(found !== undefined && Math.abs(shown - found) < 3, `${found} is not ${shown}`);
});
