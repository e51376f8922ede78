import assert from "node:assert/strict";
import fc from "fast-check";
import type { Project, ProjectChanges } from "../../../lib/contract/v1.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { hasChanges, namedProject, planProject } from "../../../lib/project/plan.ts";
import { component, eventSource } from "../../contracts/store_values.ts";
import {
  anyProject,
  anyProjectOf,
  applied,
  asProject,
  NOTHING,
  project,
  stored,
} from "../../support/project/builders.ts";

/** A plan as names. */
function names(plan: ProjectChanges) {
  const of = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);
  return {
    added: of(plan.componentsAdded),
    updated: of(plan.componentsUpdated),
    removed: plan.componentsRemoved,
    sourcesAdded: of(plan.eventSourcesAdded),
    sourcesUpdated: of(plan.eventSourcesUpdated),
    sourcesRemoved: plan.eventSourcesRemoved,
  };
}

Deno.test("planProject() adds, updates and removes", () => {
  const old = project("p", {
    a: { image: "i", sources: { "a-es1": "0 0 * * *" } },
    b: { image: "i", sources: { "b-es1": "@daily" } },
    c: { image: "image1", sources: { "c-es1": "@daily", "c-es2": "@daily" } },
  });
  const now = project("p", {
    a: { image: "i", sources: { "a-es1": "1 1 * * *" } },
    c: { image: "image2", sources: { "c-es1": "@daily", "c-es3": "@daily" } },
    d: { image: "i" },
  });
  const plan = planProject(now, stored(old));
  assert.deepEqual(names(plan), {
    added: ["p_d"],
    updated: ["p_c"],
    removed: ["p_b"],
    sourcesAdded: ["p_c-es3"],
    sourcesUpdated: ["p_a-es1"],
    sourcesRemoved: ["p_b-es1", "p_c-es2"],
  });
  assert.equal(plan.componentsUpdated[0]?.version, 1, "items carry the version they replace");
  assert.equal(plan.componentsAdded[0]?.version, 0);
  assert.deepEqual(plan.changes, [
    {
      kind: "component",
      name: "p_c",
      fields: [{ path: "docker.image", change: "changed", old: "image1", new: "image2" }],
    },
    {
      kind: "eventSource",
      name: "p_a-es1",
      fields: [{ path: "cron.schedule", change: "changed", old: "0 0 * * *", new: "1 1 * * *" }],
    },
  ]);
});

Deno.test("planProject() lists removed names in order, and puts in the order of the file", () => {
  const old = stored(project("p", { z: { image: "i" }, a: { image: "i" }, m: { image: "i" } }));
  const now = project("p", { y: { image: "i" }, b: { image: "i" } });
  assert.deepEqual(planProject(now, old).componentsRemoved, ["p_a", "p_m", "p_z"]);
  assert.deepEqual(names(planProject(now, old)).added, ["p_y", "p_b"]);
});

Deno.test("planProject() moves an event source to another component", () => {
  const old = stored(project("p", { a: { image: "i", sources: { es: "@daily" } } }));
  const plan = planProject(project("p", { b: { image: "i", sources: { es: "@daily" } } }), old);
  assert.deepEqual(names(plan).sourcesUpdated, ["p_es"]);
  assert.deepEqual(plan.eventSourcesRemoved, []);
  assert.equal(plan.eventSourcesUpdated[0]?.componentName, "p_b");
});

const SAME: readonly [string, object, object][] = [
  ["an absent and an empty list", {}, { command: [], ports: [] }],
  ["absent, zero and false", {}, { cpuShares: 0, init: false, user: "" }],
  ["an option without and with readOnly false", {
    volumes: [{ source: "/a", target: "/b" }],
  }, { volumes: [{ target: "/b", source: "/a", readOnly: false }] }],
  ["log options in another order", {
    logDriverOptions: [{ name: "a", value: "1" }, { name: "b", value: "2" }],
  }, { logDriverOptions: [{ name: "b", value: "2" }, { name: "a", value: "1" }] }],
];

function withDocker(docker: object): Project {
  const value = component("a", { docker: { image: "i", httpPort: 1, ...docker } });
  return { name: "p", components: [{ component: value, eventSources: [] }] };
}

for (const [title, old, now] of SAME) {
  Deno.test(`planProject() sees no change between ${title}`, () => {
    assert.equal(hasChanges(planProject(withDocker(now), stored(withDocker(old)))), false);
    assert.equal(hasChanges(planProject(withDocker(old), stored(withDocker(now)))), false);
  });
}

Deno.test("planProject() sees the order of lists, but not of the environment", () => {
  const old = stored(withDocker({ command: ["a", "b"] }));
  assert.ok(hasChanges(planProject(withDocker({ command: ["b", "a"] }), old)));
  const environment = [{ name: "b", value: "" }, { name: "a", value: "1" }];
  const of = (entries: typeof environment): Project => ({
    name: "p",
    components: [{ component: component("a", { environment: entries }), eventSources: [] }],
  });
  assert.ok(!hasChanges(planProject(of(environment), stored(of(environment.toReversed())))));
  assert.ok(hasChanges(planProject(of(environment.slice(1)), stored(of(environment)))));
});

Deno.test("planProject() leaves the switch of an event source out of the comparison", () => {
  const wanted = project("p", { a: { image: "i", sources: { es: "@daily" } } });
  const { components, eventSources } = stored(wanted);
  const off = eventSources.map((entry) => ({ ...entry, enabled: false }));
  assert.equal(hasChanges(planProject(wanted, { components, eventSources: off })), false);
});

Deno.test("planProject() tells no secret", () => {
  const secret = (value: string): Project => ({
    name: "p",
    components: [{
      component: component("a", {
        environment: [{ name: "DB", value }],
        docker: {
          image: "i",
          httpPort: 1,
          pullPassword: value,
          logDriverOptions: [{ name: "token", value }],
        },
      }),
      eventSources: [{
        enabled: true,
        eventSource: eventSource("es", "a", {
          cron: {
            schedule: "@daily",
            http: { method: "GET", path: "/", data: value, headers: [{ name: "auth", value }] },
          },
        }),
      }],
    }],
  });
  const { changes } = planProject(secret("hunter2"), stored(secret("hunter1")));
  assert.equal(changes.flatMap(({ fields }) => fields).length, 5);
  assert.doesNotMatch(JSON.stringify(changes), /hunter/);
});

function failure(work: () => unknown): MaelstromError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof MaelstromError);
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("planProject() refuses names that belong to others", () => {
  const other = stored(project("a_b", { c: { image: "i", sources: { es: "@daily" } } }));
  const twin = failure(() => planProject(project("a", { b_c: { image: "i" } }), other));
  assert.equal(twin.code, "already_exists");
  assert.match(twin.message, /"a_b_c" exists already and belongs to project "a_b"$/);
  const source = project("a", { x: { image: "i", sources: { b_es: "@daily" } } });
  assert.match(failure(() => planProject(source, other)).message, /event source "a_b_es"/);
  const loose = { components: [component("a_x")], eventSources: [] };
  assert.match(failure(() => planProject(source, loose)).message, /belongs to no project$/);
});

Deno.test("namedProject() refuses names that the project's makes equal or too long", () => {
  const twice = project("foo", { bar: { image: "i" }, foo_bar: { image: "i" } });
  assert.match(
    failure(() => namedProject(twice)).message,
    /^input\.project\.components\[1\]\.component\.name is given twice: "foo_bar"/,
  );
  const sources = project("foo", {
    a: { image: "i", sources: { es: "@daily" } },
    b: { image: "i", sources: { FOO_es: "@daily" } },
  });
  const error = failure(() => namedProject(sources));
  assert.equal(error.code, "invalid");
  assert.match(error.message, /components\[1\]\.eventSources\[0\]\.name is given twice/);
  const long = project("foo", { ["x".repeat(57)]: { image: "i" } });
  assert.match(failure(() => namedProject(long)).message, /exceeds max length of 60 bytes/);
});

Deno.test("planProject() finds no change between equal projects", () => {
  fc.assert(fc.property(anyProject, (wanted) => {
    assert.equal(hasChanges(planProject(wanted, stored(wanted))), false);
  }));
});

Deno.test("planProject(), applied, gives the wanted project and leaves others alone", () => {
  const anyPair = fc.tuple(anyProject, anyProject, anyProjectOf(fc.constant("other")));
  fc.assert(fc.property(anyPair, ([old, wanted, other]) => {
    const ours = stored(old);
    const theirs = stored(other);
    const before = {
      components: [...ours.components, ...theirs.components],
      eventSources: [...ours.eventSources, ...theirs.eventSources],
    };
    const frozen = JSON.stringify(before);
    const after = applied(planProject(wanted, before), before);
    assert.equal(JSON.stringify(before), frozen, "the input is left alone");
    assert.equal(hasChanges(planProject(wanted, after)), false);
    const isOurs = ({ projectName }: { projectName?: string | undefined }) =>
      projectName === "demo";
    assert.deepEqual(after.components.filter((item) => !isOurs(item)), theirs.components);
    const kept = {
      components: after.components.filter(isOurs),
      eventSources: after.eventSources.filter(({ eventSource }) => isOurs(eventSource)),
    };
    assert.equal(hasChanges(planProject(asProject("demo", kept), stored(wanted))), false);
    assert.equal(hasChanges(planProject(asProject("demo", kept), NOTHING)), true);
  }));
});
