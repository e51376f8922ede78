import assert from "node:assert/strict";
import { chooseVersion, EngineTransport, queryText } from "../../../lib/docker/transport.ts";
import { isAbort } from "../../../lib/errors.ts";
import { failure } from "../../support/docker/failure.ts";
import {
  afterVersion,
  chunk,
  fakeEngine,
  fakeVersion,
  jsonAnswer,
  streamHead,
} from "../../support/docker/fake_engine.ts";

const signal = new AbortController().signal;
const call = { method: "GET", path: "/thing", act: "look at the thing", signal } as const;

for (
  const host of [
    "",
    "unix://relative.sock",
    "unix:///",
    "/var/run/docker.sock",
    "http://1.2.3.4:2375",
    "tcp://1.2.3.4",
    "tcp://1.2.3.4:0",
    "tcp://1.2.3.4:65536",
    "tcp://:2375",
    "ssh://user@machine",
  ]
) {
  Deno.test(`EngineTransport() refuses the host "${host}"`, () => {
    assert.throws(() => new EngineTransport(host), failure("invalid", /must be unix:/));
  });
}

for (
  const { name, newest, oldest, want } of [
    { name: "its own newest to a newer engine", newest: "1.52", oldest: "1.44", want: "1.47" },
    { name: "an older engine's newest", newest: "1.41", oldest: "1.12", want: "1.41" },
    { name: "the only common one", newest: "1.99", oldest: "1.47", want: "1.47" },
    { name: "without a lower bound", newest: "1.43", oldest: undefined, want: "1.43" },
  ]
) {
  Deno.test(`chooseVersion() speaks ${name}`, () => {
    assert.equal(chooseVersion(newest, oldest), want);
  });
}

for (
  const { name, newest, oldest, want } of [
    { name: "too old an engine", newest: "1.9", oldest: "1.1", want: /oldest supported is 1\.41/ },
    {
      name: "too new an engine",
      newest: "1.60",
      oldest: "1.48",
      want: /newest supported is 1\.47/,
    },
    { name: "no version", newest: undefined, oldest: undefined, want: /its API version is null/ },
    { name: "nonsense", newest: "next", oldest: "1.1", want: /its API version is "next"/ },
  ]
) {
  Deno.test(`chooseVersion() refuses ${name}`, () => {
    assert.throws(() => chooseVersion(newest, oldest), failure("engine_unavailable", want));
  });
}

Deno.test("queryText() repeats lists, leaves out what is undefined, and escapes", () => {
  assert.equal(
    queryText({ a: ["x y", "&"], b: undefined, c: false, d: 0 }),
    "?a=x+y&a=%26&c=false&d=0",
  );
  assert.equal(queryText({ b: undefined }), "");
});

Deno.test("EngineTransport.call() says that there is no socket", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using transport = new EngineTransport(`unix://${folder}/none.sock`);
    await assert.rejects(
      transport.call(call),
      failure(
        "engine_unavailable",
        /^Cannot reach Docker at unix:\/\/\/.*none\.sock: no such file$/,
      ),
    );
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("EngineTransport.call() says that nobody listens any more", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/left.sock`;
    Deno.listen({ transport: "unix", path }).close();
    await Deno.lstat(path).catch(() => Deno.writeTextFile(path, ""));
    using transport = new EngineTransport(`unix://${path}`);
    await assert.rejects(
      transport.call(call),
      failure("engine_unavailable", /: connection refused$/),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("EngineTransport.call() says that a TCP port is closed", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using transport = new EngineTransport(`tcp://127.0.0.1:${port}`);
  await assert.rejects(
    transport.call(call),
    failure("engine_unavailable", /^Cannot reach Docker at tcp:.*: connection refused$/),
  );
});

Deno.test("EngineTransport.call() ends at its deadline when the engine hangs", async () => {
  let left: Promise<void> | undefined;
  await using engine = await fakeEngine(afterVersion(async function* (request) {
    left = request.left;
    await request.left;
    yield "";
  }));
  using transport = new EngineTransport(engine.host);
  await assert.rejects(
    transport.call({ ...call, deadlineMs: 500 }),
    failure("engine_unavailable", /^Cannot look at the thing: no answer .* within 0\.5 s$/),
  );
  assert.ok(left);
  await left;
});

Deno.test("EngineTransport.call() ends at its deadline inside a body", async () => {
  await using engine = await fakeEngine(afterVersion(async function* ({ left }) {
    yield streamHead + chunk('{"a":');
    await left;
  }));
  using transport = new EngineTransport(engine.host);
  await assert.rejects(
    transport.call({ ...call, deadlineMs: 50 }),
    failure("engine_unavailable", /no answer .* within/),
  );
});

Deno.test("EngineTransport.call() ends with the reason of its signal", async () => {
  const stop = new AbortController();
  await using engine = await fakeEngine(afterVersion(async function* ({ left }) {
    stop.abort();
    await left;
    yield "";
  }));
  using transport = new EngineTransport(engine.host);
  await assert.rejects(transport.call({ ...call, signal: stop.signal }), isAbort);
  await assert.rejects(transport.call({ ...call, signal: stop.signal }), isAbort);
  assert.equal(engine.seen.length, 2);
});

for (
  const { name, answer } of [
    { name: "closes without a word", answer: [] },
    { name: "closes inside the head", answer: ["HTTP/1.1 200 OK\r\nContent-"] },
    { name: "closes inside the body", answer: ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"] },
    { name: "closes inside a chunk", answer: [streamHead + "ff\r\n{"] },
  ]
) {
  Deno.test(`EngineTransport.call() fails when the engine ${name}`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* () {
      yield* answer;
    }));
    using transport = new EngineTransport(engine.host);
    await assert.rejects(
      transport.call(call),
      failure("engine_unavailable", /: it closed the connection early$/),
    );
  });
}

Deno.test("EngineTransport.call() refuses what is not JSON", async () => {
  await using engine = await fakeEngine(afterVersion(async function* () {
    yield "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>";
  }));
  using transport = new EngineTransport(engine.host);
  await assert.rejects(transport.call(call), failure("engine_unavailable", /is not JSON$/));
});

for (
  const { status, code } of [
    { status: 400, code: "invalid" },
    { status: 403, code: "invalid" },
    { status: 404, code: "not_found" },
    { status: 409, code: "invalid" },
    { status: 500, code: "engine_unavailable" },
    { status: 503, code: "engine_unavailable" },
  ] as const
) {
  Deno.test(`EngineTransport.call() turns ${status} into ${code} with the engine's words`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* () {
      yield jsonAnswer({ message: "because\nof this" }, status);
    }));
    using transport = new EngineTransport(engine.host);
    await assert.rejects(
      transport.call(call),
      failure(code, /^Cannot look at the thing: because of this$/, { status }),
    );
    assert.equal((await transport.call({ ...call, allow: [status] })).status, status);
  });
}

Deno.test("EngineTransport.call() asks for the version once, however many begin at once", async () => {
  await using engine = await fakeEngine(afterVersion(async function* () {
    yield jsonAnswer({ ok: true });
  }));
  using transport = new EngineTransport(engine.host);
  await Promise.all(Array.from({ length: 8 }, () => transport.call(call)));
  assert.equal(engine.seen.filter((line) => line === "GET /version").length, 1);
  assert.equal(engine.seen.filter((line) => line === "GET /v1.41/thing").length, 8);
});

Deno.test("EngineTransport.call() lets the others have the version when one gives up", async () => {
  const stop = new AbortController();
  const others = Promise.withResolvers<void>();
  await using engine = await fakeEngine(async function* ({ target }) {
    if (target === "/version") {
      stop.abort();
      await others.promise;
      yield jsonAnswer(fakeVersion);
    } else yield jsonAnswer({ ok: true });
  });
  using transport = new EngineTransport(engine.host);
  const gone = transport.call({ ...call, signal: stop.signal });
  const other = transport.call(call);
  await assert.rejects(gone, isAbort);
  others.resolve();
  assert.deepEqual(await other, { status: 200, body: { ok: true } });
});

Deno.test("EngineTransport.call() agrees on a version anew after the engine was away", async () => {
  let version = "1.43";
  let broken = false;
  await using engine = await fakeEngine(async function* ({ target }) {
    if (target === "/version") yield jsonAnswer({ ApiVersion: version });
    else if (!broken) yield jsonAnswer({ ok: true });
  });
  using transport = new EngineTransport(engine.host);
  await transport.call(call);
  broken = true;
  await assert.rejects(transport.call(call), failure("engine_unavailable", /closed/));
  [broken, version] = [false, "1.45"];
  await transport.call(call);
  assert.equal(engine.seen.at(-1), "GET /v1.45/thing");
});

Deno.test("EngineTransport.call() agrees on a version anew when the engine became older", async () => {
  let version = "1.45";
  await using engine = await fakeEngine(async function* ({ target }) {
    if (target === "/version") yield jsonAnswer({ ApiVersion: version });
    else if (target.startsWith(`/v${version}/`)) yield jsonAnswer({ ok: true });
    else {
      const message = `client version 1.45 is too new. Maximum supported API version is ${version}`;
      yield jsonAnswer({ message }, 400);
    }
  });
  using transport = new EngineTransport(engine.host);
  await transport.call(call);
  version = "1.42";
  await assert.rejects(transport.call(call), failure("engine_unavailable", /is too new/));
  await transport.call(call);
  assert.equal(engine.seen.at(-1), "GET /v1.42/thing");
});

Deno.test("EngineTransport.call() tells which versions do not meet, each time", async () => {
  await using engine = await fakeEngine(async function* () {
    yield jsonAnswer({ ApiVersion: "1.60", MinAPIVersion: "1.50" });
  });
  using transport = new EngineTransport(engine.host);
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(
      transport.call(call),
      failure("engine_unavailable", /it demands API 1\.50, newest supported is 1\.47/),
    );
  }
  assert.equal(engine.seen.length, 2);
});

Deno.test("EngineTransport.call() ends when the version never comes and it is disposed", async () => {
  const asked = Promise.withResolvers<void>();
  await using engine = await fakeEngine(async function* ({ left }) {
    asked.resolve();
    await left;
    yield "";
  });
  const transport = new EngineTransport(engine.host);
  const pending = transport.call(call);
  await asked.promise;
  transport[Symbol.dispose]();
  await assert.rejects(pending, isAbort);
});

Deno.test("EngineTransport.call() speaks to an engine on TCP, on a port browsers avoid", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      Response.json(
        request.url.endsWith("/version") ? fakeVersion : { host: request.headers.get("host") },
      ),
  );
  using transport = new EngineTransport(`tcp://127.0.0.1:${server.addr.port}`);
  assert.deepEqual((await transport.call(call)).body, { host: "127.0.0.1" });
});
