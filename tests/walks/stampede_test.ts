import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

Deno.test("walk: 1,000 first requests at once start one container and are all answered", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", {}, { maxInstances: 1 });
  const statuses = await Promise.all(Array.from({ length: 1000 }, async () => {
    const response = await fetch(`${node.url}/hello/whoami`);
    return `${response.status} ${(await response.json()).hostname}`;
  }));
  assert.equal(new Set(statuses).size, 1, [...new Set(statuses)].join("\n"));
  assert.match(statuses[0]!, /^200 /);
  assert.equal(node.log.filter(({ message }) => message === "instance serves").length, 1);
  assert.equal((await node.containers()).length, 1);
});
