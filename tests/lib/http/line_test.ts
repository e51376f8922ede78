/**
 * The short way to the bytes of a connection behaves like the runtime's own methods.
 * @module
 */
import assert from "node:assert/strict";
import { transportOf } from "../../../lib/http/line.ts";
import { ScriptedConn } from "../../wire/scripted.ts";

/** Both ends of a connection over loopback. */
async function pair(): Promise<[Deno.Conn, Deno.Conn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await Promise.all([Deno.connect({ port: listener.addr.port }), listener.accept()]);
}

Deno.test("transportOf() has the short way in this runtime, for both ends and for unix sockets", async () => {
  const [client, server] = await pair();
  using _client = client;
  using _server = server;
  assert.notEqual(transportOf(client), client);
  assert.notEqual(transportOf(server), server);
  const path = `${await Deno.makeTempDir()}/socket`;
  using listener = Deno.listen({ transport: "unix", path });
  using unix = await Deno.connect({ transport: "unix", path });
  using accepted = await listener.accept();
  assert.notEqual(transportOf(unix), unix);
  await transportOf(unix).write(new Uint8Array([7]));
  assert.equal(await transportOf(accepted).read(new Uint8Array(9)), 1);
});

Deno.test("transportOf() brings bytes, then the end", async () => {
  const [client, server] = await pair();
  using _client = client;
  using _server = server;
  const [to, from] = [transportOf(client), transportOf(server)];
  assert.equal(await to.write(new Uint8Array([1, 2, 3])), 3);
  const bytes = new Uint8Array(9);
  assert.equal(await from.read(bytes), 3);
  assert.deepEqual([...bytes.subarray(0, 4)], [1, 2, 3, 0]);
  await client.closeWrite();
  assert.ok(!await from.read(bytes));
});

Deno.test("transportOf() ends with its connection, what is under way too", async () => {
  const [client, server] = await pair();
  using _server = server;
  const transport = transportOf(client);
  const reading = assert.rejects(transport.read(new Uint8Array(9)));
  client.close();
  await reading;
  await assert.rejects(transport.read(new Uint8Array(9)), Deno.errors.BadResource);
  await assert.rejects(transport.write(new Uint8Array(9)), Deno.errors.BadResource);
});

Deno.test("transportOf() gives a line that is no resource as it is", () => {
  const conn = new ScriptedConn({ pieces: [], ends: true });
  assert.equal(transportOf(conn), conn);
});
