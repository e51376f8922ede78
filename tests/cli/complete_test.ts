import assert from "node:assert/strict";
import { COMMANDS } from "../../cli/commands.ts";
import { component, eventSource, nodeStatus } from "../support/cli/builders.ts";
import { startFakeNode } from "../support/cli/fake_node.ts";
import { run } from "../support/cli/run.ts";

const STATE = {
  components: [component("shop"), component("shipping"), component("blog")],
  sources: [eventSource("shop_http", { http: { pathPrefix: "/" } })],
  nodes: [nodeStatus("node-1", [])],
};

/** What is offered for the last of `line`'s words, without what it is. */
async function offered(line: string, env = {}): Promise<string[]> {
  const { code, stdout, stderr } = await run(["__complete", "--", ...line.split(" ")], { env });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.split("\n").slice(0, -1).map((row) => row.split("\t")[0]!);
}

const cases: { line: string; want: string[] }[] = [
  { line: "comp g", want: ["get"] },
  { line: "cl", want: [] },
  { line: "cluster ", want: ["nodes", "ps"] },
  { line: "nothing ", want: [] },
  { line: "help project d", want: ["diff"] },
  { line: "comp get ", want: ["shop", "shipping", "blog"] },
  { line: "comp get sh", want: ["shop", "shipping"] },
  { line: "comp get shop ", want: ["--json", "--help"] },
  { line: "comp get --json sh", want: ["shop", "shipping"] },
  { line: "comp get -- b", want: ["blog"] },
  { line: "comp get -- -", want: [] },
  { line: "comp rollback shop ", want: ["--json", "--wait", "--no-wait", "--timeout", "--help"] },
  { line: "comp put --restart-order ", want: ["startstop", "stopstart"] },
  {
    line: "comp put --restart-order=st",
    want: ["startstop", "stopstart"].map((word) => `--restart-order=${word}`),
  },
  { line: "comp put -f ", want: [":files"] },
  { line: "comp put --file=x", want: [":files"] },
  { line: "comp put --env ", want: [] },
  { line: "comp put shop --env A=1 --en", want: ["--env"] },
  { line: "comp put shop --image x --im", want: [] },
  { line: "es get ", want: ["shop_http"] },
  { line: "es ls --component b", want: ["blog"] },
  { line: "es ls --component=b", want: ["--component=blog"] },
  { line: "logs shop bl", want: ["blog"] },
  { line: "logs shop --fo", want: ["--follow"] },
  { line: "logs -f ", want: ["shop", "shipping", "blog"] },
  { line: "node drain ", want: ["node-1"] },
  { line: "ps ", want: ["--refresh", "--watch", "--json", "--help"] },
  { line: "completion z", want: ["zsh"] },
  { line: "token create ci --scope d", want: ["deploy"] },
];
for (const { line, want } of cases) {
  Deno.test(`__complete offers for "${line}"`, async () => {
    await using node = startFakeNode(STATE);
    assert.deepEqual(await offered(line, { MAELSTROM_PRIVATE_URL: node.url }), want);
  });
}

Deno.test("__complete offers every command, word by word", async () => {
  for (const { words } of COMMANDS) {
    for (const [at, word] of words.entries()) {
      const found = await offered([...words.slice(0, at), ""].join(" "));
      assert.ok(found.includes(word), `${word} after ${words.slice(0, at)}`);
      assert.equal(new Set(found).size, found.length);
    }
  }
});

Deno.test("__complete says what a candidate is", async () => {
  await using node = startFakeNode(STATE);
  const { stdout } = await run(["__complete", "--", "comp", "get", "b"], {
    env: { MAELSTROM_PRIVATE_URL: node.url },
  });
  assert.equal(stdout, "blog\tblog:7\n");
  assert.match((await run(["__complete", "--", "ps", "--r"])).stdout, /^--refresh\tAsk every node/);
});

Deno.test("__complete is silent when no node answers, or refuses", async () => {
  await using refusing = startFakeNode({ key: "k" });
  for (const url of ["http://127.0.0.1:1", "nonsense", refusing.url]) {
    assert.deepEqual(await offered("comp get ", { MAELSTROM_PRIVATE_URL: url }), []);
  }
});

Deno.test("__complete does not wait for a node that is slow", async () => {
  const over = Promise.withResolvers<Response>();
  await using node = startFakeNode({ intercept: () => over.promise });
  const begun = performance.now();
  assert.deepEqual(await offered("comp get ", { MAELSTROM_PRIVATE_URL: node.url }), []);
  assert.ok(performance.now() - begun < 5000);
  over.resolve(new Response());
});

Deno.test("completion prints a script for the shells it knows", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await run(["completion", shell]);
    assert.equal(code, 0);
    assert.match(stdout, /__complete -- [^]*maelstrom/);
  }
  for (const shells of [[], ["tcsh"], ["toString"]]) {
    const { code, stderr } = await run(["completion", ...shells]);
    assert.equal(code, 2);
    assert.match(stderr, /must be bash, zsh or fish, found (none|"tcsh"|"toString")$/m);
  }
});
