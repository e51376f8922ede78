import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { PROJECT_DIR } from "../../packaging/project.ts";
import { run } from "./made.ts";

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly [key: string]: unknown;
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const FOLDER = join(PROJECT_DIR, ".github/workflows");

for await (const { name } of Deno.readDir(FOLDER)) {
  Deno.test(`${name} has only steps that are plain, valid scripts`, async () => {
    const text = await Deno.readTextFile(join(FOLDER, name));
    const { permissions, jobs } = parse(text) as Workflow;
    assert.deepEqual(permissions, { contents: "read" });
    for (const step of Object.values(jobs).flatMap(({ steps }) => steps)) {
      assert.deepEqual(Object.keys(step).sort(), ["name", "run"]);
      // What stands in an expression would become part of the script.
      assert.doesNotMatch(step.run!, /\$\{\{/);
      const { code, stderr } = await run("bash", ["-n", "-c", step.run!]);
      assert.equal(code, 0, `${step.name}: ${stderr}`);
    }
  });

  Deno.test(`${name} leaves the version of Deno to .dvmrc`, async () => {
    const text = await Deno.readTextFile(join(FOLDER, name));
    assert.doesNotMatch(text, /deno@\d/);
  });
}
