/**
 * A program for a container that takes and gives long bodies and tells who left in the middle.
 * Stands alone.
 *
 * | Path | Does |
 * | --- | --- |
 * | `POST /take` | reads the body to its end, answers its length |
 * | `/pour?n=N` | N bytes, with their length |
 * | `/drip` | a piece every few milliseconds, for ever |
 * | `/event` | one server-sent event at once, then silence |
 * | `/left` | how many clients left inside an upload and inside a download, as JSON |
 * | `/health` | 200 |
 * @module
 */

const DRIP_EVERY_MS = 5;
const left = { uploads: 0, downloads: 0 };

async function take(request: Request): Promise<Response> {
  let count = 0;
  try {
    for await (const piece of request.body ?? []) count += piece.length;
  } catch {
    left.uploads++;
  }
  return new Response(String(count));
}

function pour(count: number): Response {
  const block = new Uint8Array(256 * 1024).fill(0x61);
  let rest = count;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (rest <= 0) return controller.close();
      controller.enqueue(block.slice(0, rest));
      rest -= Math.min(rest, block.length);
    },
    cancel: () => {
      left.downloads++;
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-length": String(count) } });
}

/** `pieces` of `text`, one every few milliseconds, and then silence until the client leaves. */
function drip(text: string, pieces: number, type: string): Response {
  const bytes = new TextEncoder().encode(text);
  let timer: ReturnType<typeof setInterval> | undefined;
  let sent = 1;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(bytes);
      if (sent >= pieces) return;
      timer = setInterval(() => {
        controller.enqueue(bytes);
        if (++sent >= pieces) clearInterval(timer);
      }, DRIP_EVERY_MS);
    },
    cancel: () => {
      clearInterval(timer);
      left.downloads++;
    },
  });
  return new Response(body, { headers: { "content-type": type } });
}

async function handle(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/take":
      return await take(request);
    case "/pour":
      return pour(Number(searchParams.get("n")));
    case "/drip":
      return drip("drop ", Infinity, "text/plain");
    case "/event":
      return drip("data: here\n\n", 1, "text/event-stream");
    case "/left":
      return Response.json(left);
    default:
      return new Response("healthy");
  }
}

if (import.meta.main) {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
  Deno.serve({ port: 8080, hostname: "0.0.0.0", onListen: () => {} }, handle);
}
