import assert from "node:assert/strict";
import { refuseMisdirected, SecureDoor } from "../../../daemon/gateway/secure_door.ts";
import { silentLog } from "../../../lib/log.ts";
import { makePair, TestDirectory } from "../../support/tls/certificates.ts";
import { Door, run, tellingHandler } from "../../support/tls/door.ts";

const options = { addresses: ["127.0.0.1"], port: 0, idleMs: 1000, log: silentLog };

Deno.test("SecureDoor.open() wants as many keys as certificates", async () => {
  const open = SecureDoor.open({ ...options, certFiles: ["a.crt", "b.crt"], keyFiles: ["a.key"] });
  await assert.rejects(open, { code: "invalid", message: /as many files, found 2 and 1$/ });
});

Deno.test("SecureDoor.open() names the port that is taken", async () => {
  await using directory = await TestDirectory.make();
  const { certFile, keyFile } = await makePair(directory.path, "a", ["DNS:a.test"]);
  const files = { certFiles: [certFile], keyFiles: [keyFile] };
  await using door = await SecureDoor.open({ ...options, ...files });
  const { port } = door.listeners[0]!.addr;
  await assert.rejects(SecureDoor.open({ ...options, ...files, port }), {
    code: "invalid",
    message: new RegExp(`127.0.0.1:${port}: another program .*--public-https-port`),
  });
});

Deno.test("refuseMisdirected() answers 421 for a host the certificate does not cover", async () => {
  const handler = refuseMisdirected(
    tellingHandler,
    (status, message) => ({ status, headers: [], body: message }),
  );
  await using door = await Door.open(1, { handler });
  const url = `https://localhost:${door.port}/`;
  for (const version of ["--http1.1", "--http2"]) {
    const ask = (host: string) =>
      run(
        "curl",
        "-sk",
        version,
        "-H",
        `Host: ${host}`,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        url,
      );
    assert.equal(await ask("localhost"), "200");
    assert.equal(await ask("a.test"), "200");
    assert.equal(await ask("x.b.test"), "421");
  }
});
