import assert from "node:assert/strict";
import fc from "fast-check";
import { ChunkedDecoder, putChunk } from "../../../lib/http/chunked.ts";
import { bytesOf } from "../../support/http/raw.ts";

const malformed = [
  "g\r\n",
  "+1\r\na\r\n",
  "-1\r\n",
  "0x1\r\na\r\n",
  "1_0\r\n",
  " 1\r\na\r\n",
  "\r\n",
  ";a\r\n",
  "1\na\r\n",
  "1\r\na\n",
  "1\r\nab\r\n",
  "1\r\na\r\r\n",
  "1 \r\na\r\n",
  "1\t;\x00\r\n",
  "1;a\nb\r\n",
  "1;a\rb\r\n",
  "fffffffffffffff\r\n",
  "00000000000000\r\n",
  "0\r\n\n",
  "0\r\nA b: c\r\n\r\n",
  "0\r\n: c\r\n\r\n",
  "0\r\nabc\r\n\r\n",
  "0\r\nA: b\rc\r\n\r\n",
  "0\r\n A: b\r\n\r\n",
  "0\r\n\rX",
  "1,1\r\na\r\n",
  `1;${"a".repeat(2000)}\r\n`,
];

for (const text of malformed) {
  Deno.test(`ChunkedDecoder.decode() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    const bytes = bytesOf(text);
    assert.equal(new ChunkedDecoder().decode(bytes, 0, bytes.length), false);
  });
}

const wellFormed: [string, string][] = [
  ["0\r\n\r\n", ""],
  ["3\r\nabc\r\n0\r\n\r\n", "abc"],
  ["3\r\nabc\r\n00A\r\n0123456789\r\n000\r\n\r\n", "abc0123456789"],
  ["1;x=y\r\na\r\n0;z\r\n\r\n", "a"],
  ["1 ;x\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n", "a"],
];

for (const [text, want] of wellFormed) {
  Deno.test(`ChunkedDecoder.decode() takes ${JSON.stringify(text)}`, () => {
    assert.equal(decodeInPieces(text + "GET", []).data, want);
    assert.equal(decodeInPieces(text + "GET", [...text].map((_, i) => i)).data, want);
    assert.equal(decodeInPieces(text + "GET", []).rest, "GET");
  });
}

Deno.test("putChunk() makes what ChunkedDecoder takes apart, however it is split", () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 });
  fc.assert(fc.property(pieces, fc.array(fc.nat(2500)), (pieces, cuts) => {
    const out = new Uint8Array(4096);
    let at = 0;
    for (const piece of pieces) at = putChunk(out, at, piece, 0, piece.length, false);
    at = putChunk(out, at, out, 0, 0, true);
    const text = String.fromCharCode(...out.subarray(0, at));
    const want = pieces.map((piece) => String.fromCharCode(...piece)).join("");
    assert.deepEqual(decodeInPieces(text, cuts), { data: want, rest: "", done: true });
  }));
});

function decodeInPieces(
  text: string,
  cuts: number[],
): { data: string; rest: string; done: boolean } {
  const decoder = new ChunkedDecoder();
  const all = bytesOf(text);
  let data = "";
  let start = 0;
  const ends = cuts.filter((cut) => cut < all.length).sort((a, b) => a - b);
  for (const end of [...ends, all.length]) {
    const bytes = all.slice(start, end);
    assert.equal(decoder.decode(bytes, 0, bytes.length), true);
    data += String.fromCharCode(...bytes.subarray(0, decoder.dataEnd));
    start += decoder.consumed;
    if (decoder.done) break;
  }
  return { data, rest: text.slice(start), done: decoder.done };
}
