import assert from "node:assert/strict";
import { DockerClient, type DockerEvent } from "../../../lib/docker/client.ts";
import { isAbort } from "../../../lib/errors.ts";
import { failure } from "../../support/docker/failure.ts";
import { afterVersion, chunk, fakeEngine, streamHead } from "../../support/docker/fake_engine.ts";
import { labelled } from "../../support/docker/labelled.ts";
import { witness } from "../../support/docker/witness.ts";

const signal = new AbortController().signal;

for (
  const { name, pieces, want } of [
    { name: "ends", pieces: [streamHead, "0\r\n\r\n"], want: /the engine ended the stream$/ },
    { name: "dies", pieces: [streamHead], want: /it closed the connection early$/ },
    {
      name: "dies inside a line",
      pieces: [streamHead, chunk('{"Type":')],
      want: /closed the connection/,
    },
    {
      name: "sends nonsense",
      pieces: [streamHead, chunk("hello\n")],
      want: /"hello" is not JSON$/,
    },
  ]
) {
  Deno.test(`DockerClient.events() throws when the engine ${name}`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* () {
      yield* pieces;
    }));
    using docker = new DockerClient({ host: engine.host });
    await assert.rejects(
      Array.fromAsync(docker.events({ signal })),
      failure("engine_unavailable", want),
    );
  });
}

Deno.test("DockerClient.events() gives what came before the engine died", async () => {
  await using engine = await fakeEngine(afterVersion(async function* () {
    yield streamHead;
    yield chunk(
      '{"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"1"}},',
    );
    yield chunk('"timeNano":1700000000123000000}\n{"Type":"image"');
  }));
  using docker = new DockerClient({ host: engine.host });
  const got: DockerEvent[] = [];
  await assert.rejects(async () => {
    for await (const event of docker.events({ signal })) got.push(event);
  });
  assert.deepEqual(got, [{
    type: "container",
    action: "die",
    id: "c1",
    attributes: { exitCode: "1" },
    timeMs: 1_700_000_000_123,
  }]);
});

Deno.test("DockerClient.events() ends with its signal while nothing happens", async () => {
  await using test = labelled();
  const stop = new AbortController();
  const events = test.docker.events({
    filters: { label: [test.label] },
    onOpen: () => setTimeout(() => stop.abort(), 0),
    signal: stop.signal,
  });
  await assert.rejects(Array.fromAsync(events), isAbort);
});

Deno.test("DockerClient.events() tells everything that happens once it is open", async () => {
  await using test = labelled();
  const id = await test.create({ Env: ["APP_EXIT_AT_START=4"] });
  const beforeMs = Date.now();
  let started: Promise<unknown> | undefined;
  const got: DockerEvent[] = [];
  const events = test.docker.events({
    filters: { type: ["container"], event: ["start", "die"], label: [test.label] },
    onOpen: () => started = witness().getContainer(id).start(),
    signal: test.signal,
  });
  for await (const event of events) {
    got.push(event);
    if (event.action === "die") break;
  }
  await started;
  assert.deepEqual(got.map(({ action }) => action), ["start", "die"]);
  assert.deepEqual(got.map((event) => event.id), [id, id]);
  assert.equal(got[1]?.attributes.exitCode, "4");
  assert.equal(got[1]?.attributes[test.label.split("=")[0] ?? ""], test.label.split("=")[1]);
  for (const { timeMs } of got) assert.ok(timeMs >= beforeMs - 1000 && timeMs <= Date.now() + 1000);
});

Deno.test("DockerClient.events() repeats what happened since then", async () => {
  await using test = labelled();
  const sinceMs = Date.now() - 1000;
  const id = await test.create();
  const events = test.docker.events({
    filters: { event: ["create"], label: [test.label] },
    sinceMs,
    signal: test.signal,
  });
  for await (const event of events) {
    assert.equal(event.id, id);
    break;
  }
});
