import assert from "node:assert/strict";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import { serveHttp } from "../../../lib/http/server.ts";
import { silentLog } from "../../../lib/log.ts";
import { CertificateFiles } from "../../../lib/tls/certificate_files.ts";
import { TlsListener } from "../../../lib/tls/tls_listener.ts";
import { answering, RawBackend, RawPeer, within } from "../../support/http/raw.ts";
import { makePair, TestDirectory } from "../../support/tls/certificates.ts";
import { Door, run, tellingHandler } from "../../support/tls/door.ts";

const echo = { handler: tellingHandler };

/** The part of a WebSocket that an echo needs; the package's types are not among ours. */
interface EchoSocket {
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): unknown;
  send(data: Uint8Array, options: { binary: boolean }): void;
}

/** What openssl says of a handshake. */
function handshake(port: number, ...args: string[]): Promise<string> {
  return run("openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...args);
}

/** A TLS connection that is not asked for more than bytes. */
async function connect(port: number, servername = "a.test"): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
  socket.on("error", () => {});
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    }),
    "handshake",
  );
  return socket;
}

/** Everything `socket` hears until its end. */
function rest(socket: TLSSocket): Promise<string> {
  let heard = "";
  socket.setEncoding("latin1");
  socket.on("data", (text) => heard += text);
  return within(
    new Promise((resolve) => {
      socket.on("end", () => resolve(heard));
      socket.on("close", () => resolve(heard));
    }),
    "end",
  );
}

Deno.test("TlsListener agrees on http/1.1 and h2, and takes clients without ALPN", async () => {
  await using door = await Door.open(1, echo);
  for (
    const { args, version } of [
      { args: ["--http1.1"], version: "1.1" },
      { args: ["--http2"], version: "2" },
      { args: ["--no-alpn"], version: "1.1" },
    ]
  ) {
    const url = `https://localhost:${door.port}/p?q`;
    const out = await run("curl", "-sk", ...args, "-w", "\n%{http_version} %{http_code}", url);
    const [body = "", status] = out.split("\n");
    assert.equal(status, `${version} 200`);
    const { target, clientAddress, secure } = JSON.parse(body);
    assert.deepEqual([target, clientAddress, secure], ["/p?q", "127.0.0.1", true]);
  }
  assert.match(await handshake(door.port, "-alpn", "h2"), /ALPN protocol: h2/);
  assert.match(await handshake(door.port, "-alpn", "http/1.1"), /ALPN protocol: http\/1.1/);
});

for (
  const { asked, subject } of [
    { asked: ["-servername", "a.test"], subject: "a.test" },
    { asked: ["-servername", "x.b.test"], subject: "b.test" },
    { asked: ["-servername", "X.B.TEST"], subject: "b.test" },
    { asked: ["-servername", "y.x.b.test"], subject: "a.test" },
    { asked: ["-servername", "unknown.test"], subject: "a.test" },
    { asked: ["-noservername"], subject: "a.test" },
  ]
) {
  Deno.test(`TlsListener shows the certificate of ${subject} for ${asked.join(" ")}`, async () => {
    await using door = await Door.open(1, echo);
    assert.match(await handshake(door.port, ...asked), new RegExp(`subject=CN = ${subject}`));
  });
}

Deno.test("TlsListener refuses what is older than TLS 1.2", async () => {
  await using door = await Door.open(1, echo);
  assert.match(await handshake(door.port, "-tls1_2"), /Protocol *: TLSv1\.2/);
  assert.match(await handshake(door.port, "-tls1_3"), /TLSv1\.3/);
  const old = await handshake(door.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
  assert.match(old, /alert|error/);
  assert.doesNotMatch(old, /subject=/);
});

Deno.test("TlsListener closes a client that sends nothing, and one that speaks plain HTTP", async () => {
  await using door = await Door.open(1, { ...echo, limits: { handshakeMs: 50 } });
  using silent = await RawPeer.connect(door.port);
  assert.equal(await silent.rest(), "");
  using plain = await RawPeer.connect(door.port);
  await plain.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert.doesNotMatch(await plain.rest(), /HTTP\/1/);
  assert.equal(door.server.connections, 0);
});

Deno.test("TlsListener closes connections beyond its number", async () => {
  await using door = await Door.open(1, { ...echo, limits: { connectionsPerClientMax: 1 } });
  const first = await connect(door.port);
  await assert.rejects(connect(door.port));
  first.destroy();
  // The place is free when the server has noticed.
  const again = async (): Promise<TLSSocket> => {
    for (;;) {
      try {
        return await connect(door.port);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  };
  (await within(again(), "a free place")).destroy();
});

Deno.test("TlsListener tells which requests belong on another connection", async () => {
  await using door = await Door.open(1, echo);
  const cases = [
    { servername: "a.test", host: "a.test", want: false },
    { servername: "a.test", host: "LOCALHOST:8443", want: false },
    { servername: "a.test", host: "x.b.test", want: true },
    { servername: "x.b.test", host: "y.b.test", want: false },
    { servername: "x.b.test", host: "a.test", want: true },
    { servername: "unknown.test", host: "unknown.test", want: false },
    { servername: "unknown.test", host: "other.test", want: true },
  ];
  for (const { servername, host, want } of cases) {
    const socket = await connect(door.port, servername);
    const heard = rest(socket);
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const body = (await heard).split("\r\n\r\n")[1]!;
    assert.equal(JSON.parse(body).misdirected, want, `${servername} ${host}`);
    socket.destroy();
  }
});

Deno.test("TlsListener shows a renewed certificate to new connections only", async () => {
  await using directory = await TestDirectory.make();
  const pair = await makePair(directory.path, "old", ["DNS:a.test"]);
  await using certificates = await CertificateFiles.open([pair], { log: silentLog });
  await using listener = await TlsListener.listen({
    hostname: "127.0.0.1",
    port: 0,
    certificates,
    log: silentLog,
  });
  await using _server = serveHttp([listener], tellingHandler, {
    log: silentLog,
    errorReply: (status, reason) => ({ status, headers: [], body: reason }),
  });
  const { port } = listener.addr;
  const open = await connect(port);
  const renewed = within(
    new Promise<void>((resolve) => certificates.subscribe(() => resolve())),
    "the new certificate",
  );
  await Deno.mkdir(`${directory.path}/new`);
  const next = await makePair(`${directory.path}/new`, "new", ["DNS:a.test"]);
  await Deno.rename(next.keyFile, pair.keyFile);
  await Deno.rename(next.certFile, pair.certFile);
  await renewed;
  assert.match(await handshake(port, "-servername", "a.test"), /subject=CN = new/);
  assert.match(await handshake(port, "-noservername"), /subject=CN = new/);
  const heard = rest(open);
  open.write("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  assert.match(await heard, /^HTTP\/1\.1 200/);
  open.destroy();
});

Deno.test("TlsListener carries WebSockets, both ways and to their close", async () => {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => sockets.once("listening", resolve));
  try {
    sockets.on("connection", (socket: EchoSocket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const address = sockets.address();
    assert.ok(typeof address === "object" && address);
    await using door = await Door.open(address.port);
    const client = new WebSocket(`wss://127.0.0.1:${door.port}/chat`, {
      rejectUnauthorized: false,
    });
    await within(new Promise((resolve) => client.once("open", resolve)), "open");
    for (const message of ["hello", "x".repeat(300_000)]) {
      const back = new Promise<string>((resolve) =>
        client.once("message", (data: Uint8Array) => resolve(new TextDecoder().decode(data)))
      );
      client.send(message);
      assert.equal(await within(back, "echo"), message);
    }
    const closed = new Promise<number>((resolve) => client.once("close", resolve));
    client.close(4001, "done");
    assert.equal(await within(closed, "close"), 4001);
    assert.deepEqual(await door.result(0), { kind: "done", status: 101 });
  } finally {
    await new Promise((resolve) => sockets.close(resolve));
  }
});

Deno.test("TlsListener tells the instance when an HTTP/1.1 client leaves", async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    asked.resolve();
    await peer.rest();
    gone.resolve();
  });
  await using door = await Door.open(backend.port);
  const socket = await connect(door.port);
  socket.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await within(asked.promise, "the request");
  socket.destroy();
  await within(gone.promise, "the instance's end");
  assert.equal((await door.result(0)).kind, "client_left");
});

Deno.test("TlsListener carries a large answer over both protocols", async () => {
  const size = 4 * 1024 * 1024;
  const body = "0123456789abcdef".repeat(size / 16);
  await using backend = answering(() =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body}`
  );
  await using door = await Door.open(backend.port);
  for (const version of ["--http1.1", "--http2"]) {
    const url = `https://127.0.0.1:${door.port}/`;
    const args = ["-sk", version, "-o", "/dev/null", "-w", "%{size_download} %{http_code}"];
    assert.equal(await run("curl", ...args, url), `${size} 200`);
  }
});

Deno.test("TlsListener.close() lets requests in progress end", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using door = await Door.open(1, {
    handler: async (exchange) => {
      begun.resolve();
      await go.promise;
      await exchange.respond({ status: 200, headers: [], body: "late" });
    },
  });
  const socket = await connect(door.port);
  const heard = rest(socket);
  socket.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await within(begun.promise, "the request");
  const draining = door.server.drain(AbortSignal.timeout(9_000));
  await assert.rejects(connect(door.port));
  go.resolve();
  await within(draining, "drain");
  assert.match(await heard, /connection: close[^]*late$/i);
  socket.destroy();
});
