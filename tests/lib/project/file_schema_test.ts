import assert from "node:assert/strict";
import { checkAll } from "../../../lib/contract/check.ts";
import { componentSchema, dockerComponentSchema } from "../../../lib/contract/v1.ts";
import { FILE_KEYS, fileKeyOf } from "../../../lib/project/file_keys.ts";
import { projectFileSchema, projectJsonSchema } from "../../../lib/project/file_schema.ts";
import { FIELD_TEXTS, KEY_TEXTS } from "../../../lib/project/file_texts.ts";

const WEB = { image: "shop:7", httpport: 8080 };
const at = "project.components.web";

const cases: readonly { file: object; says: string }[] = [
  { file: {}, says: "project.name is required" },
  { file: { name: "d" }, says: "project.components is required" },
  { file: { name: "d d", components: { web: WEB } }, says: "project.name is invalid" },
  {
    file: { name: "toolong00000000000000", components: { web: WEB } },
    says: "project.name exceeds max length of 20 bytes",
  },
  { file: { name: "d", components: {} }, says: "project.components holds no component" },
  { file: { name: "d", components: { web: { httpport: 1 } } }, says: `${at}.image is required` },
  {
    file: { name: "d", components: { web: { ...WEB, httpport: 0 } } },
    says: `${at}.httpport must be at least 1, found 0`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, mininstances: 4, maxinstances: 2 } } },
    says: `${at}.mininstances must not be higher than maxInstances`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, reservememory: 4, limitmemory: 2 } } },
    says: `${at}.limitmemory must not be lower than reserveMemoryMiB`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, volumes: [{ source: "a", target: "/b" }] } } },
    says: `${at}.volumes[0].source must be an absolute path`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, eventsources: { es: { http: {} } } } } },
    says: `${at}.eventsources.es.http hostname or pathPrefix must be provided`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, eventsources: { es: {} } } } },
    says: `${at}.eventsources.es No event source sub-type provided`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, crontab: "\n1 2 /x" } } },
    says: `${at}.crontab line 2: must be five fields`,
  },
  {
    file: { name: "d", components: { web: WEB, D_WEB: WEB } },
    says: 'project.components.D_WEB is given twice: "d_web"',
  },
  {
    file: { name: "d", components: { ["x".repeat(59)]: WEB } },
    says: `project.components.${"x".repeat(59)} exceeds max length of 60 bytes`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, pullpassword: "s3cret\0" } } },
    says: `${at}.pullpassword must not contain a NUL character, found a string`,
  },
  {
    file: { name: "d", components: { web: { ...WEB, environment: ["PW=s3cret\0"] } } },
    says: `${at}.environment[0] holds a NUL character`,
  },
];

for (const { file, says } of cases) {
  Deno.test(`projectFileSchema says: ${says.slice(0, 90)}`, () => {
    const checked = checkAll(projectFileSchema, file, "project");
    assert.ok("faults" in checked);
    const message = checked.faults[0]?.message ?? "";
    assert.ok(message.startsWith(says), message);
    assert.doesNotMatch(message, /s3cret/);
  });
}

Deno.test("FILE_KEYS has a key for every setting, each once", () => {
  const keys = FILE_KEYS.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
  const other = ["name", "projectName", "version", "modifiedAt", "docker", "environment"];
  const settings = Object.keys(componentSchema.shape).length - other.length +
    Object.keys(dockerComponentSchema.shape).length - 1;
  assert.equal(keys.length, settings);
  const renamed = ["reserveMemoryMiB", "limitMemoryMiB", "init"];
  assert.deepEqual(renamed.map((field) => fileKeyOf(`docker.${field}`)), [
    "reservememory",
    "limitmemory",
    "containerinit",
  ]);
  assert.equal(fileKeyOf("RestartOrder"), "restartorder");
  for (const key of ["oncoldstart", "queuetimeoutseconds", "firstbytetimeoutseconds"]) {
    assert.ok(keys.includes(key), key);
  }
});

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly description?: string;
  readonly anyOf?: Schema[];
}

Deno.test("projectJsonSchema() describes every key, and no text is left over", () => {
  const texts: string[] = [];
  const walk = (schema: Schema, path: string) => {
    for (const [key, child] of Object.entries(schema.properties ?? {})) {
      assert.ok(child.description, `${path}.${key} has no text in file_texts.ts`);
      assert.match(key, /^[a-z]+$/);
      texts.push(child.description);
      walk(child, `${path}.${key}`);
    }
    if (schema.items) walk(schema.items, path);
    if (typeof schema.additionalProperties === "object") {
      walk(schema.additionalProperties, `${path}.*`);
    }
  };
  const schema = projectJsonSchema();
  walk(schema as Schema, "project");
  const said = new Set([...texts, schema.description]);
  for (const text of [...Object.values(KEY_TEXTS), ...Object.values(FIELD_TEXTS)]) {
    assert.ok(said.has(text), text);
  }
});

Deno.test("projectJsonSchema() lets a token stand for a number", () => {
  const { properties } = projectJsonSchema() as Schema;
  const component = properties?.components?.additionalProperties?.properties;
  assert.deepEqual(component?.httpport, {
    anyOf: [
      { type: "integer", minimum: 1, maximum: 65535 },
      { type: "string", pattern: "\\$\\{" },
    ],
    description: KEY_TEXTS.httpport,
  });
});
