import assert from "node:assert/strict";
import fc from "fast-check";
import { DONE, Head, MORE } from "../../../lib/http/head.ts";
import { DEFAULT_LIMITS, RESPONSE_LIMITS } from "../../../lib/http/limits.ts";
import { bytesOf } from "../../support/http/raw.ts";

const R = "GET / HTTP/1.1\r\nHost: a\r\n";

const requests: { name: string; text: string; want: number }[] = [
  { name: "a plain request", text: `${R}\r\n`, want: DONE },
  { name: "one empty line before it", text: `\r\n${R}\r\n`, want: DONE },
  { name: "two empty lines before it", text: `\r\n\r\n${R}\r\n`, want: 400 },
  {
    name: "bytes above 0x7f in the target",
    text: "GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n",
    want: DONE,
  },
  { name: "bytes above 0x7f in a value", text: `${R}A: \xe4\r\n\r\n`, want: DONE },
  { name: "a tab in a value", text: `${R}A: b\tc\r\n\r\n`, want: DONE },
  { name: "a space before the colon", text: `${R}A : b\r\n\r\n`, want: 400 },
  { name: "a tab before the colon", text: `${R}A\t: b\r\n\r\n`, want: 400 },
  { name: "an empty field name", text: `${R}: b\r\n\r\n`, want: 400 },
  { name: "a line without colon", text: `${R}abc\r\n\r\n`, want: 400 },
  { name: "a folded line", text: `${R}A: b\r\n c\r\n\r\n`, want: 400 },
  {
    name: "white space before the first field",
    text: `GET / HTTP/1.1\r\n Host: a\r\n\r\n`,
    want: 400,
  },
  { name: "a bare CR in a value", text: `${R}A: b\rc\r\n\r\n`, want: 400 },
  { name: "a bare LF after a value", text: `${R}A: b\n\r\n`, want: 400 },
  { name: "a bare LF after the request line", text: "GET / HTTP/1.1\nHost: a\r\n\r\n", want: 400 },
  { name: "a bare LF as the last line", text: `${R}\n`, want: 400 },
  { name: "a bare CR as the last line", text: `${R}\rX\r\n`, want: 400 },
  { name: "NUL in a value", text: `${R}A: b\0c\r\n\r\n`, want: 400 },
  { name: "DEL in a value", text: `${R}A: \x7f\r\n\r\n`, want: 400 },
  { name: "NUL in a name", text: `${R}A\0: b\r\n\r\n`, want: 400 },
  { name: "a name above 0x7f", text: `${R}A\xff: b\r\n\r\n`, want: 400 },
  { name: "repeated Host", text: `${R}HOST: b\r\n\r\n`, want: 400 },
  {
    name: "two lengths that differ",
    text: `${R}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    want: 400,
  },
  {
    name: "two equal lengths",
    text: `${R}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
    want: 400,
  },
  ...["", "+1", "-1", "1,1", "1 1", "0x1", "1.0", "1_0", "9999999999999999", "\xb2", "1;"].map((
    value,
  ) => ({ name: `length "${value}"`, text: `${R}Content-Length: ${value}\r\n\r\n`, want: 400 })),
  {
    name: "length with transfer coding",
    text: `${R}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    want: 400,
  },
  {
    name: "transfer coding with length",
    text: `${R}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`,
    want: 400,
  },
  { name: "Chunked in capitals", text: `${R}transfer-encoding: CHUNKED\r\n\r\n`, want: DONE },
  ...["identity", "gzip", "cow", ""].map((value) => ({
    name: `coding "${value}"`,
    text: `${R}Transfer-Encoding: ${value}\r\n\r\n`,
    want: 501,
  })),
  ...[
    "xchunked",
    "chunked, identity",
    "gzip, chunked",
    "chunked, chunked",
    "chunked;q=1",
    "\x0bchunked",
  ]
    .map((value) => ({
      name: `coding "${JSON.stringify(value)}"`,
      text: `${R}Transfer-Encoding: ${value}\r\n\r\n`,
      want: 400,
    })),
  {
    name: "two transfer codings",
    text: `${R}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    want: 400,
  },
  {
    name: "chunked in HTTP/1.0",
    text: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    want: 400,
  },
  { name: "malformed Connection", text: `${R}Connection: a b\r\n\r\n`, want: 400 },
  { name: "HTTP/2.0", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: 505 },
  { name: "HTTP/1.2", text: "GET / HTTP/1.2\r\nHost: a\r\n\r\n", want: 505 },
  { name: "HTTP/0.9", text: "GET / HTTP/0.9\r\n\r\n", want: 505 },
  { name: "no version", text: "GET /\r\n\r\n", want: 400 },
  { name: "lower-case version", text: "GET / http/1.1\r\nHost: a\r\n\r\n", want: 400 },
  { name: "HTTP/1.10", text: "GET / HTTP/1.10\r\nHost: a\r\n\r\n", want: 400 },
  { name: "two spaces before the version", text: "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", want: 400 },
  { name: "two spaces before the target", text: "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400 },
  { name: "a space behind the version", text: "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", want: 400 },
  { name: "a tab for a space", text: "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", want: 400 },
  { name: "a fragment", text: "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", want: 400 },
  {
    name: "a control byte in the target",
    text: "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    want: 400,
  },
  { name: "a malformed method", text: "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400 },
  { name: "TLS", text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", want: 400 },
  { name: "an endless method", text: "A".repeat(40), want: 501 },
  { name: "an endless target", text: `GET /${"a".repeat(8192)}`, want: 414 },
  { name: "101 fields", text: R + "A: b\r\n".repeat(100), want: 431 },
  { name: "100 fields", text: R + "A: b\r\n".repeat(99) + "\r\n", want: DONE },
  { name: "an endless field", text: `${R}A: ${"b".repeat(65536)}`, want: 431 },
  { name: "half a head", text: "GET / HTTP/1.1\r\nHo", want: MORE },
];

for (const { name, text, want } of requests) {
  Deno.test(`Head.parse() of a request with ${name} gives ${want}`, () => {
    const bytes = bytesOf(text);
    const head = new Head("request", DEFAULT_LIMITS);
    head.begin(0);
    assert.equal(head.parse(bytes, bytes.length), want, head.problem);
    assertSame(parseInPieces("request", text, [...text].map((_, i) => i)), want);
  });
}

const responses: { name: string; text: string; want: number }[] = [
  { name: "a plain answer", text: "HTTP/1.1 200 OK\r\n\r\n", want: DONE },
  { name: "no reason", text: "HTTP/1.1 200 \r\n\r\n", want: DONE },
  { name: "no reason and no space", text: "HTTP/1.1 200\r\n\r\n", want: DONE },
  { name: "a space before the colon", text: "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", want: DONE },
  { name: "HTTP/1.0", text: "HTTP/1.0 200 OK\r\n\r\n", want: DONE },
  { name: "HTTP/2", text: "HTTP/2.0 200 OK\r\n\r\n", want: 400 },
  { name: "a folded line", text: "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", want: 400 },
  { name: "a bare LF", text: "HTTP/1.1 200 OK\nA: b\n\n", want: 400 },
  { name: "status 99", text: "HTTP/1.1 099 OK\r\n\r\n", want: 400 },
  { name: "status 600", text: "HTTP/1.1 600 OK\r\n\r\n", want: 400 },
  { name: "status 20", text: "HTTP/1.1 20 OK\r\n\r\n", want: 400 },
  { name: "status 2000", text: "HTTP/1.1 2000 OK\r\n\r\n", want: 400 },
  {
    name: "two lengths",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    want: 400,
  },
  {
    name: "length and chunked",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    want: 400,
  },
  { name: "something else", text: "SSH-2.0-OpenSSH_9.2\r\n", want: 400 },
];

for (const { name, text, want } of responses) {
  Deno.test(`Head.parse() of a response with ${name} gives ${want}`, () => {
    assert.equal(parseInPieces("response", text, []), want);
    assert.equal(parseInPieces("response", text, [...text].map((_, i) => i)), want);
  });
}

Deno.test("Head.parse() gives the same however the bytes are split", () => {
  const text = fc.constantFrom(...requests.map((item) => item.text).filter((t) => t.length < 9000));
  fc.assert(
    fc.property(text, fc.array(fc.nat(9000), { maxLength: 12 }), (text, cuts) => {
      assertSame(parseInPieces("request", text, cuts), parseInPieces("request", text, []));
    }),
    { numRuns: 500 },
  );
});

Deno.test("Head.parse() never reads past its end and never throws", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(fc.property(bytes, bytes, fc.boolean(), (left, right, isRequest) => {
    const both = new Uint8Array(left.length + right.length);
    both.set(left);
    both.set(right, left.length);
    const parse = (data: Uint8Array) => {
      const head = new Head(isRequest ? "request" : "response", RESPONSE_LIMITS);
      head.begin(0);
      return head.parse(data, left.length);
    };
    assert.equal(parse(both), parse(left));
  }));
});

Deno.test("Head.parse() keeps what Connection names out, but not what frames or routes", () => {
  const text =
    `${R}X-A: 1\r\nConnection: x-a, host, Content-Length\r\nContent-Length: 0\r\nX-B: 1\r\n\r\n`;
  const bytes = bytesOf(text);
  const head = new Head("request", DEFAULT_LIMITS);
  head.begin(0);
  assert.equal(head.parse(bytes, bytes.length), DONE);
  const kinds = Array.from({ length: head.count }, (_, i) => head.kind(i));
  assert.deepEqual(kinds, [1, 5, 4, 2, 0]);
});

/** A refusal may come later when the line drips in, but nothing refused is ever taken. */
function assertSame(inPieces: number, whole: number): void {
  if (whole >= 400 && inPieces === MORE) return;
  assert.equal(inPieces, whole);
}

function parseInPieces(kind: "request" | "response", text: string, cuts: number[]): number {
  const bytes = bytesOf(text);
  const head = new Head(kind, kind === "request" ? DEFAULT_LIMITS : RESPONSE_LIMITS);
  head.begin(0);
  const ends = cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b);
  for (const end of [...ends, bytes.length]) {
    const result = head.parse(bytes, end);
    if (result !== MORE) return result;
  }
  return MORE;
}
