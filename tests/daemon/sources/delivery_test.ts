/** What a component is sent, and what its answers mean. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  deliveryOf,
  headerText,
  pauseSecondsOf,
  retrySeconds,
  verdictOf,
} from "../../../daemon/sources/delivery.ts";
import { message, polling, reply } from "../../support/messages.ts";

Deno.test("deliveryOf() sends a message as it is, and tells of it in headers", () => {
  const one = message({ id: "m1", body: "{}", receiveCount: 2, group: "g", headers: [["A", "ü"]] });
  assert.deepEqual(deliveryOf([one], polling()), {
    method: "POST",
    path: "/image",
    replyBytesMax: 16384,
    headers: [
      ["Mael-Event-Source", "images"],
      ["Mael-Message-Id", "m1"],
      ["Mael-Queue", "q"],
      ["Mael-Receive-Count", "2"],
      ["Mael-Message-Group", "g"],
      ["A", "%C3%BC"],
    ],
    body: "{}",
  });
});

Deno.test("deliveryOf() sends a batch as JSON", () => {
  const list = [message({ id: "m1", headers: [["A", "ü"]] }), message({ id: "m2", group: "g" })];
  const { headers, body } = deliveryOf(list, polling({ isBatch: true }));
  assert.deepEqual(headers.at(-1), ["Content-Type", "application/json"]);
  assert.deepEqual(JSON.parse(body), {
    messages: [
      { id: "m1", queue: "q", receiveCount: 1, headers: { A: "ü" }, body: "" },
      { id: "m2", queue: "q", receiveCount: 1, group: "g", headers: {}, body: "" },
    ],
  });
});

Deno.test("headerText() makes any text a header's value that can be read back", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const value = headerText(text);
    assert.match(value, /^(?! )[\x20-\x7e]*(?<! )$/);
    assert.equal(decodeURIComponent(value), text.toWellFormed());
  }));
});

const [a, b, c] = [message({ id: "a" }), message({ id: "b" }), message({ id: "c" })];
const [g1, g2] = [message({ id: "g1", group: "g" }), message({ id: "g2", group: "g" })];
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join("");

for (
  const { name, answer, messages = [a, b, c], isBatch = true, failed } of [
    { name: "200", answer: reply(200), failed: "" },
    { name: "204", answer: reply(204), failed: "" },
    { name: "302", answer: reply(302), failed: "abc" },
    { name: "500", answer: reply(500, '{"failed":[]}'), failed: "abc" },
    {
      name: "text to one message",
      answer: reply(200, "ok"),
      messages: [a],
      isBatch: false,
      failed: "",
    },
    { name: "text to a batch", answer: reply(200, "ok"), failed: "abc" },
    { name: "a list", answer: reply(200, "[]"), failed: "abc" },
    { name: "no list of ids", answer: reply(200, '{"failed":"a"}'), failed: "abc" },
    { name: "an id that was not sent", answer: reply(200, '{"failed":["a","x"]}'), failed: "abc" },
    { name: "other fields", answer: reply(200, '{"done":3}'), failed: "" },
    { name: "two of three", answer: reply(200, '{"failed":["a","c"]}'), failed: "ac" },
    {
      name: "the first of a group",
      answer: reply(200, '{"failed":["g1"]}'),
      messages: [g1, a, g2],
      failed: "g1g2",
    },
  ]
) {
  Deno.test(`verdictOf() reads ${name}`, () => {
    const verdict = verdictOf(answer, messages, { isBatch });
    assert.equal(ids(verdict.failed), failed);
    assert.equal(verdict.handled.length + verdict.failed.length, messages.length);
    assert.equal(verdict.reason !== undefined, failed !== "");
  });
}

for (
  const { status, headers = {}, want } of [
    { status: 200, want: 0 },
    { status: 200, headers: { "pause-seconds": "7" }, want: 7 },
    { status: 500, headers: { "pause-seconds": "7" }, want: 7 },
    { status: 200, headers: { "pause-seconds": "-1" }, want: 0 },
    { status: 200, headers: { "pause-seconds": "soon" }, want: 0 },
    { status: 200, headers: { "pause-seconds": "999999" }, want: 3600 },
    { status: 503, want: 1 },
    { status: 429, headers: { "retry-after": "9" }, want: 9 },
    { status: 200, headers: { "retry-after": "9" }, want: 0 },
  ] as { status: number; headers?: Record<string, string>; want: number }[]
) {
  Deno.test(`pauseSecondsOf() of ${status} ${JSON.stringify(headers)} is ${want}`, () => {
    assert.equal(pauseSecondsOf(reply(status, "", headers)), want);
  });
}

Deno.test("retrySeconds() doubles up to a quarter of an hour", () => {
  assert.deepEqual([1, 2, 3, 10, 11, 5000].map((n) => retrySeconds(n, 0)), [
    1,
    2,
    4,
    512,
    900,
    900,
  ]);
  fc.assert(fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (count, random) => {
    const seconds = retrySeconds(count, random);
    assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 900);
  }));
});
