import assert from "node:assert/strict";
import { COMMANDS } from "../../cli/commands.ts";
import { cliReference } from "../../cli/reference.ts";
import { parseFlags } from "../../cli/flags.ts";
import { findCommand } from "../../cli/find_command.ts";
import { splitWords } from "../../cli/split_words.ts";
import { assertGolden } from "../support/cli/golden.ts";
import { run } from "../support/cli/run.ts";

for (
  const [name, args] of [
    ["help.txt", ["help"]],
    ["help_comp_put.txt", ["help", "comp", "put"]],
    ["help_es.txt", ["help", "es"]],
    ["help_cluster_ps.txt", ["cluster", "ps", "--help"]],
  ] as const
) {
  Deno.test(`printHelp() prints ${args.join(" ")}`, async () => {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    await assertGolden(stdout, name);
  });
}

Deno.test("printHelp() prints the same however it is asked", async () => {
  const same = [
    [[], ["--help"], ["-h"], ["help"]],
    [["comp", "--help"], ["comp", "-h"], ["help", "comp"]],
    [["comp", "ls", "-h"], ["help", "comp", "ls"], ["comp", "ls", "--json", "--help"]],
    [["ps", "-h"], ["help", "ps"], ["help", "cluster", "ps"]],
    [["help", "help"], ["help", "--help"]],
  ];
  for (const [first = [], ...others] of same) {
    const want = await run(first);
    assert.equal(want.code, 0);
    for (const args of others) assert.deepEqual(await run(args), want, args.join(" "));
  }
});

for (const command of COMMANDS) {
  const words = command.words.join(" ");
  Deno.test(`help for ${words} fits 80 columns, and its examples parse`, async () => {
    const { stdout } = await run(["help", ...command.words]);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
    const lines = command.examples.flatMap(({ line }) => line.split(/[;|>]/))
      .map((line) => splitWords(line.trim()) ?? [])
      .filter(([program]) => program === "maelstrom");
    assert.ok(lines.length > 0);
    for (const [, ...args] of lines) {
      const found = findCommand(args);
      parseFlags(found.command, found.rest);
    }
  });
}

Deno.test("cliReference() is what docs/reference/cli.md holds", async () => {
  const page = new URL("../../docs/reference/cli.md", import.meta.url);
  assert.equal(await Deno.readTextFile(page), cliReference());
});
