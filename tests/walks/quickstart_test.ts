import assert from "node:assert/strict";
import { join } from "node:path";

const QUICKSTART = join(import.meta.dirname!, "../../examples/quickstart/quickstart.ts");

Deno.test("walk: the quickstart serves, and Ctrl-C leaves nothing behind", async () => {
  await using process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", QUICKSTART],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    detached: true,
  }).spawn();
  let printed = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    const asked = printed.includes("press Ctrl-C");
    printed += text;
    // A terminal sends it to the whole group of processes.
    if (!asked && printed.includes("press Ctrl-C")) Deno.kill(-process.pid, "SIGINT");
  }
  assert.equal((await process.status).code, 0, printed);
  assert.match(printed, /^hello from hello version \d+, container \w+, request 1$/m);
  assert.match(printed, /^Removed the component and its container\.$/m);
});
