import assert from "node:assert/strict";
import { mergeEnvironment, parseEnvFile, parseEnvLines } from "../../../lib/project/env_file.ts";

Deno.test("parseEnvFile() trims, skips comments, and keeps the last value", () => {
  const text = "# a comment\n\n A = 1 \r\n=nameless\nnothing\nB=x=y # not a comment\nA=2\n  #C=3\n";
  assert.deepEqual(parseEnvFile(text), { A: "2", B: "x=y # not a comment" });
});

Deno.test("parseEnvLines() takes lines literally", () => {
  assert.deepEqual(parseEnvLines('A = "1" \n#B=2\nno\n=x\nC='), [
    { name: "A ", value: ' "1" ' },
    { name: "#B", value: "2" },
    { name: "C", value: "" },
  ]);
});

Deno.test("mergeEnvironment() sorts by name, and the last value of a name holds", () => {
  const a = [{ name: "b", value: "1" }, { name: "a", value: "1" }];
  assert.deepEqual(mergeEnvironment(a, [{ name: "B", value: "2" }, { name: "b", value: "2" }]), [
    { name: "B", value: "2" },
    { name: "a", value: "1" },
    { name: "b", value: "2" },
  ]);
});
