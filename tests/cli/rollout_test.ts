import assert from "node:assert/strict";
import { type ComponentAnswer, rolloutState } from "../../cli/rollout.ts";
import type { ComponentFailure, ComponentInfo } from "../../lib/contract/v1.ts";
import { component, instance } from "../support/cli/builders.ts";

type Parts = Partial<ComponentInfo>;

function answer(
  instances: readonly Parts[],
  failures: readonly Partial<ComponentFailure>[] = [],
  minInstances = 0,
): ComponentAnswer {
  return {
    component: component("shop", { version: 4, minInstances }),
    status: {
      instances: instances.map((parts) => ({ nodeId: "n1", ...instance("shop", parts) })),
      failures: failures.map((parts) => ({ nodeId: "n1", ...failure(parts) })),
    },
  };
}

function failure(parts: Partial<ComponentFailure>): ComponentFailure {
  return {
    componentName: "shop",
    componentVersion: 4,
    message: 'Cannot start "shop": it is broken',
    attempts: 1,
    retryAt: 0,
    lines: [],
    health: [],
    ...parts,
  };
}

const old: Parts = { componentVersion: 3 };
const fresh: Parts = { componentVersion: 4 };
const starting: Parts = { ...fresh, status: "starting" };

/** What has no instance since no node has room for version 4. */
function refused(version: number, instances: readonly Parts[] = []): ComponentAnswer {
  const { component, status } = answer(instances, [], 1);
  const reason = "needs 512 MiB, largest free is 300 MiB";
  return { component, status: { ...status, refused: { componentName: "shop", version, reason } } };
}

const cases: { name: string; given: ComponentAnswer; want: [string, string] }[] = [
  { name: "nothing", given: answer([]), want: ["idle", "starts with its first request"] },
  {
    name: "nothing yet, where one is kept",
    given: answer([], [], 1),
    want: ["going", "waits for its first instance"],
  },
  { name: "one old", given: answer([old]), want: ["going", "1 of version 3 to replace"] },
  {
    name: "the last old one on its way out",
    given: answer([{ ...old, status: "stopping" }]),
    want: ["going", "1 stopping"],
  },
  {
    name: "one starting beside the old",
    given: answer([{ ...starting, progress: "pulling shop:7, 45 %" }, old, old]),
    want: ["going", "1 starting (pulling shop:7, 45 %), 2 of version 3 to replace"],
  },
  {
    name: "old ones of two versions beside one that serves",
    given: answer([fresh, old, { componentVersion: 2 }]),
    want: ["going", "1 serving, 2 of version 3 and 2 to replace"],
  },
  { name: "one starting", given: answer([starting]), want: ["going", "1 starting"] },
  { name: "one", given: answer([fresh]), want: ["serves", "serves with 1 instance"] },
  {
    name: "one frozen",
    given: answer([{ ...fresh, status: "frozen" }]),
    want: ["serves", "serves with 1 instance"],
  },
  {
    name: "the old ones stopping, another new one starting",
    given: answer([fresh, fresh, starting, { ...old, status: "stopping" }]),
    want: ["serves", "serves with 2 instances, 1 starting, 1 stopping"],
  },
  {
    name: "a failure of an older version only",
    given: answer([starting], [{ componentVersion: 3 }]),
    want: ["going", "1 starting"],
  },
  {
    name: "nothing, as there is no room",
    given: refused(4),
    want: ["refused", "has no place: needs 512 MiB, largest free is 300 MiB"],
  },
  {
    name: "nothing yet, where there was no room for an older version",
    given: refused(3),
    want: ["going", "waits for its first instance"],
  },
  {
    name: "one that serves, where there is no room for all",
    given: refused(4, [fresh]),
    want: ["serves", "serves with 1 instance"],
  },
  {
    name: "one old, where there is no room for all",
    given: refused(4, [old]),
    want: ["going", "1 of version 3 to replace"],
  },
];
for (const { name, given, want } of cases) {
  Deno.test(`rolloutState() of ${name}`, () => {
    const state = rolloutState(given, 4);
    assert.deepEqual([state.kind, "text" in state && state.text], want);
  });
}

Deno.test("rolloutState() tells a failure, and which versions serve all the same", () => {
  const frozen: Parts = { componentVersion: 2, status: "frozen" };
  const leaving: Parts = { componentVersion: 1, status: "stopping" };
  const state = rolloutState(answer([frozen, old, old, starting, leaving], [{}]), 4);
  assert.deepEqual(state, {
    kind: "failed",
    failure: { nodeId: "n1", ...failure({}) },
    serving: [3, 2],
  });
});

Deno.test("rolloutState() sees that another version was put", () => {
  assert.deepEqual(rolloutState(answer([fresh]), 3), { kind: "replaced", version: 4 });
});
