/** Requests from memory, to a server that answers byte for byte as the test says. @module */
import assert from "node:assert/strict";
import { call, type CallRequest } from "../../../lib/http/call.ts";
import { Upstream } from "../../../lib/http/upstream.ts";

const NEVER = new AbortController().signal;
const GET: CallRequest = { method: "GET", path: "/", headers: [], body: "" };

/** A server that reads until an empty line and sends `answers` in turn; "" closes the connection. */
class Server implements AsyncDisposable {
  readonly heard: string[] = [];
  connections = 0;
  readonly upstream: Upstream;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  readonly #open = new Set<Deno.Conn>();

  constructor(...answers: readonly string[]) {
    this.upstream = new Upstream({ hostname: "127.0.0.1", port: this.#listener.addr.port });
    this.#serving = this.#serve([...answers]);
  }

  call(request: Partial<CallRequest> = {}, options: object = {}) {
    const defaults = { bodyBytesMax: 1000, limitMs: 5000, signal: NEVER };
    return call(this.upstream, { ...GET, ...request }, { ...defaults, ...options });
  }

  async #serve(answers: string[]): Promise<void> {
    for await (const conn of this.#listener) {
      this.connections++;
      this.#open.add(conn);
      void this.#talk(conn, answers);
    }
  }

  async #talk(conn: Deno.Conn, answers: string[]): Promise<void> {
    const buffer = new Uint8Array(100_000);
    try {
      for (let count = await conn.read(buffer); count; count = await conn.read(buffer)) {
        this.heard.push(new TextDecoder().decode(buffer.subarray(0, count)));
        const answer = answers.shift();
        if (answer === undefined) continue;
        // In two parts, so that none may count on one read.
        const bytes = new TextEncoder().encode(answer);
        await conn.write(bytes.subarray(0, bytes.length / 2));
        await new Promise((resolve) => setTimeout(resolve, 2));
        await conn.write(bytes.subarray(bytes.length / 2));
        if (answer === "" || answer.endsWith("<end>")) break;
      }
    } catch {
      // Closed by the test.
    }
    this.#open.delete(conn);
    try {
      conn.close();
    } catch {
      // It is.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.upstream.close();
    this.#listener.close();
    for (const conn of this.#open) conn.close();
    await this.#serving;
  }
}

Deno.test("call() writes one request, and keeps what frames it to itself", async () => {
  await using server = new Server("HTTP/1.1 204 No Content\r\n\r\n");
  const headers = [["X-A", "1"], ["Content-Length", "9"], ["X-A", "2"], ["Connection", "close"]];
  const answer = await server.call({
    method: "POST",
    path: "/a?b",
    headers: headers as [string, string][],
    body: "h\u00e9",
  });
  assert.deepEqual([answer.status, answer.body], [204, ""]);
  const host = server.upstream.authority;
  const want =
    `POST /a?b HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nHost: ${host}\r\nContent-Length: 3\r\n\r\nh\u00e9`;
  assert.deepEqual(server.heard, [want]);
});

for (
  const { name, answer, want, kept } of [
    { name: "a length", answer: "Content-Length: 5\r\n\r\nhello", want: "hello", kept: true },
    {
      name: "chunks",
      answer: "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      want: "hello",
      kept: true,
    },
    { name: "the end", answer: "\r\nhello<end>", want: "hello<end>", kept: false },
    {
      name: "a length, and closes",
      answer: "Connection: close\r\nContent-Length: 5\r\n\r\nhello",
      want: "hello",
      kept: false,
    },
  ]
) {
  Deno.test(`call() reads an answer that is delimited by ${name}`, async () => {
    await using server = new Server(`HTTP/1.1 200 OK\r\nX-B: 1\r\nx-b: 2\r\n${answer}`);
    const { body, headers } = await server.call();
    assert.deepEqual([body, headers.get("x-b")], [want, "1, 2"]);
    assert.deepEqual([server.upstream.busy, server.upstream.idle], [0, kept ? 1 : 0]);
  });
}

Deno.test("call() uses its connection again, passes over interim answers, keeps a beginning", async () => {
  const body = "x".repeat(50_000);
  await using server = new Server(
    `HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n${body}`,
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  );
  const first = await server.call({}, { bodyBytesMax: 10 });
  assert.equal(first.body, "x".repeat(10));
  assert.equal((await server.call()).body, "ok");
  assert.equal(server.connections, 1);
});

Deno.test("call() reads no body after HEAD", async () => {
  await using server = new Server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  assert.equal((await server.call({ method: "HEAD" })).body, "");
});

Deno.test("call() sends once: a connection that ends without an answer fails it", async () => {
  await using server = new Server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "more");
  await server.call();
  await assert.rejects(server.call({ method: "POST", body: "once" }));
  assert.equal(server.heard.length, 2);
  assert.deepEqual([server.upstream.busy, server.upstream.idle], [0, 0]);
});

for (
  const [name, answer] of [
    ["broken off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel<end>"],
    ["no HTTP", "hello there\r\n\r\n"],
    ["a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
  ] as const
) {
  Deno.test(`call() fails when the answer is ${name}`, async () => {
    await using server = new Server(answer);
    await assert.rejects(server.call(), /^Error: Cannot read answer: /);
    assert.deepEqual([server.upstream.busy, server.upstream.idle], [0, 0]);
  });
}

Deno.test("call() ends with its signal, and at its limit", async () => {
  await using server = new Server();
  const stop = new AbortController();
  const stopped = server.call({}, { signal: stop.signal });
  while (server.heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort("enough");
  await assert.rejects(stopped, (reason) => reason === "enough");
  await assert.rejects(server.call({}, { limitMs: 20 }), {
    name: "TimeoutError",
    message: "No answer within 20 ms",
  });
  await assert.rejects(server.call({}, { signal: AbortSignal.abort("before") }), (reason) => {
    return reason === "before";
  });
  assert.equal(server.upstream.busy, 0);
});

for (
  const request of [
    { method: "GE T" },
    { path: "/a b" },
    { path: "/a\r\nX: y" },
    { path: "a" },
    { headers: [["X", "a\r\nY: b"]] as const },
    { headers: [["X Y", "a"]] as const },
  ]
) {
  Deno.test(`call() refuses ${JSON.stringify(request)}`, async () => {
    await using server = new Server();
    await assert.rejects(server.call(request), TypeError);
    assert.equal(server.connections, 0);
  });
}
