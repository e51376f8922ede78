import assert from "node:assert/strict";
import { check } from "../../../lib/contract/check.ts";
import { effective } from "../../../lib/contract/effective.ts";
import { checkName } from "../../../lib/contract/names.ts";
import { nearest } from "../../../lib/contract/nearest.ts";
import { componentSchema, eventSourceSchema } from "../../../lib/contract/v1.ts";
import { component, eventSource } from "../../support/builders.ts";

const refuses = (schema: Parameters<typeof check>[0], value: unknown, message: RegExp) =>
  assert.throws(() => check(schema, value, "input"), { code: "invalid", message });

for (const name of ["", " ", "\t\n", "hello)", "a b", "x".repeat(61), "caf\u00e9"]) {
  Deno.test(`componentSchema refuses the name ${JSON.stringify(name)}`, () => {
    refuses(componentSchema, component({ name }), /^input\.name (is required|exceeds|is invalid)/);
  });
}

for (const name of ["aBc", "92dak_-9s9", " padded ", "x".repeat(60)]) {
  Deno.test(`componentSchema stores ${JSON.stringify(name)} in its canonical form`, () => {
    const { name: stored } = check(componentSchema, component({ name }), "input");
    assert.equal(stored, name.trim().toLowerCase());
  });
}

Deno.test("componentSchema keeps absent fields absent", () => {
  const given = component();
  assert.deepEqual(check(componentSchema, given, "input"), given);
});

Deno.test("eventSourceSchema wants exactly one sub-type", () => {
  const { http: _, ...none } = eventSource();
  refuses(eventSourceSchema, none, /No event source sub-type provided \(e\.g\. http\)/);
  const sqs = { queueName: "q", path: "/" };
  refuses(eventSourceSchema, { ...eventSource(), sqs }, /exactly one of .*found http and sqs/);
});

const sources: [string, object, RegExp][] = [
  ["neither host nor path", { http: {} }, /hostname or pathPrefix must be provided/],
  ["a host with a port", { http: { hostname: "a.com:80" } }, /http\.hostname must be a host name/],
  ["a path without slash", { http: { pathPrefix: "a" } }, /http\.pathPrefix must start with "\/"/],
  [
    "a schedule that is no schedule",
    { http: undefined, cron: { schedule: "TZ=UTC", http: { method: "GET", path: "/" } } },
    /cron\.schedule must be five fields/,
  ],
  [
    "a cron request without method",
    { http: undefined, cron: { schedule: "@hourly", http: { method: "", path: "/" } } },
    /cron\.http\.method must be provided/,
  ],
];

for (const [name, parts, message] of sources) {
  Deno.test(`eventSourceSchema refuses ${name}`, () => {
    refuses(eventSourceSchema, eventSource(parts), message);
  });
}

Deno.test("eventSourceSchema lower-cases the host", () => {
  const source = eventSource({ http: { hostname: "Shop.Example.COM" } });
  assert.equal(check(eventSourceSchema, source, "input").http?.hostname, "shop.example.com");
});

Deno.test("check() shows five faults and counts the rest", () => {
  const environment = Array.from({ length: 9 }, () => ({ name: "", value: "" }));
  assert.throws(
    () => check(componentSchema, component({ environment }), "input"),
    (error: Error) => error.message.split("; ").length === 6 && /and 4 more$/.test(error.message),
  );
});

Deno.test("check() survives values made to break it", () => {
  const odd = JSON.parse('{"name":"x","__proto__":{"a":1},"docker":{"image":"i","httpPort":1}}');
  refuses(componentSchema, odd, /__proto__ is not a known field/);
  for (const value of [undefined, null, 0, "", [], [[]]]) refuses(componentSchema, value, /^input/);
});

Deno.test("effective() gives the ancestor's defaults", () => {
  const settings = effective(component({ maxConcurrency: 0 }));
  assert.equal(settings.maxConcurrency, 1);
  assert.equal(settings.maxInstances, Infinity);
  assert.equal(settings.maxDurationMs, 300_000);
  assert.equal(settings.startLimitMs, 60_000);
  assert.equal(settings.idleTimeoutMs, 300_000);
  assert.equal(settings.reserveMemoryMiB, 128);
  assert.equal(settings.restartOrder, "stopstart");
  const off = effective(component({ docker: { httpStartHealthCheckSeconds: -1 } }));
  assert.equal(off.startLimitMs, undefined);
});

Deno.test("checkName() names the field", () => {
  assert.throws(() => checkName(undefined, "input.name"), { message: "input.name is required" });
  assert.throws(() => checkName(5, "input.name"), { message: "input.name must be a string" });
});

Deno.test("nearest() suggests what was meant, or nothing", () => {
  assert.equal(nearest("maxInstnces", ["minInstances", "maxInstances"]), "maxInstances");
  assert.equal(nearest("quite different", ["maxInstances"]), undefined);
});

Deno.test("eventSourceSchema refuses names that no queue and no activity can have", () => {
  const { http: _, ...source } = eventSource();
  for (const queueName of ["a b", "a/b", "a.fifo.b", "x".repeat(81), "https://sqs/1/a"]) {
    const sqs = { queueName, path: "/" };
    refuses(eventSourceSchema, { ...source, sqs }, /queueName must be a queue's name/);
  }
  refuses(eventSourceSchema, { ...source, sqs: { queueName: "", path: "/" } }, /is required/);
  for (const queueName of ["images", "images-", "a_B-3.fifo"]) {
    check(eventSourceSchema, { ...source, sqs: { queueName, path: "/" } }, "");
  }
  for (const activityName of ["a b", "a:b", "a*"]) {
    const awsstepfunc = { activityName, path: "/" };
    refuses(eventSourceSchema, { ...source, awsstepfunc }, /must be an activity's name/);
  }
  check(eventSourceSchema, { ...source, awsstepfunc: { activityName: "größe.1", path: "/" } }, "");
});
