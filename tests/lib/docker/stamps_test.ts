import assert from "node:assert/strict";
import fc from "fast-check";
import { FrameDecoder } from "../../../lib/docker/frames.ts";
import { type StampedLine, stampedLine, StampedLines } from "../../../lib/docker/stamps.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const stampOf = (atMs: number) => `${new Date(atMs).toISOString().slice(0, -1)}456789Z `;

/** One message of the engine, in its frame. */
function frame(text: string): Uint8Array {
  const payload = bytesOf(text);
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = 1;
  new DataView(bytes.buffer).setUint32(4, payload.length);
  bytes.set(payload, 8);
  return bytes;
}

/** What comes of `bytes` that arrive in pieces of `size`. */
function linesOf(bytes: Uint8Array, size: number): StampedLine[] {
  const frames = new FrameDecoder();
  const lines = new StampedLines(1000);
  const got: StampedLine[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const { bytes: piece, begins } of frames.push(bytes.subarray(at, at + size))) {
      got.push(...lines.push(piece, begins));
    }
  }
  return [...got, ...lines.end()];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const cases: { name: string; messages: string[]; want: StampedLine[] }[] = [
  {
    name: "a line for each message",
    messages: [`${stampOf(1000)}one\n`, `${stampOf(2000)}two\n`],
    want: [{ line: "one", atMs: 1000 }, { line: "two", atMs: 2000 }],
  },
  {
    name: "a line of several messages, which is as old as its first",
    messages: [`${stampOf(1000)}long, `, `${stampOf(2000)}longer\n`, `${stampOf(3000)}next\n`],
    want: [{ line: "long, longer", atMs: 1000 }, { line: "next", atMs: 3000 }],
  },
  {
    name: "an empty line",
    messages: [`${stampOf(1000)}\n`, `${stampOf(2000)}\n`],
    want: [{ line: "", atMs: 1000 }, { line: "", atMs: 2000 }],
  },
  {
    name: "a time of the container's own",
    messages: [`${stampOf(1000)}${stampOf(5)}said\n`],
    want: [{ line: `${stampOf(5)}said`, atMs: 1000 }],
  },
  {
    name: "the clock of another zone",
    messages: ["1970-01-01T02:00:01.5+02:00 one\n"],
    want: [{ line: "one", atMs: 1500 }],
  },
  {
    name: "messages without a time",
    messages: ["12 monkeys\n", "12", "34\n", "\n", "x"],
    want: [{ line: "12 monkeys" }, { line: "1234" }, { line: "" }, { line: "x" }],
  },
];
for (const { name, messages, want } of cases) {
  Deno.test(`StampedLines gives ${name}, however the bytes arrive`, () => {
    const bytes = joined(messages.map(frame));
    for (let size = 1; size <= bytes.length; size++) assert.deepEqual(linesOf(bytes, size), want);
  });
}

Deno.test("StampedLines gives a line as soon as it is complete", () => {
  const lines = new StampedLines(1000);
  assert.deepEqual(lines.push(bytesOf("no time\n"), true), [{ line: "no time" }]);
  assert.deepEqual(lines.push(bytesOf("12:00\n"), true), [{ line: "12:00" }]);
});

Deno.test("StampedLines keeps every character that is written", () => {
  const message = fc.record({ text: fc.string({ unit: "grapheme" }), atMs: fc.nat(4e12) });
  fc.assert(fc.property(fc.array(message), fc.integer({ min: 1, max: 50 }), (messages, size) => {
    const texts = messages.map(({ text }) => text.replaceAll(/[\r\n]/g, ""));
    const frames = messages.map(({ atMs }, i) => frame(`${stampOf(atMs)}${texts[i]}\n`));
    const want = messages.map(({ atMs }, i) => ({ line: texts[i]!, atMs }));
    assert.deepEqual(linesOf(joined(frames), size), want);
  }));
});

Deno.test("stampedLine() takes the time from a line, if there is one", () => {
  assert.deepEqual(stampedLine(`${stampOf(1000)}a b`), { line: "a b", atMs: 1000 });
  assert.deepEqual(stampedLine("a b"), { line: "a b" });
});
