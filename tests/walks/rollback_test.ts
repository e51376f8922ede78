import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

const WIDTH = 4;
const REQUEST_LIMIT_MS = 10_000;

/** Asks for variable `MODE` until `done` aborts; gives every answer. */
async function keepAsking(url: string, done: AbortSignal): Promise<string[]> {
  const answers: string[] = [];
  while (!done.aborted) {
    const signal = AbortSignal.timeout(REQUEST_LIMIT_MS);
    const response = await fetch(`${url}/hello/env?name=MODE`, { signal });
    answers.push(`${response.status} ${(await response.text()).trim()}`);
  }
  return answers;
}

/** The component `hello` whose variable `MODE` is `value`. */
async function put(node: TestNode, value: string): Promise<void> {
  const environment = [{ name: "MODE", value }];
  await node.putSample("hello", {}, { RestartOrder: "startstop", environment });
}

Deno.test("walk: a rollback under load puts what was there before, and no request fails", async () => {
  await using node = await TestNode.start();
  await put(node, "one");
  await put(node, "two");
  assert.equal(await (await fetch(`${node.url}/hello/env?name=MODE`)).text(), "two\n");
  await using stack = new AsyncDisposableStack();
  const done = new AbortController();
  const asking = Promise.all(
    Array.from({ length: WIDTH }, () => keepAsking(node.url, done.signal)),
  );
  stack.defer(async () => {
    done.abort();
    await asking.catch(() => {});
  });

  const from = node.log.length;
  const begun = performance.now();
  assert.equal(
    await node.run(["comp", "rollback", "hello"]),
    "Component rolled back: hello version 2 -> 3, with the content of version 1\n" +
      "  environment.MODE: *** -> ***\n",
  );
  const answered = performance.now();
  await node.seen((line) => line.message === "instance serves" && line.version === 3, { from });
  const served = performance.now();
  await node.hasContainers(1);
  done.abort();
  const answers = (await asking).flat();
  assert.deepEqual([...new Set(answers)].toSorted(), ["200 one", "200 two"]);
  const ms = (from: number, to: number) => `${Math.round(to - from)} ms`;
  console.log(
    `  ${answers.length} requests, 0 failed; answered after ${ms(begun, answered)}, ` +
      `served after ${ms(begun, served)}`,
  );

  const versions = JSON.parse(await node.run(["comp", "versions", "hello", "--json"]));
  assert.deepEqual(versions.map(({ version }: { version: number }) => version), [3, 2]);
  await node.run(["comp", "rollback", "hello"]);
  await node.seen((line) => line.message === "instance serves" && line.version === 4, { from });
  await node.hasContainers(1);
  assert.equal(await (await fetch(`${node.url}/hello/env?name=MODE`)).text(), "two\n");
});

Deno.test("walk: a version that does not start is taken back", async () => {
  await using node = await TestNode.start();
  await put(node, "one");
  assert.equal(await (await fetch(`${node.url}/hello/env?name=MODE`)).text(), "one\n");
  const environment = [{ name: "APP_EXIT_AT_START", value: "3" }];
  await node.putSample("hello", {}, { RestartOrder: "startstop", environment });
  await node.seen((line) => /process exited with code 3/.test(line.message));
  const from = node.log.length;
  await node.run(["comp", "rollback", "hello"]);
  await node.seen((line) => line.message === "instance serves" && line.version === 3, { from });
  assert.equal(await (await fetch(`${node.url}/hello/env?name=MODE`)).text(), "one\n");
  const { code, stderr } = await node.cli(["comp", "rollback", "hello", "7"]);
  assert.equal(code, 3);
  assert.match(stderr, /version 7 is not kept; kept are 2$/m);
});
