import assert from "node:assert/strict";
import { SecretKey } from "../../../daemon/secrets/secret_key.ts";

const HEX = "0123456789abcdef".repeat(4);

/** A folder of one test's own, and the path of a key that is not there yet. */
async function place() {
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-key-" });
  return {
    folder,
    path: `${folder}/secret.key`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("SecretKey.load() makes nothing; create() makes a file for its owner only", async () => {
  await using at = await place();
  const key = await SecretKey.load("", at.path);
  const { sealer: none } = key;
  assert.equal(none, undefined);
  await assert.rejects(Deno.stat(at.path), Deno.errors.NotFound);
  await key.create();
  assert.equal((await Deno.stat(at.path)).mode! & 0o777, 0o600);
  const names = (await Array.fromAsync(Deno.readDir(at.folder))).map(({ name }) => name);
  assert.deepEqual(names, ["secret.key"]);
  const again = await SecretKey.load("", at.path);
  assert.equal(again.sealer?.keyId, key.sealer?.keyId);
});

Deno.test("SecretKey.create() at the same time makes one key", async () => {
  await using at = await place();
  const keys = await Promise.all(Array.from({ length: 8 }, () => SecretKey.load("", at.path)));
  await Promise.all(keys.map((key) => key.create()));
  assert.equal(new Set(keys.map((key) => key.sealer?.keyId)).size, 1);
});

Deno.test("SecretKey.load() reads Base64 and hex, of the setting before the file", async () => {
  await using at = await place();
  const hex = await SecretKey.load(HEX, at.path);
  const base64 = await SecretKey.load(Uint8Array.fromHex(HEX).toBase64(), at.path);
  assert.equal(hex.sealer?.keyId, base64.sealer?.keyId);
  await Deno.writeTextFile(at.path, "no key", { mode: 0o600 });
  assert.ok((await SecretKey.load(HEX, at.path)).sealer);
});

Deno.test("SecretKey.load() refuses a file that others may read", async () => {
  await using at = await place();
  await Deno.writeTextFile(at.path, HEX);
  for (const mode of [0o640, 0o604, 0o644]) {
    await Deno.chmod(at.path, mode);
    await assert.rejects(SecretKey.load("", at.path), {
      message: `Cannot use secret key "${at.path}": others may read it, mode is 0` +
        `${mode.toString(8)}; run chmod 600 ${at.path}`,
    });
  }
  await Deno.chmod(at.path, 0o400);
  assert.ok((await SecretKey.load("", at.path)).sealer);
});

Deno.test("SecretKey.load() says what a key must be and never what was found", async () => {
  await using at = await place();
  const must = "must be 32 bytes in Base64 or hex, found";
  for (const [text, found] of [["hunter2!", "neither"], ["aHVudGVyMg==", "7 bytes"]] as const) {
    const error = await SecretKey.load(text, at.path).catch((error) => error);
    assert.ok(
      error.message.startsWith(`Cannot use secret key from MAEL_SECRET_KEY: ${must} ${found}`),
    );
    assert.ok(!error.message.includes(text));
  }
  await Deno.writeTextFile(at.path, "", { mode: 0o600 });
  await assert.rejects(SecretKey.load("", at.path), /found 0 bytes/);
  await assert.rejects(SecretKey.load("", at.folder), /Cannot use secret key/);
  await assert.rejects(
    (await SecretKey.load("", `${at.folder}/absent/key`)).create(),
    /Cannot use secret key ".*absent\/key": No such file/,
  );
});
