import assert from "node:assert/strict";
import { DockerClient } from "../../../lib/docker/client.ts";
import { isAbort } from "../../../lib/errors.ts";
import { failure } from "../../support/docker/failure.ts";
import { afterVersion, chunk, fakeEngine, streamHead } from "../../support/docker/fake_engine.ts";
import { ARCHITECTURE, OTHER_ARCHITECTURE } from "../../support/docker/elf.ts";
import { labelled } from "../../support/docker/labelled.ts";
import { startRegistry, tarWithFile } from "../../support/docker/registry.ts";
import { witness } from "../../support/docker/witness.ts";

const NO_IMAGE = "maelstrom-none/none:1";

/** A name for an image that only this test has. */
function freshRef(): string {
  return `maelstrom-test/${crypto.randomUUID()}:1`;
}

Deno.test("DockerClient.inspectImage() gives nothing for an image that is not there", async () => {
  await using test = labelled();
  assert.equal(await test.docker.inspectImage(NO_IMAGE, test.signal), undefined);
  assert.equal(await test.docker.imageExists(NO_IMAGE, test.signal), false);
  await assert.rejects(
    test.docker.inspectImage("a/../b", test.signal),
    failure("invalid", /^Cannot use image name "a\/\.\.\/b"/),
  );
});

Deno.test("DockerClient.importImage() makes an image that inspectImage() knows", async () => {
  await using test = labelled();
  const ref = freshRef();
  const tar = ReadableStream.from([tarWithFile("note", "hello")]);
  const changes = ['CMD ["/note", "a b"]', "ENV A=1", "EXPOSE 8080", "LABEL x=y"];
  const id = await test.docker.importImage(tar, { ref, changes, signal: test.signal });
  try {
    const seen = await witness().getImage(ref).inspect();
    assert.equal(id, seen.Id);
    const { createdAtMs, sizeBytes, ...rest } = await test.docker.inspectImage(ref, test.signal) ??
      assert.fail();
    assert.equal(createdAtMs, Date.parse(seen.Created));
    assert.equal(sizeBytes, seen.Size);
    assert.deepEqual(rest, {
      id,
      tags: [ref],
      digests: [],
      platform: `${seen.Os}/${seen.Architecture}`,
      labels: { x: "y" },
      exposedPorts: ["8080/tcp"],
      env: ["A=1"],
      cmd: ["/note", "a b"],
      entrypoint: [],
    });
    const listed = (await test.docker.listImages(test.signal)).find((image) => image.id === id);
    assert.deepEqual([listed?.tags, listed?.labels], [[ref], { x: "y" }]);
    assert.equal((await test.docker.inspectImage(id, test.signal))?.id, id);
  } finally {
    await witness().getImage(ref).remove();
  }
});

Deno.test("DockerClient.importImage() fails when the archive is none", async () => {
  await using test = labelled();
  const tar = ReadableStream.from([new Uint8Array(2048).fill(65)]);
  await assert.rejects(
    test.docker.importImage(tar, { ref: freshRef(), signal: test.signal }),
    failure("engine_unavailable", /^Cannot import image "maelstrom-test\//),
  );
});

Deno.test("DockerClient.importImage() fails when the archive cannot be read to its end", async () => {
  await using test = labelled();
  const ref = freshRef();
  const tar = ReadableStream.from((function* () {
    yield tarWithFile("note", "hello").subarray(0, 512);
    throw new Error("disk gone");
  })());
  await assert.rejects(test.docker.importImage(tar, { ref, signal: test.signal }));
  assert.equal(await test.docker.imageExists(ref, test.signal), false);
});

Deno.test("DockerClient.removeImage() removes, spares what is in use, and minds nothing else", async () => {
  await using test = labelled();
  const { docker, signal } = test;
  const ref = freshRef();
  const tar = ReadableStream.from([tarWithFile("note", crypto.randomUUID())]);
  await docker.importImage(tar, { ref, changes: ['CMD ["/note"]'], signal });
  const id = await test.create({ Image: ref });
  assert.equal(await docker.removeImage(ref, {}, signal), "in_use");
  await docker.removeContainer(id, {}, signal);
  assert.equal(await docker.removeImage(ref, {}, signal), "done");
  assert.equal(await docker.removeImage(ref, {}, signal), "not_found");
  await assert.rejects(witness().getImage(ref).inspect());
});

Deno.test("DockerClient.pullImage() fetches an image and tells its progress", async () => {
  await using registry = await startRegistry();
  await using test = labelled();
  const steps: string[] = [];
  await test.docker.pullImage(registry.ref, {
    onProgress: ({ status }) => steps.push(status),
    signal: test.signal,
  });
  try {
    assert.ok(steps.some((status) => status.startsWith("Status: Downloaded newer image")));
    const seen = await witness().getImage(registry.ref).inspect();
    const image = await test.docker.inspectImage(registry.ref, test.signal);
    assert.ok(image);
    assert.equal(image.id, seen.Id);
    assert.deepEqual(image.labels, { origin: registry.address });
    const [digest = ""] = image.digests;
    await test.docker.pullImage(digest, { signal: test.signal });
    assert.equal((await test.docker.inspectImage(digest, test.signal))?.id, seen.Id);
  } finally {
    await registry.clean(test.docker);
  }
});

Deno.test("DockerClient.pullImage() gives name and password to the registry", async () => {
  const user = { username: "anna", password: "s3cret ü?>" };
  await using registry = await startRegistry(user);
  await using test = labelled();
  const { signal } = test;
  await assert.rejects(
    test.docker.pullImage(registry.ref, { signal }),
    failure("not_allowed", /no basic auth credentials|unauthorized/),
  );
  await test.docker.pullImage(registry.ref, { ...user, signal });
  await registry.clean(test.docker);
});

Deno.test("DockerClient.pullImage() says that the registry has no such image", async () => {
  await using registry = await startRegistry();
  await using test = labelled();
  await assert.rejects(
    test.docker.pullImage(`${registry.address}/team/tiny:2`, { signal: test.signal }),
    failure("not_found", /^Cannot pull image ".*tiny:2": .*manifest/),
  );
});

Deno.test("DockerClient.pullImage() names the platforms that an image is for", async () => {
  const user = { username: "anna", password: "s3cret" };
  await using registry = await startRegistry(user);
  await using test = labelled();
  const { signal } = test;
  const ref = await registry.put("foreign", { architecture: OTHER_ARCHITECTURE, isListed: true });
  const message = new RegExp(
    `^Cannot pull image "${ref}": the registry does not have it for linux/${ARCHITECTURE}, ` +
      `which this machine is, only for linux/${OTHER_ARCHITECTURE}$`,
  );
  await assert.rejects(
    test.docker.pullImage(ref, { ...user, signal }),
    failure("not_found", message, {
      wanted: `linux/${ARCHITECTURE}`,
      found: [`linux/${OTHER_ARCHITECTURE}`],
    }),
  );
});

Deno.test("DockerClient.pullImage() lets go of the registry with its signal", async () => {
  await using registry = await startRegistry();
  await using test = labelled();
  const release = registry.hold();
  const stop = new AbortController();
  const pulling = test.docker.pullImage(registry.ref, { signal: stop.signal });
  await registry.held();
  stop.abort();
  await assert.rejects(pulling, isAbort);
  await registry.left();
  release();
  assert.equal(await test.docker.imageExists(registry.ref, test.signal), false);
});

Deno.test("DockerClient.pullImage() says that no registry answers", async () => {
  await using test = labelled();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await assert.rejects(
    test.docker.pullImage(`127.0.0.1:${listener.addr.port}/x`, { signal: test.signal }),
    failure("engine_unavailable", /connection refused/),
  );
});

for (
  const { name, line, code } of [
    { name: "a missing image", line: { error: "manifest unknown" }, code: "not_found" },
    { name: "a closed door", line: { error: "unauthorized: no" }, code: "not_allowed" },
    { name: "a full disk", line: { error: "no space left on device" }, code: "engine_unavailable" },
  ] as const
) {
  Deno.test(`DockerClient.pullImage() finds ${name} in an answer that began well`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* () {
      yield streamHead + chunk('{"status":"Pulling"}\r\n') + chunk(JSON.stringify(line) + "\r\n") +
        "0\r\n\r\n";
    }));
    using docker = new DockerClient({ host: engine.host });
    const signal = new AbortController().signal;
    await assert.rejects(docker.pullImage("x", { signal }), failure(code, new RegExp(line.error)));
  });
}

Deno.test("DockerClient.pullImage() fails when the engine dies in the middle", async () => {
  await using engine = await fakeEngine(afterVersion(async function* () {
    yield streamHead + chunk('{"status":"Pulling"}\r\n');
  }));
  using docker = new DockerClient({ host: engine.host });
  await assert.rejects(
    docker.pullImage("x", { signal: new AbortController().signal }),
    failure("engine_unavailable", /closed the connection early/),
  );
});

Deno.test("DockerClient.pullImage() ends with its signal", async () => {
  const stop = new AbortController();
  await using engine = await fakeEngine(afterVersion(async function* ({ left }) {
    yield streamHead + chunk('{"status":"Pulling"}\r\n');
    await left;
  }));
  using docker = new DockerClient({ host: engine.host });
  await assert.rejects(
    docker.pullImage("x", { onProgress: () => stop.abort(), signal: stop.signal }),
    isAbort,
  );
});
