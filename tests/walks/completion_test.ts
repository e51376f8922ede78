import assert from "node:assert/strict";
import { Terminal } from "../support/cli/terminal.ts";
import { EXECUTABLE } from "../support/executable.ts";
import { TestNode } from "../support/node.ts";
import { hasShell } from "../support/shells.ts";

const NAMES = ["shop", "shipping", "blog"];

/** A node with components, and an environment in which `maelstrom` is what is tested. */
class Place implements AsyncDisposable {
  readonly #node: TestNode;
  readonly #bin: string;

  private constructor(node: TestNode, bin: string) {
    this.#node = node;
    this.#bin = bin;
  }

  static async make(): Promise<Place> {
    const bin = await Deno.makeTempDir({ prefix: "maelstrom-bin-" });
    const script = `#!/bin/sh\nexec ${EXECUTABLE} "$@"\n`;
    await Deno.writeTextFile(`${bin}/maelstrom`, script, { mode: 0o755 });
    const place = new Place(await TestNode.start(), bin);
    for (const name of NAMES) {
      await place.#node.run(["comp", "put", name, "--image", `${name}:7`, "--port", "80"]);
    }
    return place;
  }

  get env(): Record<string, string> {
    const { PATH, HOME } = Deno.env.toObject();
    const env = { HOME: HOME ?? "/", INPUTRC: "/dev/null", PS1: "READY> " };
    return { ...this.#node.env(), ...env, PATH: `${this.#bin}:${PATH}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
    await Deno.remove(this.#bin, { recursive: true });
  }
}

function shellTest(shell: string, what: string, fn: () => Promise<void>, found: boolean): void {
  const name = `walk: ${shell} completes ${what}`;
  Deno.test({ name: found ? name : `${name} (skipped: no ${shell})`, ignore: !found, fn });
}

const INTERACTIVE = {
  bash: { line: "bash --norc --noprofile -i", setup: "source <(maelstrom completion bash)" },
  zsh: {
    line: "zsh -f -i",
    setup: "autoload -Uz compinit; compinit -u -D; source <(maelstrom completion zsh)",
  },
};

for (const [shell, { line, setup }] of Object.entries(INTERACTIVE)) {
  shellTest(shell, "commands, flags, names and files as they are typed", async () => {
    await using place = await Place.make();
    await using terminal = new Terminal(line, { env: place.env });
    await terminal.shows(/READY> /);
    await terminal.press(`${setup}\r`);
    await terminal.shows(/READY> /);
    for (
      const [typed, completed] of [
        ["maelstrom comp ge", /comp get/],
        ["maelstrom ps --refr", /ps --refresh/],
        ["maelstrom comp get b", /comp get blog/],
        ["maelstrom es ls --component=b", /--component=blog/],
        ["maelstrom comp put -f /etc/os-rel", /\/etc\/os-release/],
        ["maelstrom comp put --file=/etc/os-rel", /--file=\/etc\/os-release/],
      ] as const
    ) {
      await terminal.press(`${typed}\t`);
      await terminal.shows(completed);
      // Ctrl-U: the next line begins anew.
      await terminal.press("\x15");
    }
    await terminal.press("maelstrom comp get sh\t\t");
    await terminal.shows(/shipping[^]*shop/);
  }, await hasShell(shell));
}

shellTest("fish", "commands, flags, names and files", async () => {
  await using place = await Place.make();
  const complete = async (line: string) => {
    const { stdout } = await new Deno.Command("fish", {
      args: ["--no-config", "-c", `maelstrom completion fish | source; complete -C "${line}"`],
      env: place.env,
      stdin: "null",
      stderr: "inherit",
    }).output();
    return new TextDecoder().decode(stdout).trim().split("\n");
  };
  assert.match((await complete("maelstrom comp ge"))[0]!, /^get\tPrint a component/);
  assert.match((await complete("maelstrom ps --refr"))[0]!, /^--refresh\t/);
  assert.deepEqual(await complete("maelstrom comp get sh"), [
    "shipping\tshipping:7",
    "shop\tshop:7",
  ]);
  assert.deepEqual(await complete("maelstrom es ls --component=b"), ["--component=blog\tblog:7"]);
  assert.deepEqual(await complete("maelstrom comp put -f /etc/os-rel"), ["/etc/os-release"]);
  assert.deepEqual(await complete("maelstrom comp put --file=/etc/os-rel"), [
    "--file=/etc/os-release",
  ]);
}, await hasShell("fish"));

Deno.test("walk: a completion that asks the node takes no time to speak of", async () => {
  await using place = await Place.make();
  const tookMs: number[] = [];
  for (let round = 0; round < 10; round++) {
    const begun = performance.now();
    const { stdout } = await new Deno.Command("maelstrom", {
      args: ["__complete", "--", "comp", "get", "sh"],
      env: place.env,
      clearEnv: true,
      stdin: "null",
    }).output();
    tookMs.push(performance.now() - begun);
    assert.equal(new TextDecoder().decode(stdout), "shipping\tshipping:7\nshop\tshop:7\n");
  }
  const median = tookMs.sort((a, b) => a - b)[tookMs.length >> 1]!;
  console.log(`median of ${tookMs.length} completions: ${median.toFixed(0)} ms`);
});
