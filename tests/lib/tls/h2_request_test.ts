import assert from "node:assert/strict";
import fc from "fast-check";
import { DONE, Head } from "../../../lib/http/head.ts";
import { DEFAULT_LIMITS } from "../../../lib/http/limits.ts";
import { requestHead } from "../../../lib/tls/h2_request.ts";
import { bytesOf } from "../../support/http/raw.ts";
import { type Fields, GET, request } from "../../support/tls/raw_h2.ts";

const refused: { name: string; fields: Fields; problem: RegExp; status?: number }[] = [
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map((
    name,
  ) => ({
    name,
    fields: request({}, [[name, name === "transfer-encoding" ? "chunked" : "x"]]),
    problem: new RegExp(`^${name} in HTTP/2$`),
  })),
  { name: "te beside trailers", fields: request({}, [["te", "gzip"]]), problem: /^te in/ },
  { name: "upper case", fields: request({}, [["X-A", "1"]]), problem: /field name/ },
  { name: "an empty name", fields: request({}, [["", "1"]]), problem: /field name/ },
  { name: "a colon in a name", fields: request({}, [["x:y", "1"]]), problem: /field name/ },
  { name: "CRLF in a name", fields: request({}, [["x\r\ny", "1"]]), problem: /field name/ },
  { name: "CRLF in a value", fields: request({}, [["x", "1\r\ny: 2"]]), problem: /value/ },
  { name: "LF in a value", fields: request({}, [["x", "1\ny: 2"]]), problem: /value/ },
  { name: "NUL in a value", fields: request({}, [["x", "1\0"]]), problem: /value/ },
  { name: "no :path", fields: request({ ":path": undefined }), problem: /:path/ },
  { name: "an empty :path", fields: request({ ":path": "" }), problem: /:path/ },
  { name: "an absolute :path", fields: request({ ":path": "http://e/" }), problem: /:path/ },
  { name: "a space in :path", fields: request({ ":path": "/ HTTP/1.1" }), problem: /:path/ },
  { name: "CRLF in :path", fields: request({ ":path": "/\r\nx: y" }), problem: /value/ },
  { name: "a fragment in :path", fields: request({ ":path": "/#a" }), problem: /:path/ },
  { name: "GET *", fields: request({ ":path": "*" }), problem: /:path/ },
  { name: "no :method", fields: request({ ":method": undefined }), problem: /:method/ },
  { name: "a space in :method", fields: request({ ":method": "GET /" }), problem: /:method/ },
  { name: "no :scheme", fields: request({ ":scheme": undefined }), problem: /:scheme/ },
  { name: ":scheme http", fields: request({ ":scheme": "http" }), problem: /:scheme/ },
  {
    name: "no :authority, no host",
    fields: request({ ":authority": undefined }),
    problem: /author/,
  },
  { name: "user in :authority", fields: request({ ":authority": "u@a.test" }), problem: /author/ },
  { name: "space in :authority", fields: request({ ":authority": "a b" }), problem: /author/ },
  { name: "another host", fields: request({}, [["host", "b.test"]]), problem: /host differs/ },
  {
    name: "two hosts",
    fields: request({}, [["host", "a.test"], ["host", "a.test"]]),
    problem: /rep/,
  },
  { name: "a pseudo-header twice", fields: request({}, [[":path", "/b"]]), problem: /repeated/ },
  { name: "a late pseudo-header", fields: [["x", "y"], ...GET], problem: /behind a field/ },
  { name: "an unknown pseudo-header", fields: request({}, [[":x", "y"]]), problem: /unknown/ },
  {
    name: "extended CONNECT",
    fields: request({}, [[":protocol", "websocket"]]),
    problem: /unknown/,
  },
  {
    name: "two lengths",
    fields: request({}, [["content-length", "1"], ["content-length", "1"]]),
    problem: /rep/,
  },
  { name: "a signed length", fields: request({}, [["content-length", "+1"]]), problem: /length/ },
  {
    name: "a list of lengths",
    fields: request({}, [["content-length", "1, 1"]]),
    problem: /length/,
  },
  {
    name: "CONNECT",
    fields: [[":method", "CONNECT"], [":authority", "a:1"]],
    problem: /CONNECT/,
    status: 501,
  },
];

for (const { name, fields, problem, status = 400 } of refused) {
  Deno.test(`requestHead() refuses ${name}`, () => {
    const head = requestHead(fields.flat(), true);
    assert.ok("problem" in head, JSON.stringify(head));
    assert.match(head.problem, problem);
    assert.equal(head.status, status);
  });
}

for (
  const { name, fields, hasBody = false, want } of [
    { name: "a plain one", fields: GET, want: "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n" },
    {
      name: "host for :authority, and trailers unsaid",
      fields: request({ ":authority": undefined }, [["te", "trailers"], ["host", "a.test"]]),
      want: "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n",
    },
    {
      name: "fields in order, cookies as one",
      fields: request({}, [["cookie", "a=1"], ["x", "1"], ["cookie", "b=2"], ["x", "2"]]),
      want: "GET / HTTP/1.1\r\nhost: a.test\r\nx: 1\r\nx: 2\r\ncookie: a=1; b=2\r\n\r\n",
    },
    {
      name: "a body of unknown length",
      fields: request({ ":method": "POST" }),
      hasBody: true,
      want: "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n",
    },
    {
      name: "a body of known length",
      fields: request({ ":method": "POST" }, [["content-length", "3"]]),
      hasBody: true,
      want: "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 3\r\n\r\n",
    },
    {
      name: "OPTIONS *",
      fields: request({ ":method": "OPTIONS", ":path": "*" }),
      want: "OPTIONS * HTTP/1.1\r\nhost: a.test\r\n\r\n",
    },
  ]
) {
  Deno.test(`requestHead() says ${name}`, () => {
    const head = requestHead(fields.flat(), hasBody);
    assert.ok("text" in head, JSON.stringify(head));
    assert.equal(head.text, want);
  });
}

Deno.test("requestHead() gives one request to a strict parser, or refuses", () => {
  const nasty = fc.string({
    unit: fc.constantFrom(
      ..."ab:/ \r\n\0\t,;=%#?*@GET1\x7f\xe9",
      "HTTP/1.1",
      "\r\n\r\n",
      "chunked",
    ),
    maxLength: 12,
  });
  const name = fc.oneof(
    nasty,
    fc.constantFrom("x", "host", "te", "cookie", "content-length", "transfer-encoding", "expect"),
    fc.constantFrom(":method", ":path", ":authority", ":scheme", "connection", "upgrade"),
  );
  const value = fc.oneof(nasty, fc.constantFrom("0", "3", "a.test", "/", "chunked", "close"));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, value), { maxLength: 6 }),
      fc.constantFrom(":method", ":path", ":authority", "none"),
      nasty,
      fc.boolean(),
      (more, changed, to, hasBody) => {
        const fields = request(changed === "none" ? {} : { [changed]: to }, more).flat();
        const said = requestHead(fields, hasBody);
        if ("problem" in said) return;
        const bytes = bytesOf(said.text);
        const head = new Head("request", DEFAULT_LIMITS);
        head.begin(0);
        if (head.parse(bytes, bytes.length) !== DONE) return;
        assert.equal(head.end, bytes.length);
        assert.equal(head.chunked, said.framing === "chunked");
        assert.ok(head.contentLength < 0 || head.contentLength === said.contentLength);
        assert.ok(!head.close && !head.wantsUpgrade);
      },
    ),
    { numRuns: 3000 },
  );
});
