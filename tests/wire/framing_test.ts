import assert from "node:assert/strict";
import fc from "fast-check";
import { type Message, readRequest, readRequests, readResponse, valuesOf } from "./reader.ts";
import { cut, type Script, ScriptedConn, ScriptedEngine } from "./scripted.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers the first whole request with `answer`, in pieces. */
function answeringOnce(answer: (request: Message) => string, cuts: readonly number[]): Script {
  let answered = false;
  return {
    pieces: [],
    ends: false,
    onWrite(conn: ScriptedConn) {
      const reading = readRequest(conn.written);
      if (answered || reading.kind !== "message") return;
      answered = true;
      conn.say(cut(answer(reading.message), cuts), true);
    },
  };
}

const byte = fc.constantFrom(
  ..."abc019 \r\n:;,\0\xff".split(""),
  "\r\n",
  "0\r\n\r\n",
  "GET / HTTP/1.1\r\n",
);
const data = fc.array(byte, { maxLength: 40 }).map((bytes) => bytes.join(""));
const cuts = fc.array(fc.nat(2000), { maxLength: 30 });
const takes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 });

/** A body in chunks: what it holds, and how it looks on the wire. */
const chunked = fc.record({
  pieces: fc.array(data.filter((piece) => piece.length > 0), { maxLength: 5 }),
  extension: fc.constantFrom("", ";a=b", ' ;c="d"'),
  zeros: fc.constantFrom("", "000"),
  trailers: fc.constantFrom("", "X: y\r\n", "Content-Length: 3\r\nZ:\r\n"),
}).map(({ pieces, extension, zeros, trailers }) => ({
  body: pieces.join(""),
  wire:
    pieces.map((piece) => `${zeros}${piece.length.toString(16)}${extension}\r\n${piece}\r\n`).join(
      "",
    ) +
    `0${extension}\r\n${trailers}\r\n`,
}));

const request = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "OPTIONS", "PURGE"),
  path: fc.constantFrom("/", "/a?b=c", "/%20/..", "http://h:1/x"),
  fields: fc.array(fc.constantFrom("A: b", "a:\t c ", "X-Y:", "Cookie: a=b; c", "K: \xe4"), {
    maxLength: 4,
  }),
  body: fc.oneof(
    fc.constant({ framing: "", body: "", wire: "" }),
    data.map((body) => ({ framing: `Content-Length: ${body.length}`, body, wire: body })),
    chunked.map((each) => ({ framing: "Transfer-Encoding: chunked", ...each })),
  ),
}).map(({ method, path, fields, body }) => {
  const lines = [`${method} ${path} HTTP/1.1`, "Host: h", ...fields, body.framing].filter((line) =>
    line
  );
  return {
    method,
    path,
    fields,
    body: body.body,
    wire: `${lines.join("\r\n")}\r\n\r\n${body.wire}`,
  };
});

Deno.test("serveHttp() takes a pipeline of requests apart the same however its bytes are split", async () => {
  let upstreamCuts: readonly number[] = [];
  let upstreamTakes: readonly number[] = [];
  const seen = () => ({ ...answeringOnce(() => OK, upstreamCuts), takes: upstreamTakes });
  await using engine = new ScriptedEngine(seen);
  const pipeline = fc.array(request, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(pipeline, cuts, cuts, takes, async (requests, split, answerSplit, took) => {
      [upstreamCuts, upstreamTakes] = [answerSplit, took];
      const last = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      const wire = requests.map((each) => each.wire).join("") + last;
      const { sent, heard, results } = await engine.pass({
        pieces: cut(wire, split),
        ends: false,
        takes: took,
      });
      assert.equal(sent.length, requests.length + 1);
      for (const [i, { method, path, fields, body }] of requests.entries()) {
        const reading = readRequest(sent[i]!);
        assert.ok(reading.kind === "message" && reading.end === sent[i]!.length, sent[i]);
        assert.equal(reading.message.line, `${method} ${path.replace("http://h:1", "")} HTTP/1.1`);
        assert.equal(reading.message.body, body);
        const passed = reading.message.fields.map(([name]) => name.toLowerCase());
        for (const field of fields) assert.ok(passed.includes(field.split(":")[0]!.toLowerCase()));
      }
      assert.ok(results.every(({ kind }) => kind === "done"));
      assert.equal(
        heard.split(OK).length - 1,
        requests.length,
        "each but the last leaves as it came",
      );
      assert.ok(heard.endsWith("Connection: close\r\n\r\nok"), heard);
    }),
    { numRuns: 300 },
  );
});

const answer = fc.record({
  status: fc.constantFrom(200, 204, 304, 404, 599),
  reason: fc.constantFrom("", "OK", "Fine by me"),
  interim: fc.constantFrom("", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"),
  body: fc.oneof(
    data.map((body) => ({ framing: `Content-Length: ${body.length}\r\n`, body, wire: body })),
    chunked.map((each) => ({ framing: "Transfer-Encoding: chunked\r\n", ...each })),
    data.map((body) => ({ framing: "", body, wire: body })),
  ),
}).map(({ status, reason, interim, body }) => {
  const bodiless = status === 204 || status === 304;
  const head = `${interim}HTTP/1.1 ${status} ${reason}\r\nA: b\r\n${body.framing}\r\n`;
  const wire = head + (bodiless ? "" : body.wire);
  return {
    status,
    reason,
    body: bodiless ? "" : body.body,
    wire,
    closes: body.framing === "",
    head,
  };
});

/** One request answered by `wire`, in pieces: what the client heard. */
async function answered(
  wire: string,
  options: { split: readonly number[]; took: readonly number[]; minor: number },
) {
  const { split, took, minor } = options;
  await using engine = new ScriptedEngine(() => answeringOnce(() => wire, split));
  const request = `GET / HTTP/1.${minor}\r\nHost: h\r\nConnection: close\r\n\r\n`;
  return await engine.pass({ pieces: [request], ends: false, takes: took });
}

Deno.test("forward() passes an answer on the same however its bytes are split", async () => {
  await fc.assert(
    fc.asyncProperty(
      answer,
      cuts,
      takes,
      fc.constantFrom(0, 1),
      async (answer, split, took, minor) => {
        const { heard, results } = await answered(answer.wire, { split, took, minor });
        const reading = readResponse(heard, 0, "GET", true);
        assert.ok(
          reading.kind === "message" && reading.end === heard.length,
          JSON.stringify(heard),
        );
        assert.equal(reading.message.line, `HTTP/1.1 ${answer.status} ${answer.reason}`);
        assert.equal(reading.message.body, answer.body);
        assert.deepEqual(valuesOf(reading.message, "a"), ["b"]);
        assert.equal(results[0]?.kind, "done");
        if (minor === 0) assert.doesNotMatch(heard, /chunked|103 Early/i);
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("forward() never gives a broken answer a clean end, wherever it breaks off", async () => {
  const broken = answer.filter(({ closes, body }) => !closes && body.length > 0);
  await fc.assert(
    fc.asyncProperty(broken, fc.nat(), cuts, async ({ wire }, at, split) => {
      const part = wire.slice(0, at % wire.length);
      const { heard, results } = await answered(part, { split, took: [], minor: 1 });
      const reading = readResponse(heard, 0, "GET", true);
      assert.notEqual(results[0]?.kind, "done");
      if (results[0]?.kind === "gone") {
        assert.match(heard, /HTTP\/1\.1 502 /);
      } else {
        assert.notEqual(reading.kind, "message", `a whole answer of ${JSON.stringify(part)}`);
      }
    }),
    { numRuns: 400 },
  );
});

const INNER = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
const seeds = [
  `POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}${INNER}`,
  `POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n${INNER}\r\n0\r\n\r\n${INNER}`,
  `PUT /c HTTP/1.1\r\nHost: h\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n\r\n\r\n0\r\nT: u\r\n\r\n${INNER}`,
  `GET /d HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: keep-alive, X\r\nX: y\r\n\r\n${INNER}`,
];
const inserts = [
  ..." \t\r\n\0:;,+-_0a1\x0b\x0c\x7f\x80\xa0\xff",
  ...[
    "\r\n",
    "\n\n",
    "\r\n ",
    "0x",
    "chunked",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
  ],
  ...[
    "Content-Length: 28\r\n",
    "Host: i\r\n",
    "Connection: close\r\n",
    "0\r\n\r\n",
    " HTTP/1.1",
    INNER,
  ],
];
const mutation = fc.record({
  at: fc.nat(260),
  remove: fc.oneof(fc.constant(0), fc.nat(4), fc.constant(40)),
  insert: fc.constantFrom("", ...inserts),
});

function mutate(
  seed: string,
  mutations: readonly { at: number; remove: number; insert: string }[],
): string {
  return mutations.reduce(
    (text, { at, remove, insert }) =>
      text.slice(0, at % text.length) + insert + text.slice(at % text.length + remove),
    seed,
  );
}

Deno.test("forward() makes of a mutated message the requests that a strict reader sees, and no more", async () => {
  await using engine = new ScriptedEngine(() =>
    answeringOnce(() => OK.replace("\r\n\r\n", "\r\nB: c\r\n\r\n"), [])
  );
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...seeds), mutations, cuts, async (seed, mutations, split) => {
      const text = mutate(seed, mutations);
      const { sent } = await engine.pass({ pieces: cut(text, split), ends: false });
      const whole = sent.flatMap((each) => {
        const reading = readRequest(each);
        if (reading.kind !== "message") return [];
        assert.equal(reading.end, each.length, "one request to a connection");
        return [reading.message];
      });
      const want = readRequests(text);
      const facts = ({ line, body }: Message) =>
        `${line.replace(/ http:\/\/[^/ ]+/, " ").replace(/1\.0$/, "1.1")} ${body}`;
      assert.deepEqual(whole.map(facts), want.map(facts));
    }),
    { numRuns: 1500 },
  );
});
