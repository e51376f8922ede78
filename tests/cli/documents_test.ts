import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "yaml";
import { parseDocuments } from "../../cli/documents.ts";

Deno.test("parseDocuments() reads several documents and skips empty ones", async () => {
  const documents = await parseDocuments("---\na: 1\n---\n---\nb: [2]\n---\n", "f.yml");
  assert.deepEqual(documents.map(({ value }) => value), [{ a: 1 }, { b: [2] }]);
  assert.deepEqual(await parseDocuments("", "f.yml"), []);
  assert.deepEqual(await parseDocuments("# nothing\n", "f.yml"), []);
});

Deno.test("parseDocuments() knows where a field is, or its nearest parent", async () => {
  const text = "x: &x\n  y:\n    - z: 1\n      w: 2\nalias: *x\n---\nsecond:\n  field: 1\n";
  const [first, second] = await parseDocuments(text, "f.yml");
  const cases: [(string | number)[], string][] = [
    [[], "f.yml:1:1"],
    [["x", "y"], "f.yml:2:3"],
    [["x", "y", 0, "w"], "f.yml:4:7"],
    [["x", "y", 0, "gone"], "f.yml:3:7"],
    [["x", "gone", "deeper"], "f.yml:1:1"],
    [["alias", "y", 0, "z"], "f.yml:3:7"],
  ];
  for (const [path, want] of cases) assert.equal(first?.position(path), want, path.join("."));
  assert.equal(second?.position(["second", "field"]), "f.yml:8:3");
});

Deno.test("parseDocuments() merges, and keeps 1.2 words as text", async () => {
  const text = "base: &b {a: 1}\nuse:\n  <<: *b\n  on: yes\n";
  const [document] = await parseDocuments(text, "f.yml");
  assert.deepEqual(document?.value, { base: { a: 1 }, use: { a: 1, on: "yes" } });
});

Deno.test("parseDocuments() finds what was written through aliases and merged mappings", async () => {
  const text = `
base: &base { user: 007, tag: 1.10 }
more: &more { <<: *base, tag: 1.20, list: [0x10] }
use:
  <<: [*more, { own: 1e3 }]
  tag: 1.30
whole: *more
`;
  const [document] = await parseDocuments(text, "f");
  assert.ok(document);
  const told: [(string | number)[], string | undefined, string][] = [
    [["use", "tag"], "1.30", "f:6:3"],
    [["use", "own"], "1e3", "f:5:17"],
    [["use", "user"], "007", "f:2:15"],
    [["use", "list", 0], "0x10", "f:3:44"],
    [["whole", "user"], "007", "f:2:15"],
    [["whole", "none"], undefined, "f:7:1"],
    [["base", "user", "x"], undefined, "f:2:15"],
  ];
  for (const [path, written, place] of told) {
    assert.equal(document.textAt(path), written, path.join("."));
    assert.equal(document.position(path), place, path.join("."));
  }
});

const faults: [string, string, RegExp][] = [
  ["bad indentation", "a: 1\n b: 2\n", /^Cannot read f\.yml:\d+:\d+: /],
  ["a key twice", "a: 1\na: 2\n", /^Cannot read f\.yml:2:1: .*unique/],
  ["an alias to nothing", "a: *b\n", /^Cannot read f\.yml:?.*: .*alias/i],
  ["a mapping merged into itself", "a: &a { <<: *a, b: 1 }\n", /^Cannot read f\.yml.*: /],
  ["an unknown tag", "a: !!thing 1\n", /^Cannot read f\.yml:1:4: /],
  ["broken JSON", '{\n  "a": 1,\n  "b": \n', /^Cannot read f\.yml:\d+:\d+: /],
  ["a bomb of aliases", bomb(), /^Cannot read f\.yml: .*alias/i],
  ["endless nesting", "[".repeat(100_000), /^Cannot read f\.yml.*: /],
];
for (const [name, text, want] of faults) {
  Deno.test(`parseDocuments() refuses ${name}`, async () => {
    await assert.rejects(parseDocuments(text, "f.yml"), { code: "invalid", message: want });
  });
}

function bomb(): string {
  const lines = ["a0: &a0 [x]"];
  for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`);
  return lines.join("\n");
}

Deno.test("parseDocuments() reads JSON, and what YAML was made of any value", async () => {
  await fc.assert(fc.asyncProperty(
    fc.dictionary(fc.string(), fc.jsonValue()).filter((value) =>
      !Object.hasOwn(value, "__proto__")
    ),
    async (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      const [json] = await parseDocuments(JSON.stringify(plain), "f");
      assert.deepEqual(json?.value, plain);
    },
  ));
  for (
    const text of ["yes", "0123", "1e3", "~", "a: b", "- x", "\u0007", "  ", "'", "2024-05-01"]
  ) {
    const [yaml] = await parseDocuments(stringify({ text }, { compat: "yaml-1.1" }), "f");
    assert.deepEqual(yaml?.value, { text });
  }
});
