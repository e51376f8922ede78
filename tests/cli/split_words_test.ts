import assert from "node:assert/strict";
import fc from "fast-check";
import { splitWords } from "../../cli/split_words.ts";

const cases: [string, string[] | undefined][] = [
  ["", []],
  ["  ", []],
  ["node server.js  --port 80", ["node", "server.js", "--port", "80"]],
  ["sh -c 'echo \"hi\" $X'", ["sh", "-c", 'echo "hi" $X']],
  [String.raw`a\ b "c \" \\ \n" ''`, ["a b", String.raw`c " \ \n`, ""]],
  [`pre'mid'"post"`, ["premidpost"]],
  ["'open", undefined],
  ['"open', undefined],
  ["end\\", undefined],
];
for (const [line, want] of cases) {
  Deno.test(`splitWords() splits ${JSON.stringify(line)}`, () => {
    assert.deepEqual(splitWords(line), want);
  });
}

Deno.test("splitWords() gives back any words that are quoted", () => {
  fc.assert(fc.property(fc.array(fc.string()), (words) => {
    const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    assert.deepEqual(splitWords(line), words);
  }));
});
