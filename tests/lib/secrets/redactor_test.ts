import assert from "node:assert/strict";
import fc from "fast-check";
import { Redactor } from "../../../lib/secrets/redactor.ts";

const cases: readonly {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly text: string;
  readonly want: string;
}[] = [
  { name: "nothing without secrets", secrets: [], text: "hello", want: "hello" },
  { name: "a value", secrets: ["hunter2"], text: "pass=hunter2;", want: "pass=***;" },
  { name: "each time", secrets: ["abcd"], text: "abcd-abcd", want: "***-***" },
  {
    name: "a longer one that holds a shorter",
    secrets: ["abcd", "abcdef"],
    text: "abcdef",
    want: "***",
  },
  { name: "two that overlap as one", secrets: ["abcd", "cdef"], text: "xabcdefx", want: "x***x" },
  { name: "two that touch as one", secrets: ["abcd", "efgh"], text: "abcdefgh", want: "***" },
  { name: "no short value", secrets: ["abc"], text: "abc", want: "abc" },
  {
    name: "each line of a value",
    secrets: ["line one\r\nabc\nline two"],
    text: "> line two",
    want: "> ***",
  },
  {
    name: "a value inside JSON",
    secrets: ['say "hi"'],
    text: '{"a":"say \\"hi\\""}',
    want: '{"a":"***"}',
  },
  {
    name: "signs of patterns",
    secrets: ["a.c*", "$&$1"],
    text: "abcc a.c* $&$1",
    want: "abcc *** ***",
  },
  { name: "what the replacement makes", secrets: ["***x", "wxyz"], text: "ab wxyzx", want: "***" },
];

for (const { name, secrets, text, want } of cases) {
  Deno.test(`Redactor.redact() takes out ${name}`, () => {
    assert.equal(new Redactor(secrets).redact(text), want);
  });
}

Deno.test("Redactor.redact() never leaves a value, and leaves the rest alone", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*", "\n", '"'), maxLength: 6 });
  fc.assert(fc.property(fc.array(word), fc.array(word), (secrets, texts) => {
    const redactor = new Redactor(secrets);
    const text = texts.join("");
    const redacted = redactor.redact(text);
    const values = secrets.flatMap((secret) => [secret, ...secret.split("\n")])
      .filter((value) => value.length >= 4);
    for (const value of values) assert.ok(!redacted.includes(value), redacted);
    if (!values.some((value) => text.includes(value))) {
      const inJson = secrets.some((secret) => JSON.stringify(secret).includes("\\"));
      if (!inJson) assert.equal(redacted, text);
    }
    assert.equal(redactor.redact(redacted), redacted);
  }));
});

Deno.test("Redactor.redact() keeps up with logs: 100 secrets, lines of 1000 characters", () => {
  const secrets = Array.from({ length: 100 }, (_, i) => `${i}-${"secret".repeat(4)}-${i * 7919}`);
  const redactor = new Redactor(secrets);
  const line = `${"x".repeat(480)} ${secrets[50]} ${"y".repeat(480)}`;
  const begun = performance.now();
  for (let i = 0; i < 2000; i++) assert.ok(redactor.redact(line).includes("***"));
  const microseconds = (performance.now() - begun) / 2;
  console.log(`  ${microseconds.toFixed(1)} µs a line`);
  // Far from what it takes, so that a busy machine does not fail it.
  assert.ok(microseconds < 5000);
});
