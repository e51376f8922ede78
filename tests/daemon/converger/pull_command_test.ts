import assert from "node:assert/strict";
import { runPullCommand } from "../../../daemon/converger/pull_command.ts";
import { isAbort } from "../../../lib/errors.ts";
import { createLog } from "../../../lib/log.ts";
import { failure } from "../../support/docker/failure.ts";

const DOCKER = { image: "shop:7", pullUsername: "anna", pullPassword: "s3cret" };

/** A log and a promise of its first line with `text`. */
function listening(text = "") {
  const lines: Record<string, unknown>[] = [];
  const heard = Promise.withResolvers<void>();
  const write = (line: string) => {
    lines.push(JSON.parse(line));
    if (line.includes(text)) heard.resolve();
  };
  const log = createLog({ level: "info", format: "json", write });
  const said = () => lines.map(({ line }) => line);
  return { log, said, heard: heard.promise };
}

function run(command: string[], { log = listening().log, ...options }: {
  log?: ReturnType<typeof listening>["log"];
  limitMs?: number;
  signal?: AbortSignal;
} = {}): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  return runPullCommand(command, { docker: DOCKER, log, ...options, signal });
}

const sh = (script: string, ...args: string[]) => ["/bin/sh", "-c", script, ...args];

Deno.test("runPullCommand() fails for a program that is not there", async () => {
  await assert.rejects(
    run(["/no/such/program"]),
    failure("start_failed", /^Cannot pull image "shop:7" with pullCommand "\/no\/such\/program": /),
  );
});

Deno.test("runPullCommand() tells the code and the last line of a command that fails", async () => {
  await assert.rejects(
    run(sh("echo first; echo 'no space for s3cret' >&2; exit 3")),
    failure("start_failed", /: exit code 3, last line: (no space for \*\*\*|first)$/, { code: 3 }),
  );
});

Deno.test("runPullCommand() ends the command with its signal, by force if need be", async () => {
  const { log, heard } = listening("ready");
  const stop = new AbortController();
  const begun = performance.now();
  const script = "trap 'echo not yet' TERM; echo ready; while true; do sleep 0.1; done";
  const running = run(sh(script), { log, signal: stop.signal });
  await heard;
  stop.abort();
  await assert.rejects(running, isAbort);
  assert.ok(performance.now() - begun < 20_000);
});

Deno.test("runPullCommand() ends the command that takes too long", async () => {
  await assert.rejects(
    run(["/bin/sleep", "600"], { limitMs: 100 }),
    failure("timeout", /: no end within 0\.1 s$/),
  );
});

Deno.test("runPullCommand() does not wait for what the command leaves behind", async () => {
  const { log, said } = listening();
  const begun = performance.now();
  await run(sh("sleep 5 & echo $!"), { log });
  assert.ok(performance.now() - begun < 4500);
  Deno.kill(Number(said()[0]));
});

Deno.test("runPullCommand() replaces <image>, without a shell, and hides the daemon's settings", async () => {
  const { log, said } = listening();
  Deno.env.set("MAEL_CLUSTER_KEY", "0123456789abcdef");
  try {
    const command = ["<image>", "x<image>y<image>", "$HOME; echo no"];
    await run(sh('printf "%s\\n" "$@"; env', "sh", ...command), { log });
  } finally {
    Deno.env.delete("MAEL_CLUSTER_KEY");
  }
  assert.deepEqual(said().slice(0, 3), ["shop:7", "xshop:7yshop:7", "$HOME; echo no"]);
  assert.ok(said().includes("MAELSTROM_PULL_USERNAME=anna"));
  assert.ok(said().includes("MAELSTROM_PULL_PASSWORD=***"), "given, and taken out of the log");
  assert.ok(said().some((line) => String(line).startsWith("PATH=")));
  assert.ok(!said().some((line) => String(line).includes("MAEL_CLUSTER_KEY")));
});

Deno.test("runPullCommand() bounds what it logs of a command that talks without end", async () => {
  const { log, said } = listening();
  await run(
    sh(
      "head -c 300000 /dev/zero | tr '\\0' x; i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo $i; done",
    ),
    { log },
  );
  assert.equal(said().length, 1001);
  assert.equal(String(said()[0]).length, 4096);
  assert.equal(said().at(-1), "(more is not logged)");
});
