import assert from "node:assert/strict";
import { ensureSampleImage } from "../../../examples/quickstart/image.ts";
import { labelled } from "../../support/docker/labelled.ts";

Deno.test("ensureSampleImage() makes the image once, however many ask", async () => {
  await using test = labelled();
  const { docker, signal } = test;
  const said: string[] = [];
  const ask = () => ensureSampleImage(docker, { say: (text) => said.push(text), signal });
  const refs = await Promise.all([ask(), ask(), ask()]);
  assert.equal(new Set(refs).size, 1);
  assert.match(refs[0] ?? "", /^maelstrom-sample:[0-9a-f]{12}$/);
  assert.ok(said.length <= 1);
  const again = said.length;
  await ask();
  assert.equal(said.length, again);
});

Deno.test("ensureSampleImage() makes an image whose programs can write to /tmp as anybody", async () => {
  await using test = labelled();
  const id = await test.run({ User: "1234:1234" });
  const script =
    "await Deno.writeTextFile('/tmp/x', 'y'); console.log(Deno.uid(), Deno.readTextFileSync('/tmp/x'))";
  const result = await test.docker.exec(id, ["/bin/deno", "eval", script], {
    timeoutMs: 10_000,
    signal: test.signal,
  });
  assert.deepEqual(result, { exitCode: 0, stdout: "1234 y\n", stderr: "" });
});
