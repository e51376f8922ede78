/** Activities of Step Functions, against the calls that a worker makes. @module */
import assert from "node:assert/strict";
import { ActivitySource, failureOf, jsonOf } from "../../../daemon/sources/step_functions.ts";
import { AWS_ENV } from "../../support/aws/sqs.ts";
import { FakeStepFunctions } from "../../support/aws/step_functions.ts";
import { reply } from "../../support/messages.ts";

for (const [name, value] of Object.entries(AWS_ENV)) Deno.env.set(name, value);

const signal = AbortSignal.timeout(60_000);

function open({ endpoint }: FakeStepFunctions): ActivitySource {
  return new ActivitySource({ activityName: "resize", path: "/", endpoint }, "node1");
}

Deno.test("ActivitySource makes the activity, brings a task, and tells that it is done", async () => {
  await using service = new FakeStepFunctions();
  await using source = open(service);
  assert.deepEqual(await source.receive(1, signal), [], "an empty poll");
  service.add({ taskToken: "token1", input: '{"image":7}' });
  const [task] = await source.receive(1, signal);
  assert.deepEqual([task!.body, task!.queue, task!.receipt], ['{"image":7}', "resize", "token1"]);
  await source.extend(task!, 60, signal);
  await source.done(task!, reply(200, "done"), signal);
  assert.deepEqual(service.activities, ["resize"]);
  assert.deepEqual(service.ends(), [
    { action: "SendTaskSuccess", input: { taskToken: "token1", output: '"done"' } },
  ]);
  await assert.rejects(source.extend(task!, 60, signal), { code: "not_found" });
});

Deno.test("ActivitySource finds the activity that is there, and tells that a task failed", async () => {
  await using service = new FakeStepFunctions();
  service.activities.push("other", "resize");
  await using source = open(service);
  service.add({ taskToken: "token1", input: "{}" });
  const [task] = await source.receive(1, signal);
  await source.failed(task!, 1, reply(500, "broken"), signal);
  assert.equal(service.calls.some(({ action }) => action === "CreateActivity"), false);
  assert.deepEqual(service.ends().map(({ input }) => input), [{
    taskToken: "token1",
    error: "maelstrom_500",
    cause: "maelstrom error: status 500: broken",
  }]);
});

Deno.test("ActivitySource fails a task that comes when nobody waits any more", async () => {
  await using service = new FakeStepFunctions();
  {
    await using source = open(service);
    const stop = new AbortController();
    const received = source.receive(1, stop.signal);
    while (!service.calls.some(({ action }) => action === "GetActivityTask")) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stop.abort();
    await assert.rejects(received, { name: "AbortError" });
    service.add({ taskToken: "late", input: "{}" });
  }
  assert.deepEqual(service.ends().map(({ input }) => [input["taskToken"], input["error"]]), [
    ["late", "maelstrom_no_reply"],
  ]);
});

Deno.test("ActivitySource fails a task whose output is larger than the service takes", async () => {
  await using service = new FakeStepFunctions();
  await using source = open(service);
  service.add({ taskToken: "token1", input: "{}" });
  const [task] = await source.receive(1, signal);
  await source.done(task!, reply(200, "x".repeat(256 * 1024 + 1)), signal);
  assert.equal(service.ends()[0]!.input["error"], "maelstrom_reply_too_large");
});

Deno.test("failureOf() takes the component's words, cut to what the service takes", () => {
  const headers = { "step-func-error": "e".repeat(300), "step-func-cause": "c".repeat(40_000) };
  const { error, cause } = failureOf(reply(400, "", headers));
  assert.deepEqual([error.length, cause.length], [256, 32_768]);
  assert.deepEqual(failureOf(reply(404, "no")), {
    error: "maelstrom_404",
    cause: "maelstrom error: status 404: no",
  });
  assert.equal(failureOf(undefined).error, "maelstrom_no_reply");
});

Deno.test("jsonOf() leaves JSON as it is", () => {
  for (const json of ["{}", "7", '"a"', "[1, 2]"]) assert.equal(jsonOf(json), json);
  assert.equal(jsonOf(""), '""');
  assert.equal(jsonOf("ok"), '"ok"');
});
