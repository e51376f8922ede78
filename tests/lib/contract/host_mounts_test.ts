import assert from "node:assert/strict";
import fc from "fast-check";
import { forbiddenMount, isBelow, plainPath } from "../../../lib/contract/host_mounts.ts";
import { component } from "../../support/builders.ts";

const cases: [source: string, allowed: string[], want: "allowed" | "forbidden"][] = [
  ["/srv/data", [], "forbidden"],
  ["/srv/data", ["/srv"], "allowed"],
  ["/srv", ["/srv"], "allowed"],
  ["/srv/", ["/srv"], "allowed"],
  ["/srv2", ["/srv"], "forbidden"],
  ["/srv/../etc", ["/srv"], "forbidden"],
  ["/srv/./a/../b", ["/srv"], "allowed"],
  ["//srv//a", ["/srv"], "allowed"],
  ["/", ["/srv"], "forbidden"],
  ["/etc", ["/"], "allowed"],
  ["/var/run/docker.sock", ["/srv", "/var/lib"], "forbidden"],
];
for (const [source, allowed, want] of cases) {
  Deno.test(`forbiddenMount() finds ${source} ${want} below ${allowed.join() || "nothing"}`, () => {
    const given = component({ docker: { volumes: [{ source, target: "/t" }] } });
    const found = forbiddenMount(given, allowed);
    assert.equal(found?.path, want === "allowed" ? undefined : "docker.volumes[0].source");
  });
}

Deno.test("forbiddenMount() looks at the machine's directories only, and at all of them", () => {
  const volumes = [
    { type: "volume", source: "shop", target: "/a" },
    { type: "tmpfs", source: "", target: "/b" },
    { type: "bind", source: "/srv/x", target: "/c" },
    { type: "bind", source: "/etc/", target: "/d" },
  ] as const;
  assert.deepEqual(forbiddenMount(component({ docker: { volumes: [...volumes] } }), ["/srv"]), {
    source: "/etc",
    path: "docker.volumes[3].source",
  });
  assert.equal(forbiddenMount(component(), []), undefined);
});

Deno.test("plainPath() leaves nothing by which a path could climb out", () => {
  const part = fc.constantFrom("", ".", "..", "a", "b", "..a");
  const property = fc.property(fc.array(part), (parts) => {
    const path = plainPath(`/${parts.join("/")}`);
    assert.match(path, /^\/$|^(\/[^/]+)+$/);
    assert.ok(!path.split("/").some((name) => name === ".." || name === "."));
    assert.equal(plainPath(path), path);
    assert.ok(isBelow(path, ["/"]));
  });
  fc.assert(property);
});
