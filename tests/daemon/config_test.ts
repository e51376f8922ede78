import assert from "node:assert/strict";
import { loadSettings, type SettingSources } from "../../daemon/config.ts";

function load(sources: Partial<SettingSources> & { file?: string }) {
  const { file, ...rest } = sources;
  return loadSettings({
    args: [],
    env: {},
    readFile: () => {
      if (file === undefined) throw new Error("No such file");
      return file;
    },
    ...rest,
  });
}

Deno.test("loadSettings() gives the defaults", () => {
  const { settings, warnings } = load({ env: { HOME: "/root", MAELSTROM_PRIVATE_URL: "x" } });
  assert.equal(settings.publicPort, 80);
  assert.equal(settings.privatePort, 8374);
  assert.equal(settings.rpcAuth, "key");
  assert.equal(settings.totalMemoryMiB, -1);
  assert.equal(settings.dockerHost, "unix:///var/run/docker.sock");
  assert.deepEqual(settings.trustedProxies, []);
  assert.deepEqual(warnings, []);
});

Deno.test("loadSettings() lets a flag beat the environment, and that the file", () => {
  const file = "MAEL_PUBLIC_PORT=1\nMAEL_PRIVATE_PORT=1\nMAEL_QUEUE_MAX=1";
  const env = { MAEL_PUBLIC_PORT: "2", MAEL_PRIVATE_PORT: "2" };
  const { settings } = load({ args: ["-f", "x", "--public-port", "3"], env, file });
  assert.equal(settings.publicPort, 3);
  assert.equal(settings.privatePort, 2);
  assert.equal(settings.queueMax, 1);
});

Deno.test("loadSettings() takes an empty value as unset", () => {
  assert.equal(load({ env: { MAEL_PUBLIC_PORT: "" } }).settings.publicPort, 80);
});

Deno.test("loadSettings() reads numbers as the ancestor does", () => {
  assert.equal(load({ env: { MAEL_PUBLIC_PORT: "0x50" } }).settings.publicPort, 80);
  assert.equal(load({ env: { MAEL_PUBLIC_PORT: "0120" } }).settings.publicPort, 80);
});

Deno.test("loadSettings() reads a file of the ancestor's settings", () => {
  const file = `
# A comment, and lines that say nothing.

not a setting
MAEL_PUBLIC_PORT=1
MAEL_PUBLIC_HTTPS_PORT=2
  MAEL_PRIVATE_PORT = 3
MAEL_SQL_DRIVER=sqlite3
MAEL_SQL_DSN=sqlite:/srv/mael storm.db
MAEL_TOTAL_MEMORY=-200
MAEL_SHUTDOWN_PAUSE_SECONDS=3
MAEL_HTTP_IDLE_TIMEOUT=400
MAEL_DOCKER_PRUNE_MINUTES=123
MAEL_DOCKER_PRUNE_UNREG_IMAGES=true
MAEL_DOCKER_PRUNE_UNREG_KEEP=acme.org/*,hello-world
MAEL_NODE_LIVENESS_SECONDS=200
MAEL_CRON_REFRESH_SECONDS=50
MAEL_INSTANCE_ID=instid
MAEL_TERMINATE_COMMAND=term cmd
MAEL_AWS_TERMINATE_QUEUE_URL=q1
MAEL_AWS_TERMINATE_MAX_AGE_SECONDS=44
MAEL_AWS_SPOT_TERMINATE_POLL_SECONDS=55
MAEL_HTTP_READ_TIMEOUT=100
MAEL_HTTP_WRITE_TIMEOUT=200
MAEL_LOG_GC_SECONDS=66
MAEL_CPU_PROFILE_FILENAME=somefile
MAEL_PPROF=true
`;
  const { settings } = load({ args: ["-f", "x"], file });
  const told = {
    publicPort: 1,
    publicHttpsPort: 2,
    privatePort: 3,
    sqlDriver: "sqlite3",
    sqlDsn: "sqlite:/srv/mael storm.db",
    totalMemoryMiB: -200,
    shutdownPauseSeconds: 3,
    idleTimeoutSeconds: 400,
    pruneMinutes: 123,
    pruneImages: true,
    pruneKeep: ["acme.org/*", "hello-world"],
    livenessSeconds: 200,
  };
  assert.deepEqual({ ...settings, ...told }, settings);
});

Deno.test("loadSettings() splits lists", () => {
  const { settings } = load({ args: ["--trusted-proxies=10.0.0.0/8, ::1,"] });
  assert.deepEqual(settings.trustedProxies, ["10.0.0.0/8", "::1"]);
});

Deno.test("loadSettings() tells of settings that do not act yet, checked all the same", () => {
  assert.deepEqual(load({ env: { MAEL_PPROF: "true" } }).warnings, [
    "MAEL_PPROF is set but has no effect in this release",
  ]);
  assert.throws(() => load({ env: { MAEL_PPROF: "yes" } }), /MAEL_PPROF .* must be true or false/);
});

const faults: [string, Partial<SettingSources>, RegExp][] = [
  ["a number outside its range", { env: { MAEL_PUBLIC_PORT: "70000" } }, /from 0 to 65535, found/],
  ["a word for a number", { env: { MAEL_PUBLIC_PORT: "http" } }, /whole number .* found "http"/],
  ["a fraction", { args: ["--public-port", "8.5"] }, /--public-port\): must be whole number/],
  ["an unknown choice", { env: { MAEL_RPC_AUTH: "none" } }, /must be one of key, loopback/],
  ["a relative mount", { env: { MAEL_HOST_MOUNTS: "/srv,data" } }, /must be comma-sep.* absolute/],
  ["an unknown name", { env: { MAEL_PUBIC_PORT: "1" } }, /did you mean MAEL_PUBLIC_PORT\?/],
  ["an unknown flag", { args: ["--pubic-port", "1"] }, /did you mean --public-port\?/],
  ["a flag without value", { args: ["--public-port"] }, /--public-port needs a value/],
  ["a stray word", { args: ["8080"] }, /"8080" is not a flag/],
  ["a file that is not there", { args: ["-f", "/x"] }, /settings file "\/x": No such file/],
];

for (const [name, sources, message] of faults) {
  Deno.test(`loadSettings() refuses ${name}`, () => {
    assert.throws(() => load(sources), { code: "invalid", message });
  });
}

Deno.test("loadSettings() reads mounts as plain paths", () => {
  const { settings } = load({ env: { MAEL_HOST_MOUNTS: "/srv/, /data//a/../b,/" } });
  assert.deepEqual(settings.hostMounts, ["/srv", "/data/b", "/"]);
});

Deno.test("loadSettings() never repeats the cluster key", () => {
  assert.throws(
    () => load({ env: { MAEL_CLUSTER_KEY: "secret", MAEL_PUBLIC_PORT: "x" } }),
    (error: Error) => !error.message.includes("secret"),
  );
});
