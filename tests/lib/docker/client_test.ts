import assert from "node:assert/strict";
import { DockerClient } from "../../../lib/docker/client.ts";
import { failure } from "../../support/docker/failure.ts";
import { afterVersion, fakeEngine, jsonAnswer } from "../../support/docker/fake_engine.ts";
import { labelled } from "../../support/docker/labelled.ts";
import { witness } from "../../support/docker/witness.ts";

const signal = new AbortController().signal;

Deno.test("DockerClient.ping() fails when nobody answers", async () => {
  using docker = new DockerClient({ host: "unix:///nowhere/docker.sock" });
  await assert.rejects(
    docker.ping(signal),
    failure("engine_unavailable", /^Cannot reach Docker at unix:.*: no such file$/),
  );
});

Deno.test("DockerClient.ping() resolves when the engine answers", async () => {
  await using test = labelled();
  await test.docker.ping(test.signal);
});

Deno.test("DockerClient.info() tells what the engine says of itself", async () => {
  await using test = labelled();
  const info = await test.docker.info(test.signal);
  const seen = await witness().info();
  assert.deepEqual(
    [info.id, info.name, info.cpus, info.memoryBytes, info.serverVersion, info.architecture],
    [seen.ID, seen.Name, seen.NCPU, seen.MemTotal, seen.ServerVersion, seen.Architecture],
  );
});

for (
  const { name, networks, want } of [
    { name: "without any network", networks: {}, want: "172.17.0.1" },
    {
      name: "of the bridge",
      networks: { bridge: [{ Subnet: "10.9.0.0/16", Gateway: "10.9.0.254" }] },
      want: "10.9.0.254",
    },
    {
      name: "of the bridge, which only tells its subnet",
      networks: { bridge: [{ Subnet: "10.9.8.0/24" }] },
      want: "10.9.8.1",
    },
    {
      name: "of docker_gwbridge before the bridge",
      networks: { bridge: [{ Gateway: "10.9.0.1" }], docker_gwbridge: [{ Gateway: "10.8.0.1" }] },
      want: "10.8.0.1",
    },
    {
      name: "of IPv4 where there are both",
      networks: { bridge: [{ Subnet: "fd00::/64", Gateway: "fd00::1" }, { Gateway: "10.7.0.1" }] },
      want: "10.7.0.1",
    },
    { name: "of a bridge without addresses", networks: { bridge: null }, want: "172.17.0.1" },
  ]
) {
  Deno.test(`DockerClient.gatewayAddress() is the one ${name}`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* ({ target }) {
      const network = target.split("/").at(-1) ?? "";
      yield Object.hasOwn(networks, network)
        ? jsonAnswer({ IPAM: { Config: Reflect.get(networks, network) } })
        : jsonAnswer({ message: `network ${network} not found` }, 404);
    }));
    using docker = new DockerClient({ host: engine.host });
    assert.equal(await docker.gatewayAddress(signal), want);
  });
}

Deno.test("DockerClient.gatewayAddress() is where containers reach this machine", async () => {
  await using test = labelled();
  const address = await test.docker.gatewayAddress(test.signal);
  await using server = Deno.serve(
    { hostname: address, port: 0, onListen: () => {} },
    () => new Response("here"),
  );
  const id = await test.run();
  const script = `console.log(await (await fetch("http://${address}:${server.addr.port}")).text())`;
  const { stdout } = await test.docker.exec(id, ["/bin/deno", "eval", script], {
    timeoutMs: 10_000,
    signal: test.signal,
  });
  assert.equal(stdout, "here\n");
});
