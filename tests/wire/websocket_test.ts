import assert from "node:assert/strict";
import { within } from "../support/http/raw.ts";
import { TestNode } from "../support/node.ts";
import { openSocket, type Socket } from "./websocket_client.ts";

const DRAIN_SECONDS = 3;
/** Longer than the idle timeout of the component under test, in milliseconds. */
const QUIET_MS = 3_500;

/** What a socket says, one message after the other. */
class Client implements Disposable {
  readonly socket: Socket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #messages: { data: Uint8Array; binary: boolean }[] = [];
  #wake: () => void = () => {};

  private constructor(url: string) {
    this.socket = openSocket(url);
    this.socket.on("message", (data, binary) => {
      this.#messages.push({ data, binary });
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      this.socket.on(
        "close",
        (code, reason) => resolve({ code, reason: new TextDecoder().decode(reason) }),
      )
    );
    // What went wrong is told by the close that follows, or by the open that does not.
    this.socket.on("error", () => {});
  }

  static async open(url: string): Promise<Client> {
    const client = new Client(url);
    await within(
      new Promise<void>((resolve, reject) => {
        client.socket.on("open", resolve);
        client.socket.on("error", reject);
      }),
      "the socket to open",
    );
    return client;
  }

  /** Sends and gives the next message. */
  async echo(data: string | Uint8Array): Promise<{ data: Uint8Array; binary: boolean }> {
    this.socket.send(data);
    const arrived = async () => {
      while (this.#messages.length === 0) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      return this.#messages.shift()!;
    };
    return await within(arrived(), "the echo");
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

Deno.test("a WebSocket goes through a node, across a cold start", async (t) => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  assert.deepEqual(await node.containers(), []);
  using client = await Client.open(`${node.url}/hello/ws`);

  await t.step("text comes back", async () => {
    const { data, binary } = await client.echo("grüß dich");
    assert.deepEqual([text(data), binary], ["grüß dich", false]);
  });
  await t.step("300 KB of bytes come back as they were", async () => {
    const sent = crypto.getRandomValues(new Uint8Array(60_000));
    const bytes = new Uint8Array(300_000).map((_, i) => sent[i % sent.length]!);
    const { data, binary } = await client.echo(bytes);
    assert.ok(binary && data.length === bytes.length);
    assert.ok(bytes.every((byte, i) => data[i] === byte));
  });
  await t.step("a ping is answered by the instance", async () => {
    const pong = new Promise<string>((resolve) =>
      client.socket.on("pong", (data) => resolve(text(data)))
    );
    client.socket.ping("are you there");
    assert.equal(await within(pong, "the pong"), "are you there");
  });
  await t.step("the client's close code goes there and back", async () => {
    client.socket.close(4001, "bye");
    assert.equal((await within(client.closed, "the close")).code, 4001);
  });
  await t.step("what is no upgrade is answered as any request", async () => {
    const refused = openSocket(`${node.url}/hello/status?code=403`);
    const status = new Promise((resolve) =>
      refused.on("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response.statusCode);
      })
    );
    refused.on("error", () => {});
    assert.equal(await within(status, "the answer"), 403);
    refused.terminate();
  });
});

Deno.test("an open WebSocket keeps its idle instance, and lets it go when it closes", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", { idleTimeoutSeconds: 1 });
  using client = await Client.open(`${node.url}/hello/ws`);
  const [container] = await node.hasContainers(1);
  // Time itself is what is tested: nothing at all happens on the socket.
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  assert.deepEqual(await node.containers(), [container]);
  assert.equal(text((await client.echo("still here")).data), "still here");
  client.socket.close(1000);
  assert.equal((await within(client.closed, "the close")).code, 1000);
  await node.seen(({ message }) => message === "stopping instance");
  await node.hasContainers(0);
});

Deno.test("a WebSocket of a replaced instance is kept for the drain time, then closed", async () => {
  await using node = await TestNode.start({ env: { MAEL_DRAIN_SECONDS: String(DRAIN_SECONDS) } });
  const startFirst = { RestartOrder: "startstop" };
  await node.putSample("hello", {}, startFirst);
  using client = await Client.open(`${node.url}/hello/ws`);
  await node.putSample("hello", {}, startFirst);
  await node.seen(({ message }) => message === "stopping instance");
  const stoppingAt = performance.now();
  const { version } = await (await fetch(`${node.url}/hello/whoami`)).json();
  assert.equal(version, 2, "new requests go to the new version");
  assert.equal(text((await client.echo("still here")).data), "still here");
  const { code } = await within(client.closed, "the close");
  const keptMs = performance.now() - stoppingAt;
  assert.ok(keptMs > DRAIN_SECONDS * 1000 - 500, `kept for ${keptMs} ms only`);
  assert.ok([1001, 1006].includes(code), `closed with ${code}`);
  await node.hasContainers(1);
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
