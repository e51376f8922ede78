import assert from "node:assert/strict";
import { NamedValues } from "../../../daemon/secrets/named_values.ts";
import { SecretKey } from "../../../daemon/secrets/secret_key.ts";
import { createLog } from "../../../lib/log.ts";
import { Sealer } from "../../../lib/secrets/sealer.ts";

const KEY = new Uint8Array(32).fill(1);
const ours = new Sealer(KEY);
const other = new Sealer(new Uint8Array(32).fill(2));

/** The values of a node whose key is `text`; where others are sealed, `sealed` are. */
async function setUp(
  { text = KEY.toBase64(), path = "/data/secret.key", sealed = [] as string[] } = {},
) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  const log = createLog({ level: "debug", format: "json", write });
  const named = new NamedValues(await SecretKey.load(text, path), log, () => sealed);
  return { named, lines };
}

function secret(name: string, text: string, sealer: Sealer = ours) {
  return { name, secret: true, value: sealer.seal(name, text) };
}

const plain = { name: "HOST", secret: false, value: "db" };

Deno.test("NamedValues.resolve() puts values in, secret or not", async () => {
  const { named, lines } = await setUp();
  named.use([plain, secret("PASS", "hunter2")]);
  assert.equal(
    named.resolve("x://u:${cfg:PASS}@${cfg:HOST} $${cfg:HOST}"),
    "x://u:hunter2@db ${cfg:HOST}",
  );
  assert.throws(() => named.resolve("${cfg:GONE}"), { message: 'there is no value "GONE"' });
  assert.deepEqual(lines, []);
});

Deno.test("NamedValues.redact() takes out secrets, also those replaced and removed", async () => {
  const { named } = await setUp();
  const text = "db hunter2 swordfish";
  assert.equal(named.redact(text), text);
  named.use([plain, secret("PASS", "hunter2")]);
  assert.equal(named.redact(text), "db *** swordfish");
  named.use([plain, secret("PASS", "swordfish")]);
  assert.equal(named.redact(text), "db *** ***");
  named.use([]);
  assert.equal(named.redact(text), "db *** ***");
});

Deno.test("NamedValues says which key is missing, once, and serves the other values", async () => {
  const { named, lines } = await setUp();
  const values = [plain, secret("PASS", "hunter2", other)];
  named.use(values);
  named.use(values);
  const message =
    `cannot open secret "PASS": it is sealed with key ${other.keyId}, this node has ` +
    `${ours.keyId}; copy that key to /data/secret.key and restart the daemon`;
  assert.deepEqual(lines.map(({ error }) => error), [message]);
  assert.throws(() => named.resolve("${cfg:PASS}"), { code: "start_failed", message });
  assert.equal(named.resolve("${cfg:HOST}"), "db");
  assert.equal(named.says(values[1]!, "hunter2"), false);
});

Deno.test("NamedValues tells a damaged secret from one of another key", async () => {
  const { named } = await setUp();
  const { value } = secret("OTHER", "hunter2");
  named.use([{ name: "PASS", secret: true, value }]);
  assert.throws(() => named.resolve("${cfg:PASS}"), {
    message: 'cannot open secret "PASS": its sealed text is damaged; put it again',
  });
});

Deno.test("NamedValues.prepareSealing() makes no key where secrets are sealed with another", async () => {
  const put = { name: "NEW", value: "x", secret: true };
  const sealed = [secret("PASS", "hunter2", other).value];
  const { named } = await setUp({ text: "", path: "/nowhere/secret.key", sealed });
  await named.prepareSealing([{ name: "PLAIN", value: "x" }]);
  await assert.rejects(named.prepareSealing([put]), (error: Error) => {
    assert.match(error.message, new RegExp(`sealed with key ${other.keyId}, this node has none`));
    assert.match(error.message, /or make a new one there and put every secret again$/);
    return true;
  });
});
