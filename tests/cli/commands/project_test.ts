import assert from "node:assert/strict";
import { parse } from "yaml";
import { projectJsonSchema } from "../../../lib/project/file_schema.ts";
import { component } from "../../support/cli/builders.ts";
import { type FakeNode, type FakeNodeOptions, startFakeNode } from "../../support/cli/fake_node.ts";
import { assertGolden } from "../../support/cli/golden.ts";
import { run as runTool, type RunOptions } from "../../support/cli/run.ts";

/** The tool beside a node, with files in a directory of one test's own. */
async function setUp(options: FakeNodeOptions = {}) {
  const stack = new AsyncDisposableStack();
  const node: FakeNode = stack.use(startFakeNode(options));
  const path = await Deno.makeTempDir({ prefix: "maelstrom-project-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const run = (args: readonly string[], options: RunOptions = {}) =>
    runTool(["project", ...args], {
      ...options,
      env: { MAELSTROM_PRIVATE_URL: node.url, ...options.env },
    });
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(`${path}/${name}`, text);
    return `${path}/${name}`;
  };
  const put = (yaml: string, ...args: string[]) =>
    run(["put", "-f", "-", ...args], { stdin: yaml });
  return { node, run, write, put, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const HELLO = `
name: hello-mael
components:
  hello:
    image: hello:1
    httpport: 8080
    environment: [PASSWORD=hunter1, MODE=a]
    eventsources:
      hello_http:
        http: {pathprefix: /hello}
`;
const HELLO_2 = HELLO.replace("hello:1", "hello:2").replace("hunter1", "hunter2")
  .replace("MODE=a", "EXTRA=1").replace("/hello}", "/hi}") +
  "  other: {image: 'other:1', httpport: 80, command: [sh, -c, 'sleep 5']}\n";

Deno.test("putProject() prints what it added, then what it changed, then that nothing did", async () => {
  await using tool = await setUp();
  const file = await tool.write("maelstrom.yml", HELLO);
  const first = await tool.run(["put", "--file", file]);
  assert.equal(first.stderr, "");
  await assertGolden(first.stdout.replaceAll(file, "maelstrom.yml"), "project_put_first.txt");
  await tool.write("maelstrom.yml", HELLO_2);
  const second = await tool.run(["put", "-f", file]);
  assert.doesNotMatch(second.stdout, /hunter/);
  await assertGolden(second.stdout.replaceAll(file, "maelstrom.yml"), "project_put_second.txt");
  const third = await tool.run(["put", "-f", file]);
  assert.equal(
    third.stdout,
    `PutProject: No project changes detected for project: hello-mael using file: ${file}\n`,
  );
  assert.deepEqual([first.code, second.code, third.code], [0, 0, 0]);
  assert.deepEqual(tool.node.components.get("hello-mael_other")?.docker.command, [
    "sh",
    "-c",
    "sleep 5",
  ]);
});

Deno.test("diffProject() tells by its exit code: 0 no change, 1 changes, 2 failed", async () => {
  await using tool = await setUp();
  for (const args of [["diff"], ["put", "--diffonly"], ["put", "--dry-run"]]) {
    const diff = await tool.run([...args, "-f", "-"], { stdin: HELLO });
    assert.equal(diff.code, 1);
    assert.match(diff.stdout, /^Project diff: hello-mael from file: standard input\nType /);
    assert.equal(tool.node.components.size, 0, "a diff changes nothing");
    const bad = await tool.run([...args, "-f", "-"], { stdin: "name: [" });
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /^maelstrom: Cannot read standard input:/);
  }
  await tool.put(HELLO);
  const none = await tool.run(["diff", "-f", "-"], { stdin: HELLO });
  assert.equal(none.code, 0);
  assert.match(none.stdout, /^PutProject: No project changes detected/);
  const other = { MAELSTROM_PRIVATE_URL: "http://127.0.0.1:1" };
  const away = await tool.run(["diff", "-f", "-"], { stdin: HELLO, env: other });
  assert.equal(away.code, 2);
  assert.equal((await tool.run(["diff", "--nonsense"])).code, 2);
  const interrupted = await tool.run(["diff", "-f", "-"], {
    stdin: new ReadableStream(),
    signal: AbortSignal.abort(),
  });
  assert.equal(interrupted.code, 130);
});

Deno.test("putProject() as JSON prints what the node answers", async () => {
  await using tool = await setUp();
  const { stdout } = await tool.put(HELLO, "--json");
  assert.equal(JSON.parse(stdout).componentsAdded[0].name, "hello-mael_hello");
});

Deno.test("putProject() replaces variables, those of --env first", async () => {
  await using tool = await setUp();
  const env = await tool.write("prod.env", "# tag\nTAG = 9 \nPORT=81\n");
  const stdin = [
    "name: demo",
    "# a comment with ${TAG}",
    "components:",
    "  web: {image: 'web:${TAG}', httpport: ${PORT}, user: ${ID}, hostname: ${HOST:}}",
    "  raw: {image: 'r', httpport: 1, environment: ['A=$${TAG}', 'B=${REST:-x}']}",
  ].join("\n");
  const put = await tool.run(["put", "-f", "-", "--env", env], {
    stdin,
    env: { TAG: "1", ID: "007" },
  });
  assert.equal(put.stderr, "");
  assert.deepEqual(tool.node.components.get("demo_web")?.docker, {
    image: "web:9",
    httpPort: 81,
    user: "007",
  });
  assert.deepEqual(tool.node.components.get("demo_raw")?.environment, [
    { name: "A", value: "${TAG}" },
    { name: "B", value: "x" },
  ]);
});

Deno.test("putProject() reads the envfile, and says which lines say nothing", async () => {
  await using tool = await setUp();
  const envfile = await tool.write("web.env", "A= 1 \nnothing\nB=2");
  const { stderr } = await tool.put(
    `{name: demo, envfile: ${envfile}, environment: [B=3, C], components: {web: {image: i, httpport: 1}}}`,
  );
  assert.equal(
    stderr,
    "Note: standard input: project.environment[1] says nothing and is ignored.\n",
  );
  assert.deepEqual(tool.node.components.get("demo_web")?.environment, [
    { name: "A", value: " 1 " },
    { name: "B", value: "3" },
  ]);
});

const web = (line: string) =>
  `name: demo\ncomponents:\n  web:\n    image: i\n    httpport: 1\n${line}`;
const FAULTS: readonly { title: string; stdin: string; says: RegExp }[] = [
  {
    title: "an unknown key",
    stdin: web("    comand: [a]\n"),
    says:
      /standard input:6:5: project\.components\.web\.comand is not a known field \(did you mean "command"\?\)/,
  },
  { title: "an unknown key at the top", stdin: "nmae: demo", says: /:1:1: .*did you mean "name"/ },
  {
    title: "a key twice",
    stdin: web("    image: j\n"),
    says: /standard input:6:5: Map keys must be/,
  },
  {
    title: "a key twice in two spellings",
    stdin: web("    httpPort: 2\n"),
    says: /:6:5: .*given twice/,
  },
  {
    title: "each wrong value with its place",
    stdin: web("    cpushares: -1\n    dns: 7\n"),
    says:
      /input:6:5: .*cpushares must be at least 0, found -1; standard input:7:5: .*dns must be a list, found 7/,
  },
  {
    title: "fields that contradict each other",
    stdin: web("    mininstances: 3\n    maxinstances: 1\n"),
    says: /:6:5: project\.components\.web\.mininstances must not be higher than/,
  },
  {
    title: "a fault behind a variable, with the place in the file",
    stdin: web("    user: ${LONG}\n    cpushares: ${LONG}\n"),
    says: /:7:5: project\.components\.web\.cpushares must be a number/,
  },
  { title: "no project", stdin: "# nothing\n", says: /standard input holds none, not one$/ },
  { title: "two documents", stdin: "name: a\n---\nname: b\n", says: /holds 2 documents, not one$/ },
  { title: "a list", stdin: "- a\n", says: /project must be an object, found a list$/ },
  {
    title: "an envfile that is not there",
    stdin: web("") + "envfile: /nonexistent/x.env\n",
    says: /Cannot read \/nonexistent\/x\.env: no such file$/,
  },
];

for (const { title, stdin, says } of FAULTS) {
  Deno.test(`putProject() refuses ${title}`, async () => {
    await using tool = await setUp();
    const { code, stdout, stderr } = await tool.run(["put", "-f", "-"], {
      stdin,
      env: { LONG: "one\n\n\n      two" },
    });
    assert.match(stderr.trimEnd(), says);
    assert.equal(stdout, "");
    assert.equal(code, 1);
    assert.deepEqual(tool.node.calls, [], "nothing is sent");
  });
}

Deno.test("putProject() reads maelstrom.yml unless told otherwise", async () => {
  const { code, stderr } = await runTool(["project", "put"]);
  assert.equal(code, 1);
  assert.equal(stderr, "maelstrom: Cannot read maelstrom.yml: no such file\n");
});

Deno.test("getProject() prints a file that putProject() finds unchanged", async () => {
  await using tool = await setUp();
  await tool.put(HELLO_2);
  const { stdout, stderr } = await tool.run(["get", "Hello-mael"]);
  assert.equal(stderr, "");
  await assertGolden(stdout, "project_get.txt");
  const again = await tool.run(["diff", "-f", "-"], { stdin: stdout });
  assert.equal(again.code, 0, again.stdout + again.stderr);
  const json = await tool.run(["get", "hello-mael", "--json"]);
  assert.equal(JSON.parse(json.stdout).components.length, 2);
});

Deno.test("getProject() says which names a put would change", async () => {
  await using tool = await setUp({ components: [component("web", { projectName: "demo" })] });
  const { stdout, stderr } = await tool.run(["get", "demo"]);
  assert.ok(Object.hasOwn(parse(stdout).components, "web"));
  assert.equal(stderr, 'Note: "web" lacks the project\'s name, which a put would add.\n');
  assert.equal((await tool.run(["get", "none"])).code, 3);
});

Deno.test("listProjects() prints a table, JSON, or that there are none", async () => {
  await using tool = await setUp();
  assert.equal((await tool.run(["ls"])).stdout, "No projects found\n");
  await tool.put(HELLO);
  await assertGolden((await tool.run(["ls"])).stdout, "project_ls.txt");
  assert.equal((await tool.run(["ls", "--prefix", "x"])).stdout, "No projects found\n");
  assert.deepEqual(JSON.parse((await tool.run(["ls", "--json"])).stdout), [
    { projectName: "hello-mael", componentCount: 1, eventSourceCount: 1 },
  ]);
});

Deno.test("removeProject() prints what went, and fails when there was none", async () => {
  await using tool = await setUp();
  await tool.put(HELLO);
  assert.equal((await tool.run(["rm", "HELLO-mael"])).stdout, "Project removed: hello-mael\n");
  const again = await tool.run(["rm", "hello-mael"]);
  assert.equal(again.code, 3);
  assert.equal(again.stderr, "maelstrom: Project not found: hello-mael\n");
  assert.equal((await tool.run(["rm"])).code, 2);
});

Deno.test("printProjectSchema() prints the schema", async () => {
  const { stdout } = await runTool(["project", "schema"]);
  assert.deepEqual(JSON.parse(stdout), projectJsonSchema());
});
