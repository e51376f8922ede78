/** Tasks of a Step Functions activity reach a component, with heartbeats while it works. @module */
import assert from "node:assert/strict";
import { AWS_ENV } from "../support/aws/sqs.ts";
import { FakeStepFunctions } from "../support/aws/step_functions.ts";
import { until } from "../support/cluster.ts";
import { MessageHandler } from "../support/message_handler.ts";
import { TestNode } from "../support/node.ts";

Deno.test("walk: a component works on tasks of an activity, and tells how they ended", async () => {
  await using service = new FakeStepFunctions();
  await using handler = new MessageHandler(({ body }) =>
    body === '"slow"'
      ? { ms: 3000, body: '{"size":7}' }
      : { status: 422, headers: { "step-func-error": "BadImage", "step-func-cause": "no pixels" } }
  );
  await using node = await TestNode.start({ env: AWS_ENV });
  await handler.putOn(node, "job");
  const { endpoint } = service;
  const awsstepfunc = { activityName: "resize", path: "/resize", endpoint, heartbeatSeconds: 2 };
  const source = { name: "resize", componentName: "job", awsstepfunc };
  await node.run(["es", "put", "-f", "-"], JSON.stringify(source));
  service.add({ taskToken: "one", input: '"slow"' });
  service.add({ taskToken: "two", input: '"bad"' });
  await until(
    30_000,
    "both to end",
    () => Promise.resolve(service.ends().length === 2 ? true : undefined),
  );
  assert.deepEqual(service.ends(), [
    { action: "SendTaskSuccess", input: { taskToken: "one", output: '{"size":7}' } },
    {
      action: "SendTaskFailure",
      input: { taskToken: "two", error: "BadImage", cause: "no pixels" },
    },
  ]);
  const beats = service.calls.filter(({ action }) => action === "SendTaskHeartbeat");
  assert.ok(beats.length >= 2, `${beats.length} heartbeats in 3 s`);
  assert.equal(handler.delivered[0]!.path, "/resize");
});
