import assert from "node:assert/strict";
import { join } from "node:path";
import { ENTRY, loadedWith, readBundle } from "../../packaging/bundle.ts";
import { PROJECT_DIR, runDeno } from "../../packaging/project.ts";
import { assertLikeSource, runBundle, testBundle, testFolder } from "./made.ts";

Deno.test("bundle() gives the same bytes from a clone in another folder", async () => {
  await using here = await testBundle();
  await using clone = await testFolder();
  for (const name of ["main.ts", "deno.json", "deno.lock", ".dvmrc"]) {
    await Deno.copyFile(join(PROJECT_DIR, name), join(clone.path, name));
  }
  for (const name of ["cli", "daemon", "lib", "packaging"]) {
    await copyFolder(join(PROJECT_DIR, name), join(clone.path, name));
  }
  const flags = ["run", "--allow-all", "--no-check", "--cached-only"];
  const { code, stderr } = await runDeno([...flags, "packaging/bundle.ts"], { cwd: clone.path });
  assert.equal(code, 0, stderr);
  const there = await readBundle(join(clone.path, "dist/bundle"));
  assert.deepEqual(
    there.map(({ name, text }) => ({ name, text })),
    here.files.map(({ name, text }) => ({ name, text })),
  );
});

Deno.test("bundle() makes a program that does what the sources do", async () => {
  await using made = await testBundle();
  await assertLikeSource((args, options) => runBundle(join(made.path, ENTRY), args, options));
});

Deno.test("bundle() keeps the daemon out of what the command line tool loads", async () => {
  await using made = await testBundle();
  const { files } = made;
  const loaded = (stem: string) => {
    const [name, ...others] = files.map(({ name }) => name).filter((name) => stem === stemOf(name));
    assert.ok(name && others.length === 0, `one chunk "${stem}" was expected`);
    return loadedWith(name, files);
  };
  const sizeOf = (names: Iterable<string>) =>
    [...names].reduce((sum, name) => sum + files.find((file) => file.name === name)!.size, 0);
  const tool = sizeOf(loaded("cli").union(loaded("version")));
  const daemon = sizeOf(loaded("command"));
  // The schema library alone is ten times as large as all the tool needs at its start.
  assert.ok(tool < 60_000, `the tool loads ${tool} bytes`);
  assert.ok(daemon > tool, `the daemon loads ${daemon} bytes, the tool ${tool}`);
});

Deno.test("readBundle() refuses an import that is not in the bundle", async () => {
  for (const wanted of ["npm:zod", "../outside.js", "./missing.js", "https://localhost/x.js"]) {
    await using folder = await testFolder();
    await Deno.writeTextFile(join(folder.path, "outside.js"), "");
    await Deno.mkdir(join(folder.path, "in"));
    await Deno.writeTextFile(join(folder.path, "in", ENTRY), `import "${wanted}";`);
    await assert.rejects(readBundle(join(folder.path, "in")), /Cannot use the bundle/, wanted);
  }
});

Deno.test("readBundle() refuses a file that nothing imports", async () => {
  await using folder = await testFolder();
  await Deno.writeTextFile(join(folder.path, ENTRY), "");
  await Deno.writeTextFile(join(folder.path, "left-over.js"), "");
  await assert.rejects(readBundle(folder.path), /nothing imports "left-over\.js"/);
});

function stemOf(name: string): string {
  return name.replace(/-[0-9A-F]{8}\.js$/, "");
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
