import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameDecoder, jsonLines, LineSplitter } from "../../../lib/docker/frames.ts";
import { MaelstromError } from "../../../lib/errors.ts";

function unavailable(error: unknown): boolean {
  return error instanceof MaelstromError && error.code === "engine_unavailable";
}

function frame(type: number, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = type;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** `bytes` cut at the given places, whatever they are. */
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)];
  return at.map((start, i) => bytes.subarray(start, at[i + 1] ?? bytes.length));
}

const cuts = fc.array(fc.nat(500), { maxLength: 8 });

for (
  const { name, bytes } of [
    { name: "an unknown stream", bytes: [4, 0, 0, 0, 0, 0, 0, 1] },
    { name: "padding that is not zero", bytes: [1, 0, 7, 0, 0, 0, 0, 1] },
    { name: "plain text", bytes: [...new TextEncoder().encode("hello world")] },
  ]
) {
  Deno.test(`FrameDecoder.push() refuses ${name}`, () => {
    assert.throws(() => new FrameDecoder().push(Uint8Array.from(bytes)), unavailable);
  });
}

Deno.test("FrameDecoder.end() refuses an end inside a header or a frame", () => {
  const whole = frame(1, "abc");
  for (let length = 1; length < whole.length; length++) {
    const frames = new FrameDecoder();
    frames.push(whole.subarray(0, length));
    assert.throws(() => frames.end(), unavailable);
  }
});

Deno.test("FrameDecoder.push() gives the same output wherever the bytes are cut", () => {
  const frames = fc.array(fc.record({ type: fc.constantFrom(1, 2), text: fc.string() }));
  fc.assert(fc.property(frames, cuts, (given, places) => {
    const decoder = new FrameDecoder();
    const got: Record<string, Uint8Array[]> = { stdout: [], stderr: [] };
    for (const chunk of cutAt(joined(given.map(({ type, text }) => frame(type, text))), places)) {
      for (const { stream, bytes } of decoder.push(chunk)) got[stream]?.push(bytes);
    }
    decoder.end();
    for (const [type, stream] of [[1, "stdout"], [2, "stderr"]] as const) {
      const want = given.filter((one) => one.type === type).map(({ text }) => text).join("");
      const bytes = joined(got[stream] ?? []);
      assert.deepEqual(bytes, new TextEncoder().encode(want));
    }
  }));
});

Deno.test("LineSplitter.push() gives the same lines wherever the bytes are cut", () => {
  const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n\ufeff]/.test(text));
  fc.assert(fc.property(fc.array(line), cuts, fc.boolean(), (lines, places, terminal) => {
    const splitter = new LineSplitter(1000);
    const bytes = new TextEncoder().encode(
      lines.map((l) => l + (terminal ? "\r\n" : "\n")).join(""),
    );
    const got = cutAt(bytes, places).flatMap((chunk) => splitter.push(chunk));
    assert.deepEqual([...got, ...splitter.end()], lines);
  }));
});

Deno.test("LineSplitter.push() cuts long lines without losing or breaking a character", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 80 }).filter((t) =>
    !/[\r\n\ufeff]/.test(t)
  );
  fc.assert(fc.property(text, cuts, fc.integer({ min: 2, max: 9 }), (line, places, max) => {
    const splitter = new LineSplitter(max);
    const bytes = new TextEncoder().encode(line);
    const got = cutAt(bytes, places).flatMap((chunk) => splitter.push(chunk));
    got.push(...splitter.end());
    assert.equal(got.join(""), line);
    for (const piece of got) {
      assert.ok(piece.length <= max);
      assert.ok(piece.isWellFormed());
    }
  }));
});

Deno.test("LineSplitter.end() gives the last line that has no line end", () => {
  const splitter = new LineSplitter(100);
  assert.deepEqual(splitter.push(new TextEncoder().encode("one\ntw")), ["one"]);
  assert.deepEqual(splitter.push(new TextEncoder().encode("o")), []);
  assert.deepEqual(splitter.end(), ["two"]);
  assert.deepEqual(splitter.end(), []);
});

Deno.test("jsonLines() refuses a line that is not JSON, after the ones that are", async () => {
  const stream = ReadableStream.from([new TextEncoder().encode('{"a":1}\r\n\r\n{"b"')]);
  const got: unknown[] = [];
  await assert.rejects(async () => {
    for await (const value of jsonLines(stream)) got.push(value);
  }, unavailable);
  assert.deepEqual(got, [{ a: 1 }]);
});

Deno.test("jsonLines() gives the values of nothing and of a last line without an end", async () => {
  assert.deepEqual(await Array.fromAsync(jsonLines(null)), []);
  const stream = ReadableStream.from([new TextEncoder().encode("1\n[2]\n3")]);
  assert.deepEqual(await Array.fromAsync(jsonLines(stream)), [1, [2], 3]);
});
