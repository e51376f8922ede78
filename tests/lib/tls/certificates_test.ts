import assert from "node:assert/strict";
import { CertificateSet, covers, readCertificate } from "../../../lib/tls/certificates.ts";
import { makePair, TestDirectory, type TestPair } from "../../support/tls/certificates.ts";

const read = async ({ certFile, keyFile }: TestPair) => ({
  cert: await Deno.readTextFile(certFile),
  key: await Deno.readTextFile(keyFile),
});

for (
  const { names, host, want } of [
    { names: ["a.test"], host: "a.test", want: true },
    { names: ["a.test"], host: "b.a.test", want: false },
    { names: ["*.a.test"], host: "b.a.test", want: true },
    { names: ["*.a.test"], host: "a.test", want: false },
    { names: ["*.a.test"], host: "c.b.a.test", want: false },
    { names: ["*.a.test"], host: ".a.test", want: false },
    { names: ["*"], host: "test", want: false },
    { names: ["127.0.0.1"], host: "127.0.0.1", want: true },
    { names: [], host: "", want: false },
  ]
) {
  Deno.test(`covers() of [${names}] for "${host}" is ${want}`, () => {
    assert.equal(covers(names, host), want);
  });
}

Deno.test("readCertificate() names the file and what is wrong with it", async () => {
  await using directory = await TestDirectory.make();
  const [a, b] = await Promise.all([
    makePair(directory.path, "a.test", ["DNS:a.test"]).then(read),
    makePair(directory.path, "b.test", ["DNS:b.test"]).then(read),
  ]);
  const cases = [
    { pair: { cert: a.cert, key: b.key }, found: /"x.crt": its key belongs to another/ },
    { pair: { cert: "junk", key: a.key }, found: /"x.crt": not a PEM certificate/ },
    { pair: { cert: a.cert, key: "junk" }, found: /"x.crt": its key is not a PEM private key/ },
    { pair: { cert: "", key: "" }, found: /"x.crt": not a PEM certificate/ },
  ];
  for (const { pair, found } of cases) {
    assert.throws(() => readCertificate(pair, "x.crt"), { code: "invalid", message: found });
  }
});

Deno.test("readCertificate() takes the common name only when there is no other", async () => {
  await using directory = await TestDirectory.make();
  const [bare, full] = await Promise.all([
    makePair(directory.path, "Bare.test", []).then(read),
    makePair(directory.path, "cn.test", ["DNS:A.test", "IP:10.0.0.1"]).then(read),
  ]);
  assert.deepEqual(readCertificate(bare, "x").names, ["bare.test"]);
  assert.deepEqual(readCertificate(full, "x").names, ["a.test", "10.0.0.1"]);
});

Deno.test("CertificateSet.choose() prefers the name, then a wildcard, then the first", async () => {
  await using directory = await TestDirectory.make();
  const pairs = await Promise.all([
    makePair(directory.path, "first", ["DNS:a.test"]).then(read),
    makePair(directory.path, "wild", ["DNS:*.b.test", "DNS:a.test"]).then(read),
    makePair(directory.path, "exact", ["DNS:x.b.test"]).then(read),
  ]);
  const [first, wild, exact] = pairs.map((pair, i) => readCertificate(pair, String(i)));
  const set = new CertificateSet([first!, wild!, exact!]);
  assert.equal(set.choose("a.test"), first);
  assert.equal(set.choose("y.b.test"), wild);
  assert.equal(set.choose("x.b.test"), exact);
  assert.equal(set.choose("z.y.b.test"), first);
  assert.equal(set.choose(""), first);
});
