/** Each kind of mistake in a project file is told with the place where it was written. */
import assert from "node:assert/strict";
import { startFakeNode } from "../support/cli/fake_node.ts";
import { run } from "../support/cli/run.ts";

/** Stands in the text before the place that is told. */
const HERE = "§";

interface Fault {
  readonly title: string;
  readonly text: string;
  readonly says: RegExp;
}

/** A file with the component `web`, which has these lines beside what it needs. */
const web = (...lines: string[]) =>
  ["name: demo", "components:", "  web:", "    image: shop:7", "    httpport: 80", ...lines]
    .join("\n");
const source = (...lines: string[]) => web("    eventsources:", "      es:", ...lines);

const NO_YAML: readonly Fault[] = [
  { title: "a list that does not end", text: "name: [a\n§", says: /./ },
  { title: "a quote that does not end", text: 'name: "demo\n§', says: /Missing closing/ },
  { title: "a tab that indents", text: "components:\n§\tweb: {}", says: /Tabs/ },
  { title: "a key twice", text: web("    §image: shop:8"), says: /Map keys must be unique/ },
  {
    title: "an alias of nothing",
    text: web("    user: §*nobody"),
    says: /\*nobody stands for nothing: there is no &nobody/,
  },
];

const AT = "project\\.components\\.web";
const WRONG: readonly Fault[] = [
  {
    title: "an unknown key of the file",
    text: `§nmae: demo\n${web()}`,
    says: /project\.nmae is not a known field \(did you mean "name"\?\)/,
  },
  {
    title: "an unknown key of a component",
    text: web("    §comand: [a]"),
    says: new RegExp(`${AT}\\.comand is not a known field \\(did you mean "command"\\?\\)`),
  },
  {
    title: "an unknown key of an event source",
    text: source("        §htp: { pathprefix: / }"),
    says: /eventsources\.es\.htp is not a known field \(did you mean "http"\?\)/,
  },
  {
    title: "an unknown key in a list",
    text: web("    volumes:", "      - { source: /a, target: /b, §readonli: true }"),
    says: /volumes\[0\]\.readonli is not a known field/,
  },
  {
    title: "a key in two spellings",
    text: web("    §httpPort: 81"),
    says: new RegExp(`${AT}\\.httpPort is given twice`),
  },
  {
    title: "a missing key, at what lacks it",
    text: "name: demo\ncomponents:\n  §web: { httpport: 80 }",
    says: new RegExp(`${AT}\\.image is required`),
  },
  {
    title: "a word for a number",
    text: web("    §cpushares: many"),
    says: new RegExp(`${AT}\\.cpushares must be a number, found "many"`),
  },
  {
    title: "a fraction for a whole number",
    text: web("    §maxconcurrency: 1.5"),
    says: new RegExp(`${AT}\\.maxconcurrency must be a whole number, found 1\\.5`),
  },
  {
    title: "a number outside its range",
    text: web("    §scaleupconcurrencypct: 75"),
    says: new RegExp(`${AT}\\.scaleupconcurrencypct must be at most 1, found 75`),
  },
  {
    title: "a word that is none of those allowed",
    text: web("    §restartorder: startend"),
    says: new RegExp(`${AT}\\.restartorder must be one of "startstop", "stopstart", found "start`),
  },
  {
    title: "a text for a list",
    text: web("    §command: python app.py"),
    says: new RegExp(`${AT}\\.command must be a list, found "python app\\.py"`),
  },
  {
    title: "a mapping for a text",
    text: web("    §user: { name: bob }"),
    says: new RegExp(`${AT}\\.user must be a string, found an object`),
  },
  {
    title: "an entry of a list, at the entry",
    text: web("    ulimits:", "      - nofile=1:2", "      - §nofile:1:2"),
    says: new RegExp(`${AT}\\.ulimits\\[1\\] must be a ulimit like .*, found "nofile:1:2"`),
  },
  {
    title: "an environment that is a mapping",
    text: web("    §environment: { PASSWORD: hunter2 }"),
    says: new RegExp(`${AT}\\.environment must be a list, found an object`),
  },
  {
    title: "an environment entry that is no text",
    text: web("    environment:", "      - A=1", "      - §A: 1"),
    says: new RegExp(`${AT}\\.environment\\[1\\] must be a string`),
  },
  {
    title: "keys that contradict each other",
    text: web("    maxinstances: 1", "    §mininstances: 3"),
    says: new RegExp(`${AT}\\.mininstances must not be higher than maxInstances`),
  },
  {
    title: "a limit below what is reserved",
    text: web("    reservememory: 256", "    §limitmemory: 128"),
    says: new RegExp(`${AT}\\.limitmemory must not be lower than reserveMemoryMiB`),
  },
  {
    title: "an event source of no kind",
    text: web("    eventsources:", "      §es: {}"),
    says: /eventsources\.es No event source sub-type provided/,
  },
  {
    title: "an event source of two kinds",
    text: web("    eventsources:", "      §es:") +
      "\n        http: { pathprefix: / }\n        sqs: { queuename: q, path: / }",
    says: /eventsources\.es must have exactly one of .*found http and sqs/,
  },
  {
    title: "a rule that matches nothing",
    text: source("        §http: { stripprefix: true }"),
    says: /eventsources\.es\.http hostname or pathPrefix must be provided/,
  },
  {
    title: "a schedule that is none",
    text: source("        cron:", "          §schedule: sometimes", "          http: ") +
      "{ method: GET, path: / }",
    says: /eventsources\.es\.cron\.schedule .*sometimes/,
  },
  {
    title: "a path of a cron time",
    text: source("        cron:", "          schedule: '@daily'", "          http: ") +
      "{ method: GET, §path: nightly }",
    says: /eventsources\.es\.cron\.http\.path must start with "\/"/,
  },
  {
    title: "a schedule in a crontab, with its line there",
    text: web("    §crontab: |", "      0 3 * * * /good", "      0 3 * * /short"),
    says: new RegExp(`${AT}\\.crontab line 2: `),
  },
  {
    title: "a name of a component",
    text: "name: demo\ncomponents:\n  §we&b: { image: i, httpport: 80 }",
    says: /project\.components\.we&b is invalid \(only alpha-numeric chars/,
  },
  {
    title: "a name that is too long with the project's",
    text: `name: demo\ncomponents:\n  §${"x".repeat(56)}: { image: i, httpport: 80 }`,
    says: /exceeds max length of 60 bytes, found "demo_x+"/,
  },
  {
    title: "names that the project's makes equal",
    text: web("  §demo_web: { image: i, httpport: 80 }"),
    says: /project\.components\.demo_web is given twice: "demo_web"/,
  },
  {
    title: "event sources of one name in two components",
    text: source("        http: { pathprefix: /a }") +
      "\n  two:\n    image: i\n    httpport: 80\n    eventsources:\n" +
      "      §es: { http: { pathprefix: /b } }",
    says: /components\.two\.eventsources\.es is given twice: "demo_es"/,
  },
  {
    title: "the project's name",
    text: `§name: toolong00000000000000\ncomponents:\n  web: { image: i, httpport: 80 }`,
    says: /project\.name exceeds max length of 20 bytes/,
  },
  { title: "no components", text: "name: demo\n§components: {}", says: /holds no component/ },
  {
    title: "a mistake beside a merged mapping",
    text: web("    <<: { user: bob }", "    §cpushares: -1"),
    says: new RegExp(`${AT}\\.cpushares must be at least 0, found -1`),
  },
  {
    title: "a mistake in a merged mapping, where it was written",
    text: web("    cpushares: 1", "    <<: [{ user: bob }, { §dns: 7, cpushares: -1 }]"),
    says: new RegExp(`${AT}\\.dns must be a list, found 7`),
  },
  {
    title: "a mistake that an alias repeats, once for each use",
    text: web("    dns: &dns 7", "    §dnssearch: *dns"),
    says: new RegExp(`:6:5: ${AT}\\.dns must be a list, .*${AT}\\.dnssearch must be a list`),
  },
  {
    title: "a mistake behind variables that are longer than they look",
    text: web("    user: ${LONG}", "    environment: ['A=${LONG}']", "    §cpushares: -1"),
    says: new RegExp(`${AT}\\.cpushares must be at least 0, found -1`),
  },
  {
    title: "a variable that is not what its key needs",
    text: web("    §cpushares: ${WORD}"),
    says: new RegExp(`${AT}\\.cpushares must be a number, found "many"`),
  },
];

/** Line and column, from 1, of what follows {@linkcode HERE}. */
function placeIn(text: string): string {
  const lines = text.slice(0, text.indexOf(HERE)).split("\n");
  return `${lines.length}:${lines.at(-1)!.length + 1}`;
}

for (const { title, text, says } of [...NO_YAML, ...WRONG]) {
  Deno.test(`project put tells the place of ${title}`, async () => {
    await using node = startFakeNode();
    const path = await Deno.makeTempFile({ suffix: ".yml" });
    try {
      await Deno.writeTextFile(path, text.replace(HERE, ""));
      const long = "one\n\n      two";
      const env = { MAELSTROM_PRIVATE_URL: node.url, LONG: long, WORD: "many" };
      const { code, stdout, stderr } = await run(["project", "put", "-f", path], { env });
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, says);
      const place = text.includes(HERE) ? placeIn(text) : "";
      assert.ok(stderr.includes(`${path}:${place}: `), `${place} is not in: ${stderr}`);
      assert.doesNotMatch(stderr, /hunter2/);
      assert.deepEqual(node.calls, [], "nothing is sent");
    } finally {
      await Deno.remove(path);
    }
  });
}
