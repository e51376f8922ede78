import assert from "node:assert/strict";
import { meets, parseConstraint } from "../../../lib/contract/constraint.ts";

const cases: { text: string; labels?: Record<string, string>; want: boolean | undefined }[] = [
  { text: "zone=a", labels: { zone: "a" }, want: true },
  { text: "zone=a", labels: { zone: "b" }, want: false },
  { text: "zone=a", want: false },
  { text: "zone!=a", labels: { zone: "a" }, want: false },
  { text: "zone!=a", labels: { zone: "b" }, want: true },
  { text: "zone!=a", want: true },
  { text: "zone=", want: true },
  { text: "zone!=", labels: { zone: "a" }, want: true },
  { text: "zone!=", want: false },
  { text: "toString=a", want: false },
  { text: "example.com/disk-type=ssd:2", labels: { "example.com/disk-type": "ssd:2" }, want: true },
  { text: "", want: undefined },
  { text: "zone", want: undefined },
  { text: "=a", want: undefined },
  { text: "zone==a", want: undefined },
  { text: "zone = a", want: undefined },
  { text: "zone=a b", want: undefined },
  { text: "-zone=a", want: undefined },
];

for (const { text, labels = {}, want } of cases) {
  Deno.test(`meets() answers ${want} to "${text}" on ${JSON.stringify(labels)}`, () => {
    const constraint = parseConstraint(text);
    assert.equal(constraint && meets(labels, [constraint]), want);
  });
}
