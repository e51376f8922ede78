import assert from "node:assert/strict";
import fc from "fast-check";
import { prefixedName, shortName } from "../../../lib/project/names.ts";

Deno.test("prefixedName() adds the project's name once, in canonical form", () => {
  assert.equal(prefixedName("hello-mael", "hello_http"), "hello-mael_hello_http");
  assert.equal(prefixedName("Demo", " Web "), "demo_web");
  assert.equal(prefixedName("demo", "demo_web"), "demo_web");
  assert.equal(prefixedName("demo", "demo"), "demo_demo");
});

Deno.test("shortName() is undone by prefixedName()", () => {
  assert.equal(shortName("demo", "demo_web"), "web");
  assert.equal(shortName("demo", "demo_demo_web"), "demo_demo_web");
  assert.equal(shortName("demo", "demo_"), "demo_");
  assert.equal(shortName("demo", "web"), "web");
  const anyPart = fc.stringMatching(/^[ab_]{0,4}$/);
  fc.assert(fc.property(fc.stringMatching(/^[ab_]{1,3}$/), anyPart, (project, part) => {
    const name = prefixedName(project, part || "x");
    assert.equal(prefixedName(project, shortName(project, name)), name);
  }));
});
