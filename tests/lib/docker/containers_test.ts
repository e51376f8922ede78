import assert from "node:assert/strict";
import { isAbort } from "../../../lib/errors.ts";
import { failure } from "../../support/docker/failure.ts";
import { OTHER_ARCHITECTURE } from "../../support/docker/elf.ts";
import { labelled } from "../../support/docker/labelled.ts";
import { startRegistry } from "../../support/docker/registry.ts";
import { witness } from "../../support/docker/witness.ts";

const NOBODY = "0".repeat(64);

Deno.test("DockerClient.createContainer() names the image that is not there", async () => {
  await using test = labelled();
  const Image = "maelstrom-none/none:1";
  await assert.rejects(
    test.create({ Image }),
    failure("not_found", /from "maelstrom-none\/none:1": No such image/, {
      status: 404,
      image: Image,
    }),
  );
});

Deno.test("DockerClient.createContainer() refuses a name that is taken", async () => {
  await using test = labelled();
  const name = `taken-${crypto.randomUUID()}`;
  await test.create({ name });
  await assert.rejects(test.create({ name }), failure("already_exists", /is already in use/));
});

Deno.test("DockerClient.createContainer() says what the engine finds wrong", async () => {
  await using test = labelled();
  await assert.rejects(
    test.create({ HostConfig: { Memory: 1 } }),
    failure("invalid", /Minimum memory limit/, { status: 400 }),
  );
});

Deno.test("DockerClient.createContainer() sets every option", async () => {
  await using test = labelled();
  const HostConfig = {
    Binds: ["/tmp:/host-tmp:ro"],
    CapAdd: ["NET_ADMIN"],
    CapDrop: ["MKNOD"],
    CpuShares: 512,
    Dns: ["192.0.2.53"],
    DnsOptions: ["ndots:2"],
    DnsSearch: ["example.com"],
    ExtraHosts: ["db:192.0.2.7"],
    Init: true,
    LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
    Memory: 256 * 1024 * 1024,
    MemoryReservation: 128 * 1024 * 1024,
    Mounts: [{ Type: "tmpfs", Target: "/scratch" }],
    NetworkMode: "none",
    PidsLimit: 64,
    PortBindings: { "53/udp": [{ HostIp: "127.0.0.1", HostPort: "0" }] },
    Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 2048 }],
  } as const;
  const name = `options-${crypto.randomUUID()}`;
  const spec = {
    name,
    Cmd: ["/app.ts", "--x"],
    Entrypoint: ["/bin/deno", "run"],
    Env: ["A=1", "B=two words"],
    ExposedPorts: { "8081/tcp": {} },
    Hostname: "host",
    Domainname: "example.com",
    User: "12:34",
    WorkingDir: "/tmp",
    StopSignal: "SIGINT",
    Tty: true,
  };
  const id = await test.create({ ...spec, Labels: { a: "b" }, HostConfig });
  const seen = await witness().getContainer(id).inspect();
  const { name: _, ...config } = spec;
  assert.equal(seen.Name, `/${name}`);
  for (const [field, want] of Object.entries(config)) {
    const got: unknown = Reflect.get(seen.Config, field);
    if (field === "Env") assert.deepEqual((got as string[]).slice(0, 2), want);
    else if (field === "ExposedPorts") assert.ok("8081/tcp" in (got as object));
    else assert.deepEqual(got, want, field);
  }
  assert.deepEqual(seen.Config.Labels, { a: "b", ...test.labels });
  for (const [field, want] of Object.entries(HostConfig)) {
    assert.deepEqual(Reflect.get(seen.HostConfig, field), want, field);
  }
});

Deno.test("DockerClient.createContainer() passes the engine's warnings on", async () => {
  await using registry = await startRegistry();
  await using test = labelled();
  const { docker, labels, signal } = test;
  const Image = await registry.put("foreign", { architecture: OTHER_ARCHITECTURE });
  await docker.pullImage(Image, { signal });
  const { warnings } = await docker.createContainer({ Image, Labels: labels }, signal);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /does not match the detected host platform/);
  await registry.clean(docker);
});

Deno.test("DockerClient.startContainer() starts, and says so when it runs already", async () => {
  await using test = labelled();
  const id = await test.create();
  assert.equal(await test.docker.startContainer(id, test.signal), "done");
  assert.equal((await witness().getContainer(id).inspect()).State.Running, true);
  assert.equal(await test.docker.startContainer(id, test.signal), "unchanged");
});

Deno.test("DockerClient.startContainer() fails for what is not there or cannot run", async () => {
  await using test = labelled();
  await assert.rejects(
    test.docker.startContainer(NOBODY, test.signal),
    failure("not_found", /^Cannot start container "000000000000": No such container/),
  );
  const id = await test.create({ Cmd: ["/no/such/file"] });
  await assert.rejects(
    test.docker.startContainer(id, test.signal),
    failure("invalid", /no such file or directory/, { status: 400 }),
  );
});

Deno.test("DockerClient.stopContainer() lets the process end in its grace time", async () => {
  await using test = labelled();
  const id = await test.run();
  await listening(test, id);
  const options = { graceSeconds: 30, signal: test.signal };
  assert.equal(await test.docker.stopContainer(id, options), "done");
  const { State: state } = await witness().getContainer(id).inspect();
  assert.deepEqual([state.Status, state.ExitCode], ["exited", 0]);
  assert.equal(await test.docker.stopContainer(id, options), "unchanged");
  assert.equal(await test.docker.stopContainer(NOBODY, options), "not_found");
});

Deno.test("DockerClient.stopContainer() kills after the grace time", async () => {
  await using test = labelled();
  // The first process of a container ignores what it does not listen for.
  const id = await test.run({
    Cmd: ["/bin/deno", "eval", "await new Promise(() => setInterval(() => {}, 1e6))"],
  });
  assert.equal(
    await test.docker.stopContainer(id, { graceSeconds: 0, signal: test.signal }),
    "done",
  );
  assert.equal((await witness().getContainer(id).inspect()).State.ExitCode, 137);
});

Deno.test("DockerClient.killContainer() sends the signal asked for", async () => {
  await using test = labelled();
  const [first, second] = await Promise.all([test.run(), test.run()]);
  await listening(test, second);
  assert.equal(await test.docker.killContainer(first, test.signal), "done");
  assert.equal(await test.docker.killContainer(second, test.signal, "SIGTERM"), "done");
  const ends = await Promise.all([first, second].map((id) => witness().getContainer(id).wait()));
  assert.deepEqual(ends.map(({ StatusCode }) => StatusCode), [137, 0]);
  assert.equal(await test.docker.killContainer(first, test.signal), "unchanged");
  assert.equal(await test.docker.killContainer(NOBODY, test.signal), "not_found");
});

Deno.test("DockerClient.pauseContainer() freezes and unpauseContainer() lets go on", async () => {
  await using test = labelled();
  const { docker, signal } = test;
  const id = await test.create();
  await assert.rejects(docker.pauseContainer(id, signal), failure("invalid", /is not running/));
  await docker.startContainer(id, signal);
  assert.equal(await docker.pauseContainer(id, signal), "done");
  assert.equal((await witness().getContainer(id).inspect()).State.Paused, true);
  assert.deepEqual((await docker.inspectContainer(id, signal))?.state.status, "paused");
  assert.equal(await docker.pauseContainer(id, signal), "unchanged");
  assert.equal(await docker.unpauseContainer(id, signal), "done");
  assert.equal((await witness().getContainer(id).inspect()).State.Paused, false);
  assert.equal(await docker.unpauseContainer(id, signal), "unchanged");
  assert.equal(await docker.pauseContainer(NOBODY, signal), "not_found");
  assert.equal(await docker.unpauseContainer(NOBODY, signal), "not_found");
});

Deno.test("DockerClient.removeContainer() takes a running one only by force", async () => {
  await using test = labelled();
  const { docker, signal } = test;
  const id = await test.run();
  await assert.rejects(
    docker.removeContainer(id, {}, signal),
    failure("invalid", /cannot remove a running container/i, { status: 409 }),
  );
  assert.equal(await docker.removeContainer(id, { force: true }, signal), "done");
  assert.equal(await docker.removeContainer(id, { force: true }, signal), "not_found");
  await assert.rejects(
    witness().getContainer(id).inspect(),
    (error) => (error as { statusCode?: number }).statusCode === 404,
  );
});

Deno.test("DockerClient.removeContainer() gives one done to many who remove at once", async () => {
  await using test = labelled();
  const id = await test.run();
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => test.docker.removeContainer(id, { force: true }, test.signal)),
  );
  assert.equal(outcomes.filter((outcome) => outcome === "done").length, 1);
});

Deno.test("DockerClient.removeContainer() takes anonymous volumes along when asked", async () => {
  await using test = labelled();
  const volumes = async (id: string) =>
    (await witness().getContainer(id).inspect()).Mounts.map(({ Name }: { Name?: string }) =>
      Name ?? ""
    );
  const Mounts = [{ Type: "volume", Target: "/data" }] as const;
  const [kept, taken] = await Promise.all([
    test.create({ HostConfig: { Mounts } }),
    test.create({ HostConfig: { Mounts } }),
  ]);
  const [keptVolume = "", takenVolume = ""] = [...await volumes(kept), ...await volumes(taken)];
  await test.docker.removeContainer(kept, {}, test.signal);
  await test.docker.removeContainer(taken, { volumes: true }, test.signal);
  await witness().getVolume(keptVolume).inspect();
  await witness().getVolume(keptVolume).remove();
  await assert.rejects(witness().getVolume(takenVolume).inspect());
});

Deno.test("DockerClient.inspectContainer() tells what the engine knows", async () => {
  await using test = labelled();
  const beforeMs = Date.now();
  const id = await test.create({
    HostConfig: { PortBindings: { "8080/tcp": [{ HostIp: "127.0.0.1", HostPort: "0" }] } },
  });
  const created = await test.docker.inspectContainer(id, test.signal);
  assert.equal(created?.state.status, "created");
  assert.equal(created.state.startedAtMs, 0);
  assert.deepEqual(created.addresses, {});
  await test.docker.startContainer(id, test.signal);
  const seen = await witness().getContainer(id).inspect();
  const detail = await test.docker.inspectContainer(id, test.signal);
  assert.ok(detail);
  assert.equal(detail.id, id);
  assert.equal(detail.name, seen.Name.slice(1));
  assert.equal(detail.image, await test.image());
  assert.equal(detail.imageId, seen.Image);
  assert.deepEqual(detail.labels, test.labels);
  assert.equal(detail.tty, false);
  assert.equal(detail.state.running, true);
  assert.ok(detail.state.startedAtMs >= beforeMs - 1000 && detail.state.startedAtMs <= Date.now());
  assert.ok(detail.createdAtMs <= detail.state.startedAtMs);
  assert.equal(detail.state.finishedAtMs, 0);
  assert.deepEqual(detail.addresses, { bridge: seen.NetworkSettings.Networks.bridge?.IPAddress });
  assert.deepEqual(detail.ports, [{
    containerPort: 8080,
    protocol: "tcp",
    hostIp: "127.0.0.1",
    hostPort: Number(seen.NetworkSettings.Ports["8080/tcp"]?.[0]?.HostPort),
  }]);
  assert.equal(detail.hostConfig.NetworkMode, seen.HostConfig.NetworkMode);
  assert.equal((await test.docker.inspectContainer(detail.name, test.signal))?.id, id);
});

Deno.test("DockerClient.inspectContainer() tells how a container ended", async () => {
  await using test = labelled();
  const id = await test.run({ Env: ["APP_EXIT_AT_START=3"] });
  await witness().getContainer(id).wait();
  const state = (await test.docker.inspectContainer(id, test.signal))?.state;
  assert.deepEqual([state?.status, state?.running, state?.exitCode], ["exited", false, 3]);
  assert.ok(state && state.finishedAtMs >= state.startedAtMs);
});

Deno.test("DockerClient.inspectContainer() gives nothing for nobody, and refuses a path", async () => {
  await using test = labelled();
  assert.equal(await test.docker.inspectContainer(NOBODY, test.signal), undefined);
  for (const id of ["", "..", "a/b", "a?b", "-x"]) {
    await assert.rejects(
      test.docker.inspectContainer(id, test.signal),
      failure("invalid", /as a container's id/),
    );
  }
});

Deno.test("DockerClient.listContainers() lists by label, running ones unless told otherwise", async () => {
  await using test = labelled();
  const running = await test.run({ Labels: { role: "runs" } });
  const created = await test.create({ Labels: { role: "waits" } });
  const list = async (labels: string[], all: boolean) =>
    (await test.docker.listContainers({ labels, all }, test.signal)).map(({ id }) => id).sort();
  assert.deepEqual(await list([test.label], false), [running]);
  assert.deepEqual(await list([test.label], true), [running, created].sort());
  assert.deepEqual(await list([test.label, "role=waits"], true), [created]);
  assert.deepEqual(await list([test.label, "role"], true), [running, created].sort());
  assert.deepEqual(await list([test.label, "role=other"], true), []);
  const [summary] = await test.docker.listContainers({ labels: [test.label] }, test.signal);
  const seen = await witness().getContainer(running).inspect();
  assert.deepEqual(summary, {
    id: running,
    name: seen.Name.slice(1),
    image: await test.image(),
    imageId: seen.Image,
    createdAtMs: Math.floor(Date.parse(seen.Created) / 1000) * 1000,
    status: "running",
    labels: { ...test.labels, role: "runs" },
    addresses: { bridge: seen.NetworkSettings.Networks.bridge?.IPAddress },
  });
});

Deno.test("DockerClient.stopContainer() ends with its signal", async () => {
  await using test = labelled();
  const stop = new AbortController();
  const id = await test.run({
    Cmd: ["/bin/deno", "eval", "await new Promise(() => setInterval(() => {}, 1e6))"],
  });
  const stopping = test.docker.stopContainer(id, { graceSeconds: 60, signal: stop.signal });
  stop.abort();
  await assert.rejects(stopping, isAbort);
});

/** Resolves when the application has said that it listens. */
async function listening(
  { docker, signal }: Pick<ReturnType<typeof labelled>, "docker" | "signal">,
  id: string,
): Promise<void> {
  for await (const { line } of docker.containerLogs(id, { follow: true, signal })) {
    if (line.startsWith("listening")) return;
  }
  assert.fail("the application ended");
}
