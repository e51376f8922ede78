import assert from "node:assert/strict";
import fc from "fast-check";
import { containerSpec } from "../../../daemon/converger/container_spec.ts";
import { readBack } from "../../../daemon/converger/read_back.ts";
import { effective } from "../../../lib/contract/effective.ts";
import type { DockerComponent } from "../../../lib/contract/v1.ts";
import type { ContainerDetail, ContainerSpec } from "../../../lib/docker/client.ts";
import { stored } from "../../support/builders.ts";
import { labelled } from "../../support/docker/labelled.ts";

const MIB = 2 ** 20;
const ALL: Partial<DockerComponent> = {
  command: ["run", "-A", "/app.ts"],
  entrypoint: ["/bin/deno"],
  ports: ["127.0.0.1::9000", "9001/udp"],
  volumes: [
    { type: "tmpfs", source: "", target: "/scratch//" },
    { source: "/etc", target: "/a/../host-etc", readOnly: true },
  ],
  networkName: "bridge",
  logDriver: "json-file",
  logDriverOptions: [{ name: "max-size", value: "1m" }],
  cpuShares: 512,
  reserveMemoryMiB: 64,
  limitMemoryMiB: 96,
  dns: ["192.0.2.53"],
  dnsOptions: ["ndots:2"],
  dnsSearch: ["example.com"],
  ulimits: ["nofile=1024:2048", "nproc=512"],
  init: true,
  hostname: "front",
  domainname: "example.com",
  user: "12:34",
  capadd: ["net_admin"],
  capdrop: ["CAP_MKNOD"],
};

function specOf(docker: Partial<DockerComponent>, environment: [string, string][] = []) {
  const entry = stored({
    environment: environment.map(([name, value]) => ({ name, value })),
    docker,
  });
  return containerSpec({
    name: `read-back-${crypto.randomUUID()}`,
    stored: entry,
    settings: effective(entry.component),
    nodeId: "n",
    privateUrl: "http://172.17.0.1:8374",
    resolve: (text) => text,
  });
}

/** What an engine would say that takes everything. */
function obedient(spec: ContainerSpec): ContainerDetail {
  const { name = "", Labels = {}, HostConfig = {}, ...config } = spec;
  return {
    id: "1",
    name,
    image: spec.Image,
    imageId: "sha256:1",
    createdAtMs: 0,
    labels: Labels,
    addresses: {},
    state: {
      status: "running",
      running: true,
      exitCode: 0,
      error: "",
      oomKilled: false,
      startedAtMs: 0,
      finishedAtMs: 0,
    },
    tty: false,
    ports: Object.entries(HostConfig.PortBindings ?? {}).flatMap(([key, bindings]) => {
      const [port = "", protocol = ""] = key.split("/");
      return bindings.map(({ HostIp = "", HostPort }) => ({
        containerPort: Number(port),
        protocol,
        hostIp: HostIp,
        hostPort: Number(HostPort || 32768),
      }));
    }),
    mounts: (HostConfig.Mounts ?? []).map(({ Type, Target, ReadOnly = false }) => ({
      type: Type,
      target: new URL(Target, "file:").pathname.replace(/\/+$/, ""),
      readOnly: ReadOnly,
    })),
    config: { ...config, Labels },
    hostConfig: HostConfig as Readonly<Record<string, unknown>>,
  };
}

const spec = specOf(ALL, [["TOKEN", "s3cret"]]);
const detail = obedient(spec);

Deno.test("readBack() finds nothing where the engine took everything", () => {
  assert.deepEqual(readBack(spec, detail), []);
  assert.deepEqual(readBack(specOf({}), obedient(specOf({}))).map(({ field }) => field), []);
});

const host = (parts: object): ContainerDetail => ({
  ...detail,
  hostConfig: { ...detail.hostConfig, ...parts },
});
const config = (parts: object): ContainerDetail => ({
  ...detail,
  config: { ...detail.config, ...parts },
});
const cases: [string, ContainerDetail, string, string][] = [
  ["limitMemoryMiB", host({ Memory: 0 }), "96 MiB", "nothing"],
  ["limitMemoryMiB", host({ Memory: 64 * MIB }), "96 MiB", "64 MiB"],
  ["reserveMemoryMiB", host({ MemoryReservation: 0 }), "64 MiB", "nothing"],
  ["cpuShares", host({ CpuShares: 0 }), "512", "nothing"],
  ["init", host({ Init: null }), "true", "nothing"],
  ["networkName", host({ NetworkMode: "none" }), "bridge", "none"],
  ["dns", host({ Dns: null }), "192.0.2.53", "nothing"],
  ["dnsOptions", host({ DnsOptions: [] }), "ndots:2", "nothing"],
  ["dnsSearch", host({ DnsSearch: ["other"] }), "example.com", "other"],
  [
    "ulimits",
    host({ Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 1024 }, { Name: "nproc", Soft: 512 }] }),
    "nofile=1024:2048, nproc=512:512",
    "nofile=1024:1024, nproc=512:undefined",
  ],
  ["capadd", host({ CapAdd: null }), "NET_ADMIN", "nothing"],
  ["capdrop", host({ CapDrop: ["CAP_CHOWN"] }), "MKNOD", "CHOWN"],
  [
    "logDriver",
    host({ LogConfig: { Type: "none", Config: spec.HostConfig?.LogConfig?.Config } }),
    "json-file",
    "none",
  ],
  [
    "logDriverOptions",
    host({ LogConfig: { Type: "json-file", Config: { "max-size": "2m" } } }),
    "max-size",
    "another value or none",
  ],
  [
    "command",
    config({ Cmd: ["run", "/app.ts", "-A"] }),
    '["run","-A","/app.ts"]',
    '["run","/app.ts","-A"]',
  ],
  ["entrypoint", config({ Entrypoint: null }), '["/bin/deno"]', "nothing"],
  ["hostname", config({ Hostname: "0123456789ab" }), "front", "0123456789ab"],
  ["domainname", config({ Domainname: "" }), "example.com", "nothing"],
  ["user", config({ User: "0" }), "12:34", "0"],
  [
    "environment",
    config({ Env: spec.Env?.map((entry) => entry.replace("s3cret", "other")) }),
    "TOKEN",
    "another value or none",
  ],
  [
    "labels",
    config({ Labels: { ...spec.Labels, maelstrom_version: "9" } }),
    "maelstrom_version",
    "another value or none",
  ],
  [
    "volumes",
    { ...detail, mounts: detail.mounts.map((mount) => ({ ...mount, readOnly: false })) },
    "bind /host-etc read-only",
    "tmpfs /scratch, bind /host-etc",
  ],
  ["ports", { ...detail, ports: detail.ports.slice(1) }, "9000/tcp", "9001/udp, 32768:9001/udp"],
];

for (const [field, found, asked, got] of cases) {
  Deno.test(`readBack() tells that ${field} is ${got} instead of ${asked}`, () => {
    assert.deepEqual(readBack(spec, found), [{ field, asked, got }]);
  });
}

Deno.test("readBack() takes the spellings of newer engines for the same", () => {
  const found = host({ CapAdd: ["CAP_NET_ADMIN"], NetworkMode: "default" });
  assert.deepEqual(readBack(spec, found), []);
});

Deno.test("readBack() minds only the last of two entries with one name", () => {
  const twice = specOf({}, [["A", "1"], ["A", "2"]]);
  const found = obedient(twice);
  const Env = twice.Env?.filter((entry) => entry !== "A=1");
  assert.deepEqual(readBack(twice, { ...found, config: { ...found.config, Env } }), []);
});

Deno.test("readBack() never tells a value of the environment or of a log driver's option", () => {
  const anyName = fc.stringMatching(/^[A-Z]{1,5}$/);
  const secret = fc.stringMatching(/^[a-z0-9]{8,20}$/);
  fc.assert(fc.property(anyName, secret, (name, value) => {
    const asked = specOf({ logDriver: "syslog", logDriverOptions: [{ name, value }] }, [[
      name,
      value,
    ]]);
    const nothing = { ...obedient(asked), config: {}, hostConfig: {} };
    const told = readBack(asked, nothing);
    assert.ok(told.some(({ field }) => field === "environment"));
    assert.ok(!JSON.stringify(told).includes(value));
  }));
});

Deno.test("readBack() agrees with a real engine on every setting", async () => {
  await using test = labelled();
  const real = { ...specOf(ALL, [["TOKEN", "s3cret"]]), Image: await test.image() };
  const id = await test.run(real);
  const found = await test.docker.inspectContainer(id, test.signal);
  assert.ok(found);
  assert.deepEqual(readBack({ ...real, Labels: test.labels }, found), []);
});
