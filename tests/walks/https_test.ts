/** All doors of one node with a certificate, each opened by its own program. */
import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";
import { freePorts } from "../support/ports.ts";
import { makePair, TestDirectory } from "../support/tls/certificates.ts";
import { run } from "../support/tls/door.ts";

Deno.test("walk: with a certificate HTTPS serves, and so do HTTP, the private door and the stop", async () => {
  await using directory = await TestDirectory.make();
  const { certFile, keyFile } = await makePair(directory.path, "shop", ["DNS:shop.test"]);
  const [port] = freePorts(1) as [number];
  await using node = await TestNode.start({
    env: {
      MAEL_PUBLIC_HTTPS_PORT: String(port),
      MAEL_TLS_CERT_FILE: certFile,
      MAEL_TLS_KEY_FILE: keyFile,
    },
  });
  await node.putSample("hello");
  const https = (version: string, path: string) =>
    run(
      "curl",
      ...["-s", version, "--cacert", certFile, "--resolve", `shop.test:${port}:127.0.0.1`],
      `https://shop.test:${port}${path}`,
    );
  for (const version of ["--http1.1", "--http2"]) {
    const headers = JSON.parse(await https(version, "/hello/headers"));
    assert.equal(headers["x-forwarded-proto"], "https", version);
    assert.equal(headers["x-forwarded-host"] ?? headers.host, `shop.test:${port}`, version);
  }
  const plain = await fetch(`${node.url}/hello/headers`);
  assert.equal((await plain.json())["x-forwarded-proto"], "http");
  const named = await fetch(`http://127.0.0.1:${node.privatePort}/health`, {
    headers: { "maelstrom-component": "hello" },
  });
  assert.equal(await named.text(), "healthy\n");
  assert.equal(await https("--http1.1", "/_mael_health_check"), "OK");
  assert.equal(await node.stop(), 0);
});
