import assert from "node:assert/strict";
import { NEXT, requestCases } from "../data/requests.ts";
import { Engine } from "../support/http/raw.ts";
import { readRequests } from "./reader.ts";
import { recording } from "./recording.ts";
import { judge } from "./verdict.ts";

for (const each of requestCases) {
  Deno.test(`serveHttp() ${each.want === "one" ? "passes" : "refuses"} ${each.name}`, async () => {
    await using instance = recording();
    await using engine = new Engine(instance.port);
    judge(each, instance.heard, await engine.exchange(each.bytes + NEXT));
    assert.equal(engine.upstream.busy, 0);
  });
}

Deno.test("requestCases: the second reader agrees with every verdict", () => {
  const beyondLimits = [414, 431, 505];
  for (const { name, bytes, want, status = 0, body } of requestCases) {
    const messages = readRequests(bytes);
    if (want === "one") assert.deepEqual(messages.map((each) => each.body), [body], name);
    else if (!beyondLimits.includes(status) && !/endless/.test(name)) {
      assert.deepEqual(messages, [], name);
    }
  }
});

Deno.test("requestCases: every name and every text is there once", () => {
  const count = (values: string[]) => new Set(values).size;
  assert.equal(count(requestCases.map(({ name }) => name)), requestCases.length);
  assert.equal(count(requestCases.map(({ bytes }) => bytes)), requestCases.length);
});
