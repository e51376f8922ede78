import assert from "node:assert/strict";
import { dataDir, type Env, locateNode, type Surroundings } from "../../../lib/rpc/locate.ts";

function surroundings(env: Env, files: Record<string, string> = {}, uid = 1000): Surroundings {
  return {
    env,
    uid,
    readFile: (path) => Promise.resolve(files[path]),
    exists: (path) => Promise.resolve(Object.hasOwn(files, path)),
  };
}

const directories: { name: string; env: Env; uid: number | null; want: string }[] = [
  { name: "what is set", env: { MAEL_DATA_DIR: "/d/" }, uid: 0, want: "/d" },
  { name: "the root of the file system", env: { MAEL_DATA_DIR: "/" }, uid: 0, want: "/" },
  { name: "the system's for root", env: { HOME: "/root" }, uid: 0, want: "/var/lib/maelstrom" },
  {
    name: "the state home",
    env: { XDG_STATE_HOME: "/s", HOME: "/h" },
    uid: 7,
    want: "/s/maelstrom",
  },
  {
    name: "no relative state home",
    env: { XDG_STATE_HOME: "s", HOME: "/h" },
    uid: 7,
    want: "/h/.local/state/maelstrom",
  },
  {
    name: "the home, with empty settings unset",
    env: { MAEL_DATA_DIR: "", XDG_STATE_HOME: "", HOME: "/h" },
    uid: null,
    want: "/h/.local/state/maelstrom",
  },
];
for (const { name, env, uid, want } of directories) {
  Deno.test(`dataDir() takes ${name}`, () => assert.equal(dataDir(env, uid), want));
}

Deno.test("dataDir() fails when nothing says where", () => {
  assert.throws(() => dataDir({}, 1000), { code: "invalid", message: /HOME/ });
});

Deno.test("locateNode() takes only the URL when one is set", async () => {
  const files = { "/h/.local/state/maelstrom/control.sock": "" };
  const env = { HOME: "/h", MAELSTROM_PRIVATE_URL: "https://node:9/base/" };
  const target = await locateNode(surroundings(env, files));
  assert.deepEqual(target.places, [{ kind: "url", url: "https://node:9/base" }]);
});

Deno.test("locateNode() tries the socket, then the default port", async () => {
  const fallback = { kind: "url", url: "http://127.0.0.1:8374" };
  const path = "/d/control.sock";
  const env = { MAEL_DATA_DIR: "/d", MAELSTROM_PRIVATE_URL: "" };
  const present = await locateNode(surroundings(env, { [path]: "" }));
  assert.deepEqual(present.places, [{ kind: "socket", path }, fallback]);
  assert.deepEqual((await locateNode(surroundings(env))).places, [fallback]);
});

for (const url of ["node:8374", "ftp://node", "http://u:secret@node", "http://node/?q", "%"]) {
  Deno.test(`locateNode() refuses ${url}`, async () => {
    await assert.rejects(
      locateNode(surroundings({ HOME: "/h", MAELSTROM_PRIVATE_URL: url })),
      (error: Error & { code?: string }) =>
        error.code === "invalid" && error.message.includes("MAELSTROM_PRIVATE_URL") &&
        !error.message.includes("secret"),
    );
  });
}

/** A node that was named: its key is looked for everywhere. */
const GIVEN = { MAELSTROM_PRIVATE_URL: "http://node:8374" };

const keys: {
  name: string;
  env: Env;
  files?: Record<string, string>;
  key?: string;
  from: string;
}[] = [
  { name: "the variable", env: { MAEL_CLUSTER_KEY: "k1" }, key: "k1", from: "MAEL_CLUSTER_KEY" },
  {
    name: "the file that is named",
    env: { MAEL_CLUSTER_KEY_FILE: "/k" },
    files: { "/k": "k2\n", "/d/cluster.key": "k3" },
    key: "k2",
    from: "/k",
  },
  {
    name: "the data directory",
    env: {},
    files: { "/d/cluster.key": "k3\n" },
    key: "k3",
    from: "/d/cluster.key",
  },
  {
    name: "nothing",
    env: {},
    from: "MAEL_CLUSTER_KEY, MAEL_CLUSTER_KEY_FILE, /d/cluster.key",
  },
  {
    name: "no other file",
    env: { MAEL_CLUSTER_KEY_FILE: "/k" },
    files: { "/d/cluster.key": "k3" },
    from: "MAEL_CLUSTER_KEY, /k",
  },
];
for (const { name, env, files, key, from } of keys) {
  Deno.test(`locateNode() finds the key: ${name}`, async () => {
    const target = await locateNode(surroundings({ ...GIVEN, MAEL_DATA_DIR: "/d", ...env }, files));
    const found = await target.findKey();
    assert.deepEqual(found, key === undefined ? { from } : { key, from });
  });
}

Deno.test("locateNode() says that a key is not readable", async () => {
  const denied = {
    ...surroundings({ ...GIVEN, MAEL_DATA_DIR: "/d" }),
    readFile: () => Promise.reject(new Deno.errors.PermissionDenied("no")),
  };
  const found = await (await locateNode(denied)).findKey();
  assert.match(found.from, /cluster\.key \(not readable by this user\)$/);
});

for (
  const [name, text] of [["an empty key", " \n"], ["two words", "a b"], ["a line feed", "a\nb"]]
) {
  Deno.test(`locateNode() refuses ${name}, without showing it`, async () => {
    const target = await locateNode(
      surroundings({ ...GIVEN, MAEL_DATA_DIR: "/d" }, { "/d/cluster.key": text! }),
    );
    await assert.rejects(target.findKey(), {
      code: "invalid",
      message: /^Cannot use cluster key: \/d/,
    });
  });
}

Deno.test("locateNode() says which key file failed", async () => {
  const broken = {
    ...surroundings({ ...GIVEN, MAEL_DATA_DIR: "/d" }),
    readFile: () => Promise.reject(new Error("Is a directory")),
  };
  await assert.rejects((await locateNode(broken)).findKey(), { message: /Is a directory/ });
});

Deno.test("locateNode() sends the data directory's key to no place that was only guessed", async () => {
  const target = await locateNode(
    surroundings({ MAEL_DATA_DIR: "/d" }, { "/d/cluster.key": "k3" }),
  );
  assert.equal((await target.findKey()).key, undefined);
  const told = await locateNode(surroundings({ MAEL_DATA_DIR: "/d", MAEL_CLUSTER_KEY: "k1" }));
  assert.equal((await told.findKey()).key, "k1");
});

Deno.test("locateNode() takes the token in place of the key, for a node that is named", async () => {
  const env = { MAELSTROM_TOKEN: "mael_t\n", MAEL_CLUSTER_KEY: "k1", MAEL_DATA_DIR: "/d" };
  const found = await (await locateNode(surroundings({ ...GIVEN, ...env }))).findKey();
  assert.deepEqual(found, { token: "mael_t", from: "MAELSTROM_TOKEN" });
  await assert.rejects(locateNode(surroundings(env, { "/d/control.sock": "" })), {
    code: "invalid",
    message: "Cannot use MAELSTROM_TOKEN: MAELSTROM_PRIVATE_URL must say which node it is for",
  });
  const odd = await locateNode(surroundings({ ...GIVEN, MAELSTROM_TOKEN: "hush" }));
  await assert.rejects(odd.findKey(), {
    code: "invalid",
    message: 'Cannot use token: MAELSTROM_TOKEN must be one word that starts with "mael_"',
  });
});
