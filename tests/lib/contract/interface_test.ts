import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import {
  type IdlElement,
  type IdlField,
  interfaceElements,
} from "../../../lib/contract/interface.ts";
import {
  awsStepFunctionEventSourceSchema,
  type ComponentFailure,
  type ComponentInfo,
  componentSchema,
  componentWithEventSourcesSchema,
  cronEventSourceSchema,
  cronHttpRequestSchema,
  dockerComponentSchema,
  eventSourceSchema,
  httpEventSourceSchema,
  inputSchemas,
  type Method,
  nameValueSchema,
  type NodeStatus,
  projectSchema,
  queueEventSourceSchema,
  type SourceStatus,
  sqsEventSourceSchema,
  volumeMountSchema,
} from "../../../lib/contract/v1.ts";
import { component, eventSource } from "../../contracts/store_values.ts";
import { TestApi } from "../../support/api.ts";
import { anyProject } from "../../support/project/builders.ts";

const ELEMENTS = interfaceElements();
const BASIC: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  int: Number.isSafeInteger,
  float: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean",
};

function element<T extends "enum" | "struct">(type: T, name: string) {
  return ELEMENTS.find((one): one is IdlElement & { type: T } =>
    one.type === type && "name" in one && one.name === name
  );
}

function fieldsOf(name: string): readonly IdlField[] {
  const struct = element("struct", name);
  assert.ok(struct, `no struct ${name}`);
  return [...struct.extends === "" ? [] : fieldsOf(struct.extends), ...struct.fields];
}

/** What the ancestor's strictest client would not take in `value`. */
function faults(value: unknown, type: string, path: string, isArray = false): string[] {
  if (isArray) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((one, at) => faults(one, type, `${path}[${at}]`));
  }
  const basic = BASIC[type];
  if (basic) return basic(value) ? [] : [`${path} is no ${type}`];
  const values = element("enum", type)?.values.map(({ value }) => value);
  if (values) return values.includes(value as string) ? [] : [`${path} is none of ${values}`];
  const given = value as Record<string, unknown>;
  const fields = fieldsOf(type);
  return [
    ...Object.keys(given).filter((key) => !fields.some(({ name }) => name === key))
      .map((key) => `${path}.${key} is unknown`),
    ...fields.flatMap(({ name, type, is_array, optional }) =>
      given[name] === undefined
        ? optional ? [] : [`${path}.${name} is missing`]
        : faults(given[name], type, `${path}.${name}`, is_array)
    ),
  ];
}

const INPUTS = Object.entries(inputSchemas).map(([method, schema]) =>
  [`${method.split(".")[1]}Input`, schema] as const
).filter(([name]) => element("struct", name));

const SCHEMAS: readonly (readonly [string, z.ZodType])[] = [
  ["NameValue", nameValueSchema],
  ["VolumeMount", volumeMountSchema],
  ["DockerComponent", dockerComponentSchema],
  ["Component", componentSchema],
  ["HttpEventSource", httpEventSourceSchema],
  ["CronHttpRequest", cronHttpRequestSchema],
  ["CronEventSource", cronEventSourceSchema],
  ["SqsEventSource", sqsEventSourceSchema],
  ["AwsStepFunctionEventSource", awsStepFunctionEventSourceSchema],
  ["QueueEventSource", queueEventSourceSchema],
  ["EventSource", eventSourceSchema],
  ["ComponentWithEventSources", componentWithEventSourcesSchema],
  ["Project", projectSchema],
  ...INPUTS,
];

for (const [name, schema] of SCHEMAS) {
  Deno.test(`interfaceElements() has the fields of ${name} as the check has them`, () => {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { unrepresentable: "any" });
    const wanted = Object.entries(properties).map(([name, property]) => {
      const { type, items, enum: values } = property as z.core.JSONSchema.BaseSchema;
      const inner = Array.isArray(items) ? undefined : items as z.core.JSONSchema.BaseSchema;
      return { name, type, isArray: type === "array", values, inner };
    });
    const fields = fieldsOf(name);
    assert.deepEqual(fields.map(({ name }) => name).sort(), wanted.map(({ name }) => name).sort());
    for (const { name: key, type, isArray, values, inner } of wanted) {
      const field = fields.find(({ name }) => name === key)!;
      // A name that is absent is refused by its own check, with its own words.
      const isName = key === "name" && name.endsWith("Input");
      if (!isName) assert.equal(field.optional, !required.includes(key), key);
      assert.equal(field.is_array, isArray, key);
      if (values) {
        assert.deepEqual(element("enum", field.type)?.values.map(({ value }) => value), values);
      }
      const word = isArray ? inner?.type : type;
      const known = { string: "string", integer: "int", number: "float", boolean: "bool" } as const;
      if (typeof word === "string" && word in known && !values && !inner?.enum) {
        assert.equal(field.type, known[word as keyof typeof known], key);
      }
    }
  });
}

Deno.test("interfaceElements() has every type it names, once", () => {
  const names = ELEMENTS.flatMap((one) => "name" in one ? [one.name] : []);
  assert.equal(new Set(names).size, names.length);
  const used = ELEMENTS.flatMap((one) =>
    one.type === "struct"
      ? [...one.fields.map(({ type }) => type), ...one.extends === "" ? [] : [one.extends]]
      : one.type === "interface"
      ? one.functions.flatMap(({ params, returns }) => [...params, returns].map(({ type }) => type))
      : []
  );
  for (const type of used) assert.ok(type in BASIC || names.includes(type), type);
});

Deno.test("interfaceElements() names methods that there are", () => {
  const methods = ELEMENTS.flatMap((one) =>
    one.type === "interface" ? one.functions.map(({ name }) => `${one.name}.${name}`) : []
  );
  assert.equal(methods.length, 15);
  for (const method of methods) assert.ok(method in inputSchemas, method as Method);
});

/** Every field there is, so that one that is new, or gone, does not compile or is found. */
const INFO: Required<ComponentInfo> = {
  componentName: "shop",
  componentVersion: 1,
  status: "starting",
  maxConcurrency: 1,
  memoryReservedMiB: 128,
  startTime: 1,
  lastRequestTime: 0,
  totalRequests: 0,
  activity: [{ requests: 1, concurrency: 0.5 }],
  containerName: "maelstrom-shop-1",
  inFlight: 0,
  admits: 1,
  progress: "pulling shop:7",
  health: [{ at: 1, healthy: true, detail: "status 200" }],
};
const FAILURE: Required<ComponentFailure> = {
  componentName: "shop",
  componentVersion: 1,
  message: "none",
  attempts: 1,
  retryAt: 1,
  pullRetryAt: 1,
  lines: ["a"],
  health: INFO.health,
};
const SOURCE: Required<SourceStatus> = {
  eventSourceName: "images",
  componentName: "shop",
  demand: 1,
  maxConcurrency: 1,
  inFlight: 1,
  waiting: 1,
  dead: 1,
  handled: 1,
  failed: 1,
  repeated: 1,
  undeleted: 1,
  error: { reason: "none", since: 1, retryAt: 1 },
};
const NODE: Required<NodeStatus> = {
  nodeId: "n",
  startedAt: 1,
  observedAt: 1,
  version: 1,
  peerUrl: "http://n",
  totalMemoryMiB: 1,
  freeMemoryMiB: 1,
  numCPUs: 1,
  loadAvg1m: 0.1,
  loadAvg5m: 0.1,
  loadAvg15m: 0.1,
  runningComponents: [INFO],
  failures: [FAILURE],
  waiting: [{ componentName: "shop", count: 1 }],
  roles: [{ role: "cron", epoch: 1 }],
  sources: [SOURCE],
  state: "ready",
  stuck: [{ componentName: "shop", version: 1, reason: "needs 512 MiB" }],
  isLeaving: false,
  labels: {},
  protocol: 1,
  oldestProtocol: 1,
  reached: ["m"],
};

Deno.test("interfaceElements() has the fields of what nodes say of themselves", () => {
  assert.deepEqual(faults(NODE, "NodeStatus", "status"), []);
  for (
    const [name, value] of Object.entries({
      NodeStatus: NODE,
      ComponentInfo: INFO,
      ComponentFailure: FAILURE,
      SourceStatus: SOURCE,
    })
  ) {
    assert.deepEqual(fieldsOf(name).map((field) => field.name).sort(), Object.keys(value).sort());
  }
});

Deno.test("barrister-idl gives the interface, whatever the parameters, and answers keep to it", async () => {
  await using api = await TestApi.start();
  for (const params of [undefined, [], [{}], null]) {
    assert.deepEqual(await api.idl(params), ELEMENTS);
  }
  const checked = async (method: Parameters<TestApi["result"]>[0], input: unknown) => {
    const result = await api.result(method, input);
    assert.deepEqual(faults(result, `${method}Output`, method), []);
  };
  await checked("PutComponent", { component: component("shop") });
  await checked("PutEventSource", { eventSource: eventSource("shop", "shop") });
  await checked("GetComponent", { name: "shop" });
  await checked("GetEventSource", { name: "shop" });
  await checked("ListComponents", { limit: 1 });
  await checked("ListEventSources", { limit: 1 });
  await checked("ToggleEventSources", { enabled: false });
  await checked("RemoveEventSource", { name: "shop" });
  await checked("RemoveComponent", { name: "shop" });
  await fc.assert(
    fc.asyncProperty(anyProject, async (project) => {
      await checked("PutProject", { project });
      await checked("GetProject", { name: project.name });
      await checked("ListProjects", {});
      await checked("RemoveProject", { name: project.name });
    }),
    { numRuns: 30, seed: 7 },
  );
});
