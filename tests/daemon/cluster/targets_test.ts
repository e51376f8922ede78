/** What a node is told to run, and by whom it lets itself be told. @module */
import { strict as assert } from "node:assert";
import { Targets } from "../../../daemon/cluster/targets.ts";
import type { StoredComponent } from "../../../daemon/store/store.ts";
import type { TargetOrder } from "../../../lib/contract/v1.ts";
import { silentLog } from "../../../lib/log.ts";
import { component } from "../../support/cli/builders.ts";

let orders = 0;

function order(epoch: number, counts: Record<string, number>, version = 1): TargetOrder {
  const targets = Object.entries(counts)
    .map(([componentName, count]) => ({ componentName, count, version }));
  return { epoch, number: ++orders, targets, refused: [] };
}

function told(epoch = 0) {
  const counts: Record<string, number>[] = [];
  const versions: number[] = [];
  const refused: string[] = [];
  const components: StoredComponent[] = ["blog", "shop"].map((name) => ({
    component: component(name),
    uid: name,
  }));
  const targets = new Targets({
    epoch,
    log: silentLog,
    components: () => components,
    refuse: (component, { message }) => refused.push(`${component}: ${message}`),
    setTargets: (list) => {
      versions.push(...list.map(({ stored }) => stored.component.version));
      counts.push(
        Object.fromEntries(list.map(({ stored, count }) => [stored.component.name, count])),
      );
    },
  });
  return { targets, counts, components, versions, refused };
}

Deno.test("Targets.accept() hands on every component, those not named with 0", () => {
  const { targets, counts } = told();
  targets.accept(order(1, { shop: 2, gone: 1 }));
  assert.deepEqual(counts, [{ blog: 0, shop: 2 }]);
});

Deno.test("Targets.accept() refuses an owner that was replaced, and changes nothing", () => {
  const { targets, counts } = told();
  targets.accept(order(7, {}));
  assert.throws(() => targets.accept(order(6, { shop: 9 })), {
    code: "stale_epoch",
  });
  assert.equal(counts.length, 1);
  targets.accept(order(7, {}));
  targets.accept(order(8, {}));
  assert.equal(counts.length, 3);
});

Deno.test("Targets.accept() refuses after a start whoever was replaced before it", () => {
  const { targets, counts } = told(7);
  assert.throws(() => targets.accept(order(6, { shop: 9 })), { code: "stale_epoch" });
  assert.deepEqual(counts, []);
  targets.accept(order(7, { shop: 1 }));
  assert.deepEqual(counts, [{ blog: 0, shop: 1 }]);
});

Deno.test("Targets.accept() leaves an order that a newer one of its owner has overtaken", () => {
  const { targets, counts } = told();
  const late = order(3, { shop: 9 });
  const newer = order(3, { shop: 1 });
  targets.accept(newer);
  targets.accept(late);
  targets.accept(newer);
  targets.accept({ ...late, epoch: 4 });
  assert.deepEqual(counts.map(({ shop }) => shop), [1, 1, 9], "a new owner counts from 1 again");
});

Deno.test("Targets.apply() joins the counts with what is desired by now", () => {
  const { targets, counts, components } = told();
  targets.apply();
  assert.deepEqual(counts, [], "nothing is stopped before anybody has said what should run");
  targets.accept(order(1, { new: 3 }));
  components.push({ component: component("new"), uid: "new" });
  targets.apply();
  assert.deepEqual(counts.at(-1), { blog: 0, shop: 0, new: 3 });
});

Deno.test("Targets.apply() keeps the version that runs until it is this node's turn to roll", () => {
  const { targets, components, versions } = told();
  components.splice(1);
  targets.accept(order(1, { blog: 1 }));
  components[0] = { component: component("blog", { version: 2 }), uid: "blog" };
  targets.apply();
  assert.deepEqual(versions, [1, 1]);
  targets.accept(order(1, { blog: 1 }, 2));
  assert.deepEqual(versions, [1, 1, 2]);
});

Deno.test("Targets.apply() does not wait with a component that was removed and put again", () => {
  const { targets, components, versions } = told();
  components.splice(1);
  targets.accept(order(1, { blog: 1 }, 5));
  components[0] = { component: component("blog", { version: 9 }), uid: "another" };
  targets.apply();
  assert.deepEqual(versions, [1, 9]);
});

Deno.test("Targets.accept() tells those who wait why there is no instance", () => {
  const { targets, refused } = told();
  targets.accept({ ...order(1, {}), refused: [{ componentName: "shop", reason: "no room" }] });
  assert.deepEqual(refused, ['shop: Cannot place "shop": no room']);
});

Deno.test("Targets keeps what has no place until the owner says otherwise", () => {
  const { targets } = told();
  assert.deepEqual([targets.refusalOf("shop"), targets.stuck], [undefined, []]);
  const refusal = { componentName: "shop", version: 1, reason: "no node takes instances" };
  targets.accept({ ...order(1, {}), refused: [refusal], stuck: [refusal] });
  assert.deepEqual(targets.refusalOf("shop"), refusal);
  assert.equal(targets.refusalOf("blog"), undefined);
  assert.deepEqual(targets.stuck, [refusal]);
  targets.accept(order(1, { shop: 1 }));
  assert.deepEqual([targets.refusalOf("shop"), targets.stuck], [undefined, []]);
});
