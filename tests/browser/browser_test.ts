/** What a page in a real browser sees of components behind a node. */
import assert from "node:assert/strict";
import { chromium, type Page } from "playwright-core";
import { chromiumFlags, findChromium } from "../support/chromium.ts";
import { TestNode } from "../support/node.ts";

const executablePath = await findChromium();
if (!executablePath) {
  console.log("skipped: no Chromium found (deno task setup installs it as root)");
}

/** A page of component `front`, which is running; every other component is not. */
async function withPage(work: (page: Page, node: TestNode) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(await TestNode.start());
  await node.putSample("front");
  const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] });
  stack.defer(() => browser.close());
  const page = await browser.newPage();
  const response = await page.goto(`${node.url}/front/`);
  assert.equal(response?.status(), 200);
  await work(page, node);
}

function browserTest(name: string, work: (page: Page, node: TestNode) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !executablePath,
    // The driver keeps a process and pipes of its own, which end a moment after the browser.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => withPage(work),
  });
}

browserTest("a page's WebSocket opens across a cold start and echoes", async (page, node) => {
  await node.putSample("hello");
  const seen = await page.evaluate(async () => {
    const socket = new WebSocket(`ws://${location.host}/hello/ws`);
    socket.binaryType = "arraybuffer";
    const next = (type: "open" | "message" | "close") =>
      new Promise<Event>((resolve, reject) => {
        socket.addEventListener(type, resolve, { once: true });
        socket.addEventListener("error", () => reject(new Error("socket error")), { once: true });
      });
    await next("open");
    socket.send("grüß dich");
    const text = (await next("message") as MessageEvent).data;
    const bytes = new Uint8Array(300_000).map((_, i) => (i * 31) % 251);
    socket.send(bytes);
    const back = new Uint8Array((await next("message") as MessageEvent).data);
    const same = back.length === bytes.length && back.every((byte, i) => byte === bytes[i]);
    const closing = next("close");
    socket.close(4002, "done");
    const { code, reason, wasClean } = await closing as CloseEvent;
    return { text, same, code, reason, wasClean };
  });
  assert.deepEqual(seen, {
    text: "grüß dich",
    same: true,
    code: 4002,
    reason: seen.reason,
    wasClean: true,
  });
  assert.equal((await node.containers()).length, 2);
});

browserTest(
  "a page's WebSocket hears the code with which its instance stops",
  async (page, node) => {
    await node.putSample("hello");
    const closing = await page.evaluateHandle(async () => {
      const socket = new WebSocket(`ws://${location.host}/hello/ws`);
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      const code = new Promise((resolve) =>
        socket.addEventListener("close", ({ code }) => resolve(code))
      );
      return { code };
    });
    const [container] = (await node.containers()).filter((name) => name.includes("hello"));
    const signal = AbortSignal.timeout(20_000);
    await node.docker.stopContainer(container!, { graceSeconds: 5, signal });
    const code = await closing.evaluate(({ code }) => code);
    assert.equal(code, 1001);
  },
);

browserTest(
  "a page's EventSource gets events one by one across a cold start",
  async (page, node) => {
    await node.putSample("hello");
    const pieces = 5;
    const everyMs = 150;
    const seen = await page.evaluate(async ({ pieces, everyMs }) => {
      const source = new EventSource(`/hello/stream?pieces=${pieces}&everyMs=${everyMs}`);
      const events: { data: string; id: string; atMs: number }[] = [];
      await new Promise<void>((resolve) => {
        source.onmessage = ({ data, lastEventId }) => {
          events.push({ data, id: lastEventId, atMs: performance.now() });
          if (events.length === pieces) resolve();
        };
      });
      source.close();
      return events;
    }, { pieces, everyMs });
    assert.deepEqual(
      seen.map(({ data, id }) => ({ data, id })),
      Array.from({ length: pieces }, (_, i) => ({ data: `piece ${i}`, id: String(i) })),
    );
    // Were they held back, they would arrive together.
    const spread = seen.at(-1)!.atMs - seen[0]!.atMs;
    assert.ok(spread > everyMs * (pieces - 1) / 2, `all within ${spread} ms`);
  },
);
