/**
 * Requests as bytes, each with what a strict proxy makes of it. The ideas come from the desync
 * classes that http-desync-guardian tells apart, from the parsing bugs that HTTP Garden found in
 * servers and proxies, and from our own reading of RFC 9112; the table is ours.
 * @module
 */

/** One case. */
export interface RequestCase {
  readonly name: string;
  /** Latin1. The target is `/` or begins with `/case`. */
  readonly bytes: string;
  /**
   * `refused`: answered 4xx or 5xx once and closed, the instance hears no whole request.
   * `one`: passes as exactly one request, and the connection serves the next.
   */
  readonly want: "refused" | "one";
  /** The only statuses a refusal may have, when it matters. */
  readonly status?: number;
  /** What the instance must hear as the body; for `one`. */
  readonly body?: string;
}

/** What every case is followed by: it must reach the instance after `one`, and never else. */
export const NEXT = "GET /next HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n";

const INNER = "GET /smuggled HTTP/1.1\r\nHost: nest\r\n\r\n";

function post(fields: string, body = "", version = "HTTP/1.1"): string {
  return `POST /case ${version}\r\nHost: a\r\n${fields}\r\n\r\n${body}`;
}

function get(fields: string): string {
  return `GET /case HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;
}

function refused(name: string, bytes: string, status?: number): RequestCase {
  return { name, bytes, want: "refused", ...(status === undefined ? {} : { status }) };
}

function one(name: string, bytes: string, body = ""): RequestCase {
  return { name, bytes, want: "one", body };
}

/** A body whose length two readers could take differently. */
const lengths: readonly RequestCase[] = [
  ...[
    ["of two values in two lines", "Content-Length: 7\r\nContent-Length: 0"],
    ["of two values, zero first", "Content-Length: 0\r\nContent-Length: 38"],
    ["twice the same", "Content-Length: 0\r\nContent-Length: 0"],
    ["as a list", "Content-Length: 38,38"],
    ["as a list with a space", "Content-Length: 38, 38"],
    ["as two words", "Content-Length: 38 38"],
    ["with a fraction", "Content-Length: 38.0"],
    ["beyond 64 bits", "Content-Length: 18446744073709551616"],
    ["beyond 63 bits", "Content-Length: 9223372036854775808"],
    ["beyond 53 bits", "Content-Length: 9007199254740993"],
    ["with a plus", "Content-Length: +38"],
    ["negative", "Content-Length: -48"],
    ["minus zero", "Content-Length: -0"],
    ["in hexadecimal", "Content-Length: 0x26"],
    ["with digit groups", "Content-Length: 3_8"],
    ["plus and groups", "Content-Length: +3_8"],
    ["with an exponent", "Content-Length: 38e0"],
    ["empty", "Content-Length: "],
    ["empty, then one", "Content-Length: \r\nContent-Length: 38"],
    ["ended by a letter", "Content-Length: 38Z"],
    ["begun by a letter", "Content-Length: $38"],
    ["quoted", 'Content-Length: "38"'],
    ["with a comment", "Content-Length: 38 (bytes)"],
    ["with a parameter", "Content-Length: 38;a=b"],
    ["in other digits", "Content-Length: \xd9\xa3\xd9\xa8"],
    ["with a control byte behind", "Content-Length: 38\x11"],
    ["with a control byte before", "Content-Length: \x0138"],
    ["with a no-break space", "Content-Length: 38\xa0"],
    ["with a vertical tab", "Content-Length: \x0b38"],
    ["with a form feed behind", "Content-Length: 38\x0c"],
    ["folded", "Content-Length:\r\n 38"],
    ["twice, the first spaced", "Content-Length : 0\r\nContent-Length: 38"],
    ["twice, the second led by a space", "Content-Length: 38\r\n Content-Length: 0"],
    ["in a line without colon", "Content-Length 38"],
    ["spaced before the colon", "Content-Length : 38"],
    ["tabbed before the colon", "Content-Length\t: 38"],
    ["led by a control byte", "\x01Content-Length: 38"],
    ["with NEL before the colon", "Content-Length\x85: 38"],
    ["with a no-break space before the colon", "Content-Length\xa0: 38"],
    ["led by a no-break space", "\xa0Content-Length: 38"],
  ].map(([name, fields]) => refused(`a length ${name}`, post(fields!, INNER))),
  one("a length led by zeros, which is decimal", post("Content-Length: 0038", INNER), INNER),
  one("a length of zero", post("Content-Length: 0")),
  one("a body with GET", get(`Content-Length: 38`).replace(/$/, INNER), INNER),
  one(
    "a body with HEAD's sibling OPTIONS",
    `OPTIONS /case HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab`,
    "ab",
  ),
  one("a length under another name", post("Content_Length: 38")),
  one("a length among tabs", post("Content-Length:\t38\t", INNER), INNER),
  one("a length with spaces around", post("Content-Length:   38   ", INNER), INNER),
  one("a length in odd case", post("cOnTeNt-LeNgTh: 38", INNER), INNER),
  one("a request inside the body", post("Content-Length: 38", INNER), INNER),
];

const EMPTY_CHUNKS = "0\r\n\r\n";

/** A coding that one reader takes for chunked and another does not. */
const codings: readonly RequestCase[] = [
  ...[
    ["chunked and a length", "Content-Length: 5\r\nTransfer-Encoding: chunked"],
    ["chunked, then a length", "Transfer-Encoding: chunked\r\nContent-Length: 5"],
    ["another and a length", "Transfer-Encoding: gzip\r\nContent-Length: 5"],
    ["chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
    ["chunked and identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"],
    ["identity and chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"],
    ["empty and chunked", "Transfer-Encoding:\r\nTransfer-Encoding: chunked"],
    ["a list of chunked", "Transfer-Encoding: chunked, chunked"],
    ["chunked not last", "Transfer-Encoding: chunked, gzip"],
    ["chunked last", "Transfer-Encoding: gzip, chunked"],
    ["a leading comma", "Transfer-Encoding: ,chunked"],
    ["a leading comma and a length", "Transfer-Encoding: ,chunked\r\nContent-Length: 5"],
    ["a trailing comma", "Transfer-Encoding: chunked,"],
    ["a prefix", "Transfer-Encoding: xchunked"],
    ["a suffix", "Transfer-Encoding: chunkedx"],
    ["a hyphen", "Transfer-Encoding: chunked-"],
    ["quotes", 'Transfer-Encoding: "chunked"'],
    ["a parameter", "Transfer-Encoding: chunked;a=b"],
    ["unknown", "Transfer-Encoding: blah"],
    ["identity", "Transfer-Encoding: identity"],
    ["empty", "Transfer-Encoding: "],
    ["a control byte behind", "Transfer-Encoding: chunked\x11"],
    ["a control byte before", "Transfer-Encoding: \x01chunked"],
    ["DEL behind", "Transfer-Encoding: chunked\x7f"],
    ["a byte above 0x7f behind", "Transfer-Encoding: chunked\x80"],
    ["no-break spaces", "Transfer-Encoding: \xa0chunked\xa0"],
    ["0xff around", "Transfer-Encoding: \xffchunked\xff"],
    ["a vertical tab", "Transfer-Encoding: \x0bchunked"],
    ["a bare CR before", "Transfer-Encoding: \rchunked"],
    ["a bare LF before", "Transfer-Encoding:\nchunked"],
    ["folded", "Transfer-Encoding:\r\n chunked"],
    ["folded by a tab, and a length", "Transfer-Encoding:\r\n\tchunked\r\nContent-Length: 5"],
    ["a name over two lines", "Transfer-\r\nEncoding: chunked\r\nContent-Length: 5"],
    ["a space before the colon", "Transfer-Encoding : chunked"],
    ["a tab before the colon", "Transfer-Encoding\t: chunked"],
    ["a space before the colon, and a length", "Transfer-Encoding : chunked\r\nContent-Length: 5"],
    ["a space inside the name", "Transfer- Encoding: chunked"],
    ["a word behind the name", "Transfer-Encoding x: chunked"],
    ["a control byte before the name", "\x01Transfer-Encoding: chunked"],
    ["a control byte behind the name", "Transfer-Encoding\x01: chunked"],
    ["a high byte behind the name", "Transfer-Encoding\x88: chunked"],
    ["a long s in the name", "Tran\xc5\xbffer-Encoding: chunked"],
    ["a dotless i in the name", "Transfer-Encod\xc4\xb1ng: chunked"],
    ["a long dash in the name", "Transfer\xe2\x80\x95Encoding: chunked"],
    ["a colon before the name", ":Transfer-Encoding: chunked\r\nContent-Length: 5"],
    ["a line led by a space", "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5"],
  ].map(([name, fields]) => refused(`a coding with ${name}`, post(fields!, EMPTY_CHUNKS))),
  refused("a coding in HTTP/1.0", post("Transfer-Encoding: chunked", EMPTY_CHUNKS, "HTTP/1.0")),
  refused(
    "a coding in HTTP/1.0 with keep-alive",
    post("Connection: keep-alive\r\nTransfer-Encoding: chunked", EMPTY_CHUNKS, "HTTP/1.0"),
  ),
  one("a coding under another name", post("Transfer_Encoding: chunked")),
  one("a coding under a name with more dashes", post("Transfer---Encoding: chunked")),
  one("a coding in odd case", post("TRANSFER-encoding: ChunKED", "2\r\nab\r\n0\r\n\r\n"), "ab"),
  one("chunks with GET", get("Transfer-Encoding: chunked") + "2\r\nab\r\n0\r\n\r\n", "ab"),
];

/** Chunks that one reader ends elsewhere than another. */
const chunks: readonly RequestCase[] = [
  ...[
    ["a prefix 0x", `0x26\r\n${INNER}\r\n0\r\n\r\n`],
    ["a digit group", `0_2e\r\n\r\n${INNER}0\r\n\r\n`],
    ["a plus", `+26\r\n${INNER}\r\n0\r\n\r\n`],
    ["a minus", `-26\r\n${INNER}\r\n0\r\n\r\n`],
    ["minus zero in hexadecimal", "-0x0\r\n\r\n"],
    ["minus zero", "-0\r\n\r\n"],
    ["leading spaces", `     26\r\n${INNER}\r\n0\r\n\r\n`],
    ["a trailing space", `26 \r\n${INNER}\r\n0\r\n\r\n`],
    ["no size", `\r\n\r\n${INNER}`],
    ["only an extension", ";a=b\r\n\r\n"],
    ["letters", "Z\r\nZZ\r\nZZZ\r\n\r\n"],
    ["words", `INVALID!!!\r\n${INNER}`],
    ["words behind the size", `1 these bytes are not checked\r\nZ\r\n0\r\n\r\n`],
    ["words right behind the size", `1these\r\nZ\r\n0\r\n\r\n`],
    ["a comma", "1,1\r\nZ\r\n0\r\n\r\n"],
    ["a fraction", "1.0\r\nZ\r\n0\r\n\r\n"],
    ["an end at LF", `26\n${INNER}\r\n0\r\n\r\n`],
    ["data ended by LF", "a\r\n0123456789\n0\r\n\r\n"],
    ["data ended by CR", "a\r\n0123456789\r0\r\n\r\n"],
    ["data ended by other bytes", "a\r\n0123456789XX0\r\n\r\n"],
    ["data longer than said", "5\r\n012345\r\n0\r\n\r\n"],
    ["data shorter than said", `30\r\n${INNER}\r\n0\r\n\r\nXX`],
    ["an empty line before the last", `26\r\n${INNER}\r\n\r\n0\r\n\r\n`],
    ["CR CR before an extension", `5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n${INNER}`],
    ["CR CR inside an extension", `41;a=b\r\r${"X".repeat(65)}\r\n0\r\n\r\n${INNER}`],
    ["CR before an extension", `2\r;a\r\n02\r\n41\r\n0\r\n\r\n${INNER}`],
    ["LF inside an extension", `2;a\nab\r\n0\r\n\r\n`],
    ["NUL inside an extension", `2;a\0\r\nab\r\n0\r\n\r\n`],
    ["64 bits and more", `10000000000000026\r\n${INNER}\r\n0\r\n\r\n`],
    ["32 bits and more, by zeros", `${"0".repeat(16)}26\r\n${INNER}\r\n0\r\n\r\n`],
    ["the largest of 64 bits", "ffffffffffffffff\r\n"],
    ["an endless extension", `1;${"a".repeat(2000)}\r\nZ\r\n0\r\n\r\n`],
    ["a last one ended by LF", "0\n\r\n"],
    ["a last one ended by LF LF", "0\n\n"],
    ["trailers ended by two other bytes", "0\r\nX:POST / HTTP/1.1\r\n\rZ"],
    ["a trailer without colon", "0\r\nabc\r\n\r\n"],
    ["a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"],
    ["a trailer with a spaced name", "0\r\nA : b\r\n\r\n"],
    ["a bare CR in a trailer", "0\r\nA: b\rc\r\n\r\n"],
    ["endless trailers", "0\r\n" + `A: ${"b".repeat(1000)}\r\n`.repeat(20) + "\r\n"],
  ].map(([name, body]) =>
    refused(`a chunk with ${name}`, post("Transfer-Encoding: chunked", body), 400)
  ),
  one("chunks", post("Transfer-Encoding: chunked", `26\r\n${INNER}\r\n0\r\n\r\n`), INNER),
  one("no chunk but the last", post("Transfer-Encoding: chunked", EMPTY_CHUNKS)),
  one(
    "chunk sizes led by zeros, in capitals",
    post("Transfer-Encoding: chunked", "00A\r\n0123456789\r\n000\r\n\r\n"),
    "0123456789",
  ),
  one("an extension", post("Transfer-Encoding: chunked", '2;a="b;c"\r\nab\r\n0;d\r\n\r\n'), "ab"),
  one(
    "trailers, which name a length",
    post("Transfer-Encoding: chunked", "2\r\nab\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"),
    "ab",
  ),
  one(
    "a chunk that looks like the end",
    post("Transfer-Encoding: chunked", "5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
    "0\r\n\r\n",
  ),
];

/** Lines and bytes of a head. */
const heads: readonly RequestCase[] = [
  ...[
    ["a folded value", "X: a\r\n b"],
    ["a value folded by a tab", "X: a\r\n\tb"],
    ["a fold that hides a coding", "X: a\r\n Transfer-Encoding: chunked"],
    ["LF and a space in a value", "X: a\n b"],
    ["LF and a field in a value", "X: a\nContent-Length: 38"],
    ["CR and a field in a value", "X: a\rContent-Length: 38"],
    ["CR in a value", "X: a\rb"],
    ["CR at the end of a value", "X: a\r"],
    ["NUL in a value", "X: a\0b"],
    ["NUL before a value", "X: \0a"],
    ["NUL behind a value", "X: a\0"],
    ["NUL and CR in a value", "X: v\0\ralue"],
    ["a control byte in a value", "X: a\x12"],
    ["DEL in a value", "X: \x7f"],
    ["LF only before a value", "X:\n\nGET /smuggled HTTP/1.1"],
    ["CR in a name", "X\r: a"],
    ["LF in a name", "X\n: a"],
    ["a name over a bare LF", "Te\nst: a"],
    ["NUL in a name", "X\0: a"],
    ["NUL before a name", "\0X: a"],
    ["NUL as a line", "X: a\r\nc\0"],
    ["a byte above 0x7f in a name", "\xefX: a"],
    ["an empty name", ": a"],
    ["an empty name and value", ":"],
    ["a name of white space", "   \t\t  : a"],
    ["a space before the colon", "X : a"],
    ["no colon", "X"],
    ["a name in parentheses", "(X): a"],
    ["a name with a slash", "X/Y: a"],
    ["a name with an at", "@X: a"],
    ["a name in quotes", '"X": a'],
    ["a request line among the fields", "GET /smuggled HTTP/1.1"],
    ["two hosts", "Host: b"],
    ["a second host led by a space", " Host: b"],
    ["a malformed Connection", "Connection: close x"],
    ["an unknown expectation", "Expect: 200-ok"],
  ].map(([name, field]) => refused(`a head with ${name}`, get(field!))),
  refused("white space before the first field", `GET /case HTTP/1.1\r\n Host: a\r\n\r\n`, 400),
  refused(
    "a tab before the first field",
    `GET /case HTTP/1.1\r\n\tContent-Length: 1\r\nHost: a\r\n\r\nX`,
    400,
  ),
  refused(
    "an end at CR LF CR and another byte",
    `GET /case HTTP/1.1\r\nHost: a\r\n\rZ${INNER}`,
    400,
  ),
  refused("line ends of LF only", `GET /case HTTP/1.1\nHost: a\nConnection: close\n\n`, 400),
  refused("an end of LF LF", `GET /case HTTP/1.1\r\nHost: a\n\n`, 400),
  refused("an end of CR CR", `GET /case HTTP/1.1\rHost: a\r\r`, 400),
  refused("no Host", "GET /case HTTP/1.1\r\n\r\n", 400),
  refused("an empty Host", "GET /case HTTP/1.1\r\nHost:\r\n\r\n", 400),
  refused("NUL in Host", "GET /case HTTP/1.1\r\nHost: a\0.b\r\n\r\n", 400),
  refused("0xff around Host", "GET /case HTTP/1.1\r\nHost: \xffa\xff\r\n\r\n", 400),
  refused("a Host with a path", "GET /case HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
  refused("a Host with user info", "GET /case HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
  refused("two hosts in one", "GET /case HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
  one("bytes above 0x7f in a value", get("X: \x85admin\xa0")),
  one("an empty value", get("X:")),
  one("names joined by underscores", get("X_A_B: c")),
  one("one empty line before", `\r\n${get("X: y")}`),
];

/** First lines. */
const lines: readonly RequestCase[] = [
  ...[
    ["a method with a control byte", "GET\x01 /case HTTP/1.1"],
    ["a method in brackets", "G(T /case HTTP/1.1"],
    ["a method of punctuation", 'G=":<>(e),[T];?" /case HTTP/1.1'],
    ["no method", " /case HTTP/1.1"],
    ["NUL as the method", "\0 /case HTTP/1.1"],
    ["a space before the method", " GET /case HTTP/1.1"],
    ["two spaces", "GET  /case HTTP/1.1"],
    ["a tab", "GET\t/case\tHTTP/1.1"],
    ["a tab in the target", "GET /case\t/baz HTTP/1.1"],
    ["a space in the target", "GET /case /baz HTTP/1.1"],
    ["NUL in the target", "GET /case\0 HTTP/1.1"],
    ["CR in the target", "GET /case\r HTTP/1.1"],
    ["LF before the version", "GET /case\nHTTP/1.1"],
    ["a fragment", "GET /case#a HTTP/1.1"],
    ["a target without slash", "GET ! HTTP/1.1"],
    ["* for GET", "GET * HTTP/1.1"],
    ["an authority for GET", "GET a:80 HTTP/1.1"],
    ["an absolute target without host", "GET http:///case HTTP/1.1"],
    ["an absolute target with user info", "GET http://u@a/case HTTP/1.1"],
    ["another scheme", "GET file:///case HTTP/1.1"],
    ["CONNECT", "CONNECT a:80 HTTP/1.1"],
    ["no version", "GET /case"],
    ["a space for the version", "GET /case "],
    ["version 0.9", "GET /case HTTP/0.9"],
    ["version 1.2", "GET /case HTTP/1.2"],
    ["version 1.32", "GET /case HTTP/1.32"],
    ["version 1.10", "GET /case HTTP/1.10"],
    ["version 2.0", "GET /case HTTP/2.0"],
    ["version 1", "GET /case HTTP/1"],
    ["a version of 32 bits", "GET /case HTTP/4294967295.255"],
    ["a version among CR", "GET /case HTTP/\r\r1.1"],
    ["a version of dots", "GET /case HTTP/............0596.7407."],
    ["a version in lower case", "GET /case http/1.1"],
    ["another protocol", "GET /case HTTPS/1.1"],
    ["a space behind the version", "GET /case HTTP/1.1 "],
    ["a second version", "GET /case HTTP/1.1 HTTP/1.1"],
  ].map(([name, line]) => refused(name!, `${line}\r\nHost: a\r\n\r\n`)),
  refused("a length without version", `POST /case\r\nContent-Length: 38\r\n\r\n${INNER}`, 400),
  refused(
    "a coding in HTTP/0.9",
    `POST /case HTTP/0.9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  refused("two empty lines before", `\r\n\r\n${get("X: y")}`, 400),
  refused("a long target", `GET /case${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414),
  refused("a large head", get(`X: ${"a".repeat(70_000)}`), 431),
  refused("many fields", get("X: a\r\n".repeat(200) + "Y: b"), 431),
  refused("an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
  refused("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
  one("an absolute target", `GET http://a/case HTTP/1.1\r\nHost: other\r\n\r\n`),
  one("a method nobody knows", `PURGE /case HTTP/1.1\r\nHost: a\r\n\r\n`),
  one("a method in lower case", `get /case HTTP/1.1\r\nHost: a\r\n\r\n`),
];

/** Every case. */
export const requestCases: readonly RequestCase[] = [
  ...lengths,
  ...codings,
  ...chunks,
  ...heads,
  ...lines,
];
