import assert from "node:assert/strict";
import fc from "fast-check";
import { knownFields } from "../../../lib/contract/known_fields.ts";
import { componentSchema } from "../../../lib/contract/v1.ts";
import { component } from "../../support/cli/builders.ts";

Deno.test("knownFields() names fields as the schema does, at every depth", () => {
  const { value, faults } = knownFields(
    { NAME: "a", restartorder: "x", docker: { httpport: 1, volumes: [{ readonly: true }] } },
    componentSchema,
    "component",
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(value, {
    name: "a",
    RestartOrder: "x",
    docker: { httpPort: 1, volumes: [{ readOnly: true }] },
  });
});

Deno.test("knownFields() finds fields it does not know and fields given twice", () => {
  const { faults } = knownFields(
    { docker: { httpPrt: 1, volumes: [{ sauce: 1 }] }, name: "a", Name: "b", zzzzzzzz: 1 },
    componentSchema,
    "component",
  );
  assert.deepEqual(faults, [
    {
      at: ["docker", "httpPrt"],
      message: 'component.docker.httpPrt is not a known field (did you mean "httpPort"?)',
    },
    {
      at: ["docker", "volumes", 0, "sauce"],
      message: 'component.docker.volumes[0].sauce is not a known field (did you mean "source"?)',
    },
    { at: ["Name"], message: "component.Name is given twice" },
    { at: ["zzzzzzzz"], message: "component.zzzzzzzz is not a known field" },
  ]);
});

Deno.test("knownFields() remembers how a field was written", () => {
  const { written } = knownFields({ DOCKER: { Ports: ["1"] } }, componentSchema, "component");
  assert.deepEqual(written.get("component.docker.ports[0]"), ["DOCKER", "Ports", 0]);
});

Deno.test("knownFields() leaves what is right alone, and never edits its input", () => {
  const right = component("shop");
  assert.deepEqual(knownFields(right, componentSchema, "component").value, right);
  fc.assert(fc.property(fc.jsonValue(), (input) => {
    const before = JSON.stringify(input);
    knownFields(input, componentSchema, "component");
    assert.equal(JSON.stringify(input), before);
  }));
});
