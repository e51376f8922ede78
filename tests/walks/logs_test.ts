import assert from "node:assert/strict";
import type { LogEntry, LogRecord } from "../../lib/contract/logs.ts";
import { EXECUTABLE } from "../support/executable.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 60_000;
/** Pause of a following reader after which its lines are dropped. */
const STALL_MS = 5_000;
/** Of 1,000 characters each: more than all sockets and buffers on the way can hold. */
const FLOOD_LINES = 20_000;
/** A fraction of what passes by; the rest is room for the collector of garbage. */
const GROWN_MIB_MAX = 48;

/** A `logs -f --json` that runs until it is disposed. */
class Follower implements AsyncDisposable {
  readonly entries: LogEntry[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #waiting = new Set<() => void>();

  constructor(node: TestNode, ...args: readonly string[]) {
    this.#process = new Deno.Command(EXECUTABLE, {
      args: ["logs", "--json", "-f", ...args],
      env: node.env(),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#reading = this.#read();
  }

  /** Resolves with the first line for which `match` holds. */
  async seen(match: (record: LogRecord) => boolean): Promise<LogRecord> {
    const signal = AbortSignal.timeout(LIMIT_MS);
    for (;;) {
      const found = this.entries.find((entry) => "line" in entry && match(entry));
      if (found) return found as LogRecord;
      if (signal.aborted) throw new Error(`not seen: ${JSON.stringify(this.entries.slice(-5))}`);
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener("abort", done);
          this.#waiting.delete(done);
          resolve();
        };
        signal.addEventListener("abort", done);
        this.#waiting.add(done);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGINT");
    await this.#reading;
    assert.equal((await this.#process.status).code, 130);
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.entries.push(JSON.parse(line));
      for (const done of [...this.#waiting]) done();
    }
  }
}

async function get(url: string): Promise<string> {
  const response = await fetch(url);
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return body;
}

/** The node's stream of logs as a remote caller asks for it, at the private port. */
async function remote(node: TestNode, query: string, signal: AbortSignal): Promise<Response> {
  const create = ["token", "create", `reader-${crypto.randomUUID()}`, "--scope", "read"];
  const token = (await node.run(create)).trim();
  const url = `http://127.0.0.1:${node.privatePort}/_mael/logs?${query}`;
  return await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
}

/** Descriptors the daemon has open. */
function descriptors(node: TestNode): number {
  return Array.from(Deno.readDirSync(`/proc/${node.pid}/fd`)).length;
}

Deno.test("walk: logs follows through a new version, a restart of the node, and an instance's end", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", {}, { RestartOrder: "startstop" });
  await using follower = new Follower(node, "hello");
  await get(`${node.url}/hello/log?text=first`);
  const first = await follower.seen(({ line }) => line.includes("first"));
  assert.equal(first.component, "hello");
  assert.equal(first.version, 1);
  assert.match(first.instance, /^maelstrom-hello-/);

  await node.putSample("hello", {}, { RestartOrder: "startstop" });
  await node.seen((line) => line.message === "instance serves" && line.version === 2);
  await get(`${node.url}/hello/log?text=second`);
  const second = await follower.seen(({ line }) => line.includes("second"));
  assert.equal(second.version, 2);
  assert.notEqual(second.instance, first.instance);

  assert.equal(await node.stop(), 0);
  await node.start();
  await get(`${node.url}/hello/log?text=third`);
  const third = await follower.seen(({ line }) => line.includes("third"));
  assert.equal(third.instance, second.instance);
});

Deno.test("walk: logs shows what was there, each output to its own, of the components asked for", async () => {
  await using node = await TestNode.start();
  for (const name of ["mine", "theirs"]) {
    await putTalker(node, name);
    await get(`${node.url}/${name}/say?text=${name}-out`);
    await get(`${node.url}/${name}/say?text=${name}-err&to=stderr`);
    await get(`${node.url}/${name}/say?text=x&times=100000&end=${name}-long`);
  }
  const { code, stdout, stderr } = await node.cli(["logs", "--since", "1h"]);
  assert.equal(code, 0);
  for (const name of ["mine", "theirs"]) {
    assert.match(stdout, new RegExp(`^\\[${name}/[0-9a-f]{8}\\]\\t${name}-out$`, "m"));
    assert.match(stderr, new RegExp(`^\\[${name}/[0-9a-f]{8}\\]\\t${name}-err$`, "m"));
  }
  const json = await node.run(["logs", "--components", "mi*", "--json"]);
  const records: LogRecord[] = json.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([...new Set(records.map(({ component }) => component))], ["mine"]);
  for (const { at } of records) assert.ok(Math.abs(at! - Date.now()) < LIMIT_MS, "just now");
  // A line longer than 64 Ki comes in pieces, none of it lost.
  const long = records.filter(({ line }) => line.startsWith("xxx"));
  assert.equal(long.map(({ line }) => line).join(""), `${"x".repeat(100_000)}mine-long`);
  assert.equal((await node.cli(["logs", "min"])).code, 3);
  assert.equal(await node.run(["logs", "--since", "0s"]), "");
});

Deno.test("walk: logs of a reader that stops reading does not make the node grow, and tells it", async () => {
  await using node = await TestNode.start();
  await putTalker(node, "loud");
  await get(`${node.url}/loud/say?text=first`);
  const leave = new AbortController();
  const response = await remote(node, "follow=true&since=1h", leave.signal);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value ?? "", /first/);
  const flood = () => get(`${node.url}/loud/say?text=x&times=1000&lines=${FLOOD_LINES}`);
  await flood();
  // For so long a reader may pause before anything is dropped.
  await new Promise((resolve) => setTimeout(resolve, STALL_MS + 500));
  await flood();
  const beforeKiB = rssKiB(node);
  for (let i = 0; i < 2; i++) await flood();
  const grownMiB = (rssKiB(node) - beforeKiB) / 1024;
  const lines = 4 * FLOOD_LINES;
  let got = 0;
  let dropped = 0;
  let rest = "";
  while (got + dropped < lines) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts.filter((part) => part !== "")) {
      const entry: LogEntry = JSON.parse(part);
      if ("dropped" in entry) dropped += entry.dropped;
      else got += 1;
    }
  }
  console.log(`grown by ${grownMiB.toFixed(0)} MiB; of ${lines} lines ${dropped} dropped`);
  assert.equal(got + dropped, lines);
  assert.ok(dropped > 0, "nothing was dropped");
  assert.ok(grownMiB < GROWN_MIB_MAX, `grown by ${grownMiB} MiB`);
  leave.abort();
});

Deno.test("walk: a reader of logs that leaves ends the streams behind it", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", {}, { minInstances: 2 });
  await node.hasContainers(2);
  await node.seen((line) => line.message === "instance serves");
  const before = descriptors(node);
  for (let round = 0; round < 5; round++) {
    const leave = new AbortController();
    const responses = await Promise.all(
      Array.from({ length: 6 }, (_, i) => remote(node, i % 2 ? "follow=true" : "", leave.signal)),
    );
    for (const response of responses) {
      const reader = response.body!.getReader();
      await reader.read();
      reader.releaseLock();
    }
    assert.ok(descriptors(node) >= before + 12, "the streams are open");
    leave.abort();
  }
  const limit = AbortSignal.timeout(LIMIT_MS);
  // The pool behind the private port may keep what it needed at the same time.
  while (descriptors(node) > before + 6) {
    if (limit.aborted) throw new Error(`${descriptors(node)} descriptors, ${before} before`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

Deno.test("walk: a node with readers of its logs stops at once", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  await get(`${node.url}/hello/`);
  const responses = await Promise.all(
    ["", "follow=true"].map((query) => remote(node, query, AbortSignal.timeout(LIMIT_MS))),
  );
  const bodies = responses.map((response) => response.body!.pipeThrough(new TextDecoderStream()));
  const readers = bodies.map((body) => body.getReader());
  const first = await Promise.all(readers.map((reader) => reader.read()));
  const begun = performance.now();
  assert.equal(await node.stop(), 0);
  assert.ok(performance.now() - begun < 5_000);
  assert.match(first[0]?.value ?? "", /^\{"Component":"hello","Stream":"stdout",.*\}\r\n$/);
  assert.match(first[1]?.value ?? "", /"line":"listening on 8080"\}\n$/);
  for (const reader of readers) {
    while (!(await reader.read()).done);
  }
});

/** Says what it is told to: `text`, `times` over, then `end`, to an output; the same `lines` times. */
const TALKER = `
Deno.serve({ port: 8080 }, async ({ url }) => {
  const { pathname, searchParams: query } = new URL(url);
  if (pathname === "/say") {
    const text = (query.get("text") ?? "").repeat(Number(query.get("times") ?? 1));
    const bytes = new TextEncoder().encode(text + (query.get("end") ?? "") + "\\n");
    const out = query.get("to") === "stderr" ? Deno.stderr : Deno.stdout;
    for (let line = 0; line < Number(query.get("lines") ?? 1); line++) {
      for (let at = 0; at < bytes.length;) at += await out.write(bytes.subarray(at));
    }
  }
  return new Response("said");
});`;

async function putTalker(node: TestNode, name: string): Promise<void> {
  await node.putSample(name, { command: ["/bin/deno", "eval", TALKER] });
}

function rssKiB(node: TestNode): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${node.pid}/status`))?.[1]);
}
