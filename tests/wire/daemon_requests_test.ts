import assert from "node:assert/strict";
import { NEXT, requestCases } from "../data/requests.ts";
import { RecorderNode } from "./recorder_node.ts";
import { judge } from "./verdict.ts";

Deno.test("a node refuses or passes each case at both doors as the engine does", async (t) => {
  await using recorder = await RecorderNode.start();
  const { publicPort, privatePort } = recorder.node;
  for (const [door, port] of [["public", publicPort], ["private", privatePort]] as const) {
    await t.step(`${door} door`, async () => {
      for (const each of requestCases) {
        const answers = await recorder.exchange(each.bytes + NEXT, port);
        try {
          judge(each, await recorder.heard(), answers);
        } catch (error) {
          throw new Error(`${each.want}: ${each.name}`, { cause: error });
        }
      }
    });
  }
  assert.equal((await recorder.node.containers()).length, 1, "the instance outlived all of it");
});
