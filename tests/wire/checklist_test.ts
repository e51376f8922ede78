/**
 * The proxy's duties, one by one and numbered, as bytes sent to a real node. Line 24 and the half of
 * 10 that concerns certificates belong to TLS. Cases in breadth are in requests_test.ts.
 */
import assert from "node:assert/strict";
import type { RawPeer } from "../support/http/raw.ts";
import { type Message, valuesOf } from "./reader.ts";
import { asking, RecorderNode } from "./recorder_node.ts";
import { statusesIn } from "./verdict.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function get(fields = "", line = "GET /x HTTP/1.1"): string {
  return `${line}\r\nHost: a\r\n${fields ? `${fields}\r\n` : ""}\r\n`;
}

Deno.test("the checklist of an HTTP proxy, at a node with default settings", async (t) => {
  await using recorder = await RecorderNode.start();

  /** The status of the only answer, which ends the connection; the instance must hear nothing. */
  const refused = async (text: string): Promise<number> => {
    const answers = await recorder.exchange(text + get("", "GET /behind HTTP/1.1"));
    assert.deepEqual((await recorder.heard()).requests, []);
    const statuses = statusesIn(answers);
    assert.equal(statuses.length, 1, answers);
    return statuses[0]!;
  };
  /** The instance's view of one request. */
  const passed = async (text: string): Promise<Message> => {
    using client = await recorder.client();
    await client.send(text);
    await client.message();
    const { requests, bad } = await recorder.heard();
    assert.deepEqual([requests.length, bad], [1, []]);
    return requests[0]!;
  };
  /** All that a client hears of `answer`; a bad request behind it ends the connection. */
  const told = async (answer: string, then?: "close" | "wait", line?: string): Promise<string> => {
    using client = await recorder.client();
    await client.send(asking(answer, then, line));
    await client.send("GET\r\n\r\n");
    const all = await client.rest();
    await recorder.heard();
    return all.replace(/HTTP\/1\.1 400 [^]*$/, "");
  };

  const steps: Record<string, () => Promise<void>> = {
    "1. a missing, repeated or invalid Host is 400": async () => {
      assert.equal(await refused("GET /x HTTP/1.1\r\n\r\n"), 400);
      assert.equal(await refused(get("Host: b")), 400);
      assert.equal(await refused("GET /x HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    },
    "2. a space before the colon is 400 in a request, gone from an answer": async () => {
      assert.equal(await refused(get("A : b")), 400);
      const all = await told("HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n");
      assert.match(all, /\r\nA: b\r\n/);
    },
    "3. a folded line is 400 in a request, 502 in an answer": async () => {
      assert.equal(await refused(get("A: b\r\n c")), 400);
      assert.match(await told("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), /^HTTP\/1\.1 502 /);
    },
    "4. a bare CR is refused in both directions": async () => {
      assert.equal(await refused(get("A: b\rc")), 400);
      assert.match(await told("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"), /^HTTP\/1\.1 502 /);
    },
    "5. differing or malformed lengths are 400 and 502": async () => {
      assert.equal(await refused(get("Content-Length: 1\r\nContent-Length: 2")), 400);
      assert.equal(await refused(get("Content-Length: x")), 400);
      for (const lengths of ["Content-Length: 1\r\nContent-Length: 2", "Content-Length: x"]) {
        assert.match(await told(`HTTP/1.1 200 OK\r\n${lengths}\r\n\r\nab`), /^HTTP\/1\.1 502 /);
      }
    },
    "6. a length with a transfer coding is refused in both directions": async () => {
      const both = "Content-Length: 5\r\nTransfer-Encoding: chunked";
      assert.equal(await refused(get(both) + "0\r\n\r\n"), 400);
      assert.match(await told(`HTTP/1.1 200 OK\r\n${both}\r\n\r\n0\r\n\r\n`), /^HTTP\/1\.1 502 /);
    },
    "7. an unknown coding is 501, chunked that is not alone 400": async () => {
      assert.equal(await refused(get("Transfer-Encoding: cow")), 501);
      assert.equal(await refused(get("Transfer-Encoding: chunked, gzip")), 400);
      assert.match(
        await told("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
        /^HTTP\/1\.1 502 /,
      );
    },
    "8. a chunk size is hexadecimal digits and nothing else": async () => {
      for (const size of ["0x1", "+1", "-1", "1_0", "", " 1", "g", "10000000000000001"]) {
        const body = `${size}\r\na\r\n0\r\n\r\n`;
        assert.equal(await refused(get("Transfer-Encoding: chunked") + body), 400, size);
        const all = await told(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
        assert.match(all, /^HTTP\/1\.1 502 /, size);
      }
    },
    "9. a long target is 414, a large head 431, white space before the first field 400":
      async () => {
        assert.equal(await refused(get("", `GET /${"a".repeat(9000)} HTTP/1.1`)), 414);
        assert.equal(await refused(get(`A: ${"b".repeat(70_000)}`)), 431);
        assert.equal(await refused(get("A: b\r\n".repeat(200) + "A: b")), 431);
        assert.equal(await refused("GET /x HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
      },
    "10. an absolute target replaces Host": async () => {
      const message = await passed("GET http://real:1/x?y HTTP/1.1\r\nHost: other\r\n\r\n");
      assert.equal(message.line, "GET /x?y HTTP/1.1");
      assert.deepEqual(valuesOf(message, "host"), ["real:1"]);
    },
    "11. nothing behind a refused request is parsed, however slowly it comes": async () => {
      using client = await recorder.client();
      await client.send("GET /x HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n");
      await client.until("\r\n\r\n");
      for (let i = 0; i < 5; i++) await client.send(get("", "GET /behind HTTP/1.1"));
      await client.conn.closeWrite();
      assert.doesNotMatch(await client.rest(), /HTTP\/1\.1/);
      assert.deepEqual((await recorder.heard()).requests, []);
    },
    "12. what ends at this hop is not passed on": async () => {
      const hop =
        "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nProxy-Connection: 1\r\n" +
        "TE: trailers\r\nUpgrade: foo\r\nTrailer: a";
      const { fields } = await passed(get(`${hop}\r\nX-End: 1`));
      const names = fields.map(([name]) => name.toLowerCase());
      for (const [, name] of hop.matchAll(/^([\w-]+):/gm)) {
        assert.ok(!names.includes(name!.toLowerCase()), name);
      }
      assert.ok(names.includes("x-end"));
      const all = await told(
        "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nContent-Length: 0\r\n\r\n",
      );
      assert.doesNotMatch(all, /X-Hop|Keep-Alive/i);
    },
    "13. Connection cannot take away what we add, nor Host": async () => {
      const message = await passed(
        get("Connection: X-Forwarded-For, X-Forwarded-Proto, Host, Maelstrom-Start-Nano"),
      );
      for (const name of ["x-forwarded-for", "x-forwarded-proto", "host", "maelstrom-start-nano"]) {
        assert.equal(valuesOf(message, name).length, 1, name);
      }
    },
    "14. TRACE is refused, Max-Forwards counted for OPTIONS": async () => {
      using client = await recorder.client();
      await client.send(get("", "TRACE /x HTTP/1.1"));
      assert.match((await client.message()).head, /^HTTP\/1\.1 (405|501) /);
      await client.send(get("Max-Forwards: 0", "OPTIONS /x HTTP/1.1"));
      assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 20[04] /);
      assert.deepEqual((await recorder.heard()).requests, []);
      const message = await passed(get("Max-Forwards: 7", "OPTIONS /x HTTP/1.1"));
      assert.deepEqual(valuesOf(message, "max-forwards"), ["6"]);
      const other = await passed(get("Max-Forwards: 7"));
      assert.deepEqual(valuesOf(other, "max-forwards"), ["7"]);
    },
    "15. trailers never become fields": async () => {
      const body = "1\r\na\r\n0\r\nX-Trailer: t\r\n\r\n";
      const message = await passed(get("Transfer-Encoding: chunked", "POST /x HTTP/1.1") + body);
      assert.deepEqual([valuesOf(message, "x-trailer"), message.body], [[], "a"]);
      const all = await told(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
      assert.doesNotMatch(all.split("\r\n\r\n")[0]!, /X-Trailer/);
    },
    "16. interim answers pass, 101 only when it was asked for and fits": async () => {
      const all = await told(`HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}`);
      assert.match(all, /^HTTP\/1\.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
      const switching = "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n";
      assert.match(await told(switching), /^HTTP\/1\.1 502 /);
      const websocket = "Connection: upgrade\r\nUpgrade: websocket\r\n";
      const ask = `GET /x HTTP/1.1\r\n${websocket}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==`;
      const answers: [string, RegExp][] = [
        [switching, /^HTTP\/1\.1 502 /],
        [`HTTP/1.1 101 S\r\n${websocket}Sec-WebSocket-Accept: no\r\n\r\n`, /^HTTP\/1\.1 502 /],
        [
          `HTTP/1.1 101 S\r\n${websocket}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`,
          /^HTTP\/1\.1 101 /,
        ],
      ];
      for (const [answer, want] of answers) {
        using client = await recorder.client();
        await client.send(asking(answer, "close", ask));
        assert.match(await client.until("\r\n\r\n"), want);
      }
      await recorder.heard();
    },
    "17. HEAD, 204 and 304 have no body whatever the instance says": async () => {
      const head = await told(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        undefined,
        "HEAD /x HTTP/1.1",
      );
      assert.match(head, /Content-Length: 9\r\n\r\n$/);
      for (const status of ["204 No Content", "304 Not Modified"]) {
        const all = await told(`HTTP/1.1 ${status}\r\nContent-Length: 4\r\n\r\nbody`, "close");
        assert.doesNotMatch(all, /body/);
        assert.match(all, /\r\n\r\n$/);
      }
    },
    "18. an answer that breaks off has no clean end": async () => {
      for (const framing of ["Content-Length: 9", "Transfer-Encoding: chunked"]) {
        using client = await recorder.client();
        const part = framing.startsWith("C") ? "abc" : "3\r\nabc\r\n";
        await client.send(asking(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${part}`, "close"));
        const all = await client.rest();
        assert.match(all, /abc/);
        assert.doesNotMatch(all, /\r\n0\r\n\r\n/);
      }
      await recorder.heard();
    },
    "19. forwarded fields of strangers are dropped, then ours are added": async () => {
      const message = await passed(get(
        "Forwarded: for=9.9.9.9\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n" +
          "X-Forwarded-Host: evil\r\nX-Real-IP: 9.9.9.9\r\nx-forwarded-for: 8.8.8.8",
      ));
      assert.deepEqual(valuesOf(message, "x-forwarded-for"), ["127.0.0.1"]);
      assert.deepEqual(valuesOf(message, "x-forwarded-proto"), ["http"]);
      assert.deepEqual(valuesOf(message, "x-forwarded-host"), ["a"]);
      assert.deepEqual(valuesOf(message, "forwarded"), []);
      assert.deepEqual(valuesOf(message, "x-real-ip"), []);
    },
    "19. the host that is told is the one that holds": async () => {
      const message = await passed("GET http://real:1/x HTTP/1.1\r\nHost: evil\r\n\r\n");
      assert.match(valuesOf(message, "x-forwarded-host").join(), /^real(:1)?$/);
    },
    "20. an underscore does not smuggle one of our fields": async () => {
      const { fields } = await passed(
        get("X_Forwarded_For: 9.9.9.9\r\nx_real_ip: 9.9.9.9\r\nMAELSTROM_COMPONENT: b"),
      );
      assert.deepEqual(fields.filter(([name]) => name.includes("_")), []);
    },
    "21. a path has one spelling before it is matched": async () => {
      const spelled = async (path: string) =>
        (await passed(get("", `GET ${path} HTTP/1.1`))).line.split(" ")[1];
      assert.equal(await spelled("/a/./b/../%7Ec%2f%3b?x=/../%41"), "/a/~c%2F%3B?x=/../%41");
      for (
        const path of ["/%00", "/a%0", "/%zz", "/..", "/a/../../b", "/%2e%2e/a", "/a/%2E%2e/.."]
      ) {
        using client = await recorder.client();
        await client.send(get("", `GET ${path} HTTP/1.1`));
        assert.match((await client.message()).head, /^HTTP\/1\.1 400 /, path);
      }
      assert.deepEqual((await recorder.heard()).requests, []);
    },
    "22. internal fields cannot come from outside": async () => {
      const message = await passed(get(
        "MAELSTROM-Deadline-Nano: 1\r\nmaelstrom-start-nano: 2\r\nMaelstrom-Relay-Path: z\r\n" +
          "Maelstrom-Component: other\r\nMaelstrom-Anything: 1",
      ));
      const ours = message.fields.filter(([name]) => /^maelstrom/i.test(name));
      assert.deepEqual(ours.map(([name]) => name.toLowerCase()).sort(), [
        "maelstrom-deadline-nano",
        "maelstrom-start-nano",
      ]);
      for (const [, value] of ours) assert.ok(Number(value) > 1e18, value);
    },
    "26. nothing is decompressed, and no coding is asked for": async () => {
      const zipped = "\x1f\x8b\x08\0\0\0\0\0\0\x03K\x04\0\x43\xbe\xb7\xe8\x01\0\0\0";
      const all = await told(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n${zipped}`,
      );
      assert.ok(all.endsWith(`\r\n\r\n${zipped}`));
      assert.match(all, /Content-Encoding: gzip\r\n/);
      assert.deepEqual(valuesOf(await passed(get()), "accept-encoding"), []);
    },
    "27. the API is at the private port only, with the key, and for no other origin": async () => {
      const call = (fields: string) =>
        `POST /_mael/v1 HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: 2\r\n\r\n{}`;
      assert.equal(
        (await passed(call(""))).line,
        "POST /_mael/v1 HTTP/1.1",
        "just a path of the component's",
      );
      const { privatePort } = recorder.node;
      for (const path of ["/_mael/v1", "/%5fmael/v1", "/x/../_mael/v1", "http://a/_mael/v1"]) {
        for (const fields of ["", "Authorization: Bearer x\r\n", "Origin: http://evil\r\n"]) {
          const text = call(`${fields}Connection: close\r\n`).replace("/_mael/v1", path);
          const answer = await recorder.exchange(text, privatePort);
          assert.match(answer, /^HTTP\/1\.1 401 /, path);
          assert.doesNotMatch(answer, /access-control/i);
        }
      }
      assert.deepEqual((await recorder.heard()).requests, []);
    },
  };
  for (const [name, step] of Object.entries(steps)) await t.step(name, step);
  assert.equal((await recorder.node.containers()).length, 1);
});

Deno.test("the checklist of an HTTP proxy, at a node with tight limits", async (t) => {
  const connectionsMax = 12;
  await using recorder = await RecorderNode.start({
    env: {
      MAEL_TRUSTED_PROXIES: "127.0.0.0/8",
      MAEL_HTTP_HEAD_TIMEOUT: "1",
      MAEL_HTTP_BODY_IDLE_TIMEOUT: "1",
      MAEL_HTTP_IDLE_TIMEOUT: "2",
      MAEL_HTTP_CONNECTIONS_PER_CLIENT: String(connectionsMax),
      MAEL_QUEUE_MAX: "1",
    },
  }, { maxConcurrency: 1, maxInstances: 1 });

  await t.step(
    "19. what a trusted proxy says of others stays, with its address behind",
    async () => {
      using client = await recorder.client();
      await client.send(get(
        "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\nMaelstrom-A: b",
      ));
      await client.message();
      const { requests: [message] } = await recorder.heard();
      assert.deepEqual(valuesOf(message!, "x-forwarded-for"), ["9.9.9.9, 127.0.0.1"]);
      assert.deepEqual(valuesOf(message!, "x-forwarded-proto"), ["https"]);
      assert.deepEqual(valuesOf(message!, "x-forwarded-host"), ["shop"]);
      assert.deepEqual(valuesOf(message!, "maelstrom-a"), []);
    },
  );

  await t.step(
    "23. a slow head and a slow body end with 408, silence and idleness without",
    async () => {
      assert.match(await recorder.exchange("GET /x HTTP/1.1\r\nHo"), /^HTTP\/1\.1 408 /);
      const slow = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";
      assert.match(await recorder.exchange(slow), /^HTTP\/1\.1 408 /);
      assert.equal(await recorder.exchange(""), "");
      assert.match(await recorder.exchange(get()), /^HTTP\/1\.1 200 [^]*ok$/);
      await recorder.heard();
    },
  );

  await t.step("25. a request beyond the queue is 503 with Retry-After", async () => {
    using busy = await recorder.client();
    await busy.send(asking("HTTP/1.1 103 Hold\r\n\r\n", "wait"));
    await busy.until("103 Hold");
    using waiting = await recorder.client();
    using beyond = await recorder.client();
    await waiting.send(get());
    await beyond.send(get());
    const first = await Promise.race([waiting.message(), beyond.message()]);
    assert.match(first.head, /^HTTP\/1\.1 503 [^]*\r\nRetry-After: \d+\r\n/);
    busy.close();
  });

  // Last, because the node may go on counting its connections for a moment.
  await t.step("23. connections beyond the cap of an address are told so and closed", async () => {
    const peers: RawPeer[] = [];
    try {
      let refusal = "";
      while (!refusal && peers.length <= connectionsMax) {
        const peer = await recorder.client();
        peers.push(peer);
        await peer.send(get("", "OPTIONS /x HTTP/1.1"));
        const { head } = await peer.message();
        if (!/ 200 /.test(head)) refusal = head;
      }
      assert.match(refusal, /^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n/);
      assert.ok(peers.length > 1);
      // The others go on.
      await peers[0]!.send(get());
      assert.match((await peers[0]!.message()).head, /^HTTP\/1\.1 200 /);
    } finally {
      for (const peer of peers) peer.close();
    }
  });
});
