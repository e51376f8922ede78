import assert from "node:assert/strict";
import fc from "fast-check";
import { ResponseReader } from "../../../lib/tls/h2_response.ts";
import { bytesOf } from "../../support/http/raw.ts";

/** What a reader told, as text. */
function told(parts: readonly string[], isHead = false) {
  const heard = { interim: [] as string[][], head: [] as string[], data: "", ends: 0 };
  const reader = new ResponseReader({
    onInterim: (fields) => heard.interim.push(fields),
    onHead: (fields, ended) => {
      heard.head = fields;
      if (ended) heard.ends++;
    },
    onData: (bytes, ended) => {
      heard.data += new TextDecoder("latin1").decode(bytes);
      if (ended) heard.ends++;
    },
  }, isHead);
  for (const part of parts) reader.read(bytesOf(part));
  return { ...heard, done: reader.done, keep: reader.keep };
}

const CASES = [
  {
    name: "a length",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: \xe9\r\n\r\nhello",
    want: { head: [":status", "200", "content-length", "5", "x-a", "\xe9"], data: "hello" },
  },
  {
    name: "chunks without their trailers",
    text:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n",
    want: { head: [":status", "200"], data: "abcde" },
  },
  {
    name: "interim answers first",
    text: "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
    want: {
      interim: [[":status", "103", "link", "</a>"]],
      head: [":status", "204"],
    },
  },
  {
    name: "repeated fields, but a single one once",
    text: "HTTP/1.1 304 X\r\nSet-Cookie: a\r\nETag: 1\r\nSet-Cookie: b\r\nETag: 2\r\n\r\n",
    want: { head: [":status", "304", "set-cookie", "a", "etag", "1", "set-cookie", "b"] },
  },
  {
    name: "no fields of the connection",
    text: "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n" +
      "Content-Length: 0\r\n\r\n",
    want: { head: [":status", "200", "content-length", "0"], keep: false },
  },
];

for (const { name, text, want } of CASES) {
  Deno.test(`ResponseReader tells ${name}, however it is split`, () => {
    const whole = { interim: [], data: "", ends: 1, done: true, keep: true, ...want };
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const parts = at.slice(1).map((end, i) => text.slice(at[i], end));
        assert.deepEqual(told(parts), whole);
      }),
    );
  });
}

Deno.test("ResponseReader tells an answer to HEAD without a body", () => {
  const { head, done, ends } = told(["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], true);
  assert.deepEqual([head, done, ends], [[":status", "200", "content-length", "9"], true, 1]);
});

for (
  const { name, text } of [
    { name: "101", text: "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" },
    { name: "no length", text: "HTTP/1.1 200 OK\r\n\r\nabc" },
    { name: "a malformed chunk", text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx" },
    { name: "nonsense", text: "nonsense\r\n\r\n" },
  ]
) {
  Deno.test(`ResponseReader.read() throws on ${name}`, () => {
    assert.throws(() => told([text]), /^Error: Cannot say answer/);
  });
}
