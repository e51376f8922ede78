/**
 * The sample component: a small web application that shows what an instance sees and can be told
 * to misbehave. Stands alone, since it is the only source file inside its image.
 *
 * | Path | Does |
 * | --- | --- |
 * | `/` | says hello, with component, version, container and request count |
 * | `/whoami` | the same as JSON |
 * | `/count` | requests so far |
 * | `/listening` | when it began to listen, in milliseconds since 1970 |
 * | `/sleep?ms=N`, `/sleep?seconds=N` | answers after a while |
 * | `/status?code=N`, `/fail` | answers with that status; 500 |
 * | `/env?name=X`, `/headers` | a variable; the request's headers as JSON |
 * | `/echo` | streams the request's body back |
 * | `/stream?pieces=N&everyMs=M` | server-sent events |
 * | `/ws` | echoes WebSocket messages |
 * | `/bytes?n=N` | N bytes |
 * | `/log?text=X` | prints a line |
 * | `/exit?code=N` | ends the process |
 * | `/health`, `/health?set=down`, `/health?set=up` | 200 or 503; sets which |
 *
 * `APP_START_DELAY_MS` delays listening, `APP_EXIT_AT_START=CODE` ends at once, `APP_NEVER_HEALTHY`
 * makes `/` and `/health` answer 503.
 * @module
 */

type Page = (request: Request, query: URLSearchParams) => Response | Promise<Response>;

const PORT = 8080;
const stop = new AbortController();
let requests = 0;
const neverHealthy = Boolean(Deno.env.get("APP_NEVER_HEALTHY"));
let healthy = true;
let listeningAtMs = 0;

const pages: Readonly<Record<string, Page>> = {
  "/": () => {
    const { component, version, hostname } = whoami();
    const hello = `hello from ${component} version ${version}`;
    return text(`${hello}, container ${hostname}, request ${requests}`, neverHealthy ? 503 : 200);
  },
  "/whoami": () => Response.json(whoami()),
  "/count": () => text(String(requests)),
  "/listening": () => text(String(listeningAtMs)),
  "/sleep": async (request, query) => {
    const ms = number(query, "ms", number(query, "seconds", 0) * 1000);
    await sleep(ms, request.signal);
    return text(`slept ${ms} ms`);
  },
  "/status": (_request, query) => {
    const code = number(query, "code", 200);
    const bodiless = code === 204 || code === 205 || code === 304;
    return new Response(bodiless ? null : `status ${code}\n`, { status: code });
  },
  "/fail": () => text("failed as asked", 500),
  "/env": (_request, query) => {
    const value = Deno.env.get(query.get("name") || "HOSTNAME");
    return value === undefined ? text("not set", 404) : text(value);
  },
  "/headers": ({ headers }) => Response.json(Object.fromEntries(headers)),
  "/echo": ({ headers, body }) =>
    new Response(body, {
      headers: { "content-type": headers.get("content-type") ?? "application/octet-stream" },
    }),
  "/stream": (request, query) =>
    new Response(
      eventStream(number(query, "pieces", 3), number(query, "everyMs", 100), request.signal),
      { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } },
    ),
  "/ws": (request) => {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return text("expected a WebSocket", 426);
    }
    return echoSocket(request);
  },
  "/bytes": (_request, query) =>
    new Response(byteStream(number(query, "n", 1024)), {
      headers: { "content-type": "application/octet-stream" },
    }),
  "/log": (_request, query) => {
    console.log(query.get("text") ?? "");
    return text("logged");
  },
  "/exit": (_request, query) => Deno.exit(number(query, "code", 0)),
  "/health": (_request, query) => {
    const set = query.get("set");
    if (set) healthy = set !== "down";
    const up = healthy && !neverHealthy;
    return text(up ? "healthy" : "down", up || set ? 200 : 503);
  },
};

async function handle(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  // The node asks for it again and again; what people count is their own requests.
  if (pathname !== "/health") requests++;
  const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
  return page ? await page(request, searchParams) : text("no such page", 404);
}

function whoami() {
  return {
    component: Deno.env.get("MAELSTROM_COMPONENT_NAME") ?? "sample",
    version: Number(Deno.env.get("MAELSTROM_COMPONENT_VERSION") ?? 0),
    hostname: Deno.hostname(),
    requests,
  };
}

function text(body: string, status = 200): Response {
  return new Response(`${body}\n`, { status });
}

function number(query: URLSearchParams, name: string, otherwise: number): number {
  const value = Number(query.get(name) ?? otherwise);
  return Number.isFinite(value) && value >= 0 ? value : otherwise;
}

/** Resolves after `ms`, or at once when nobody waits any more. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}

function eventStream(
  pieces: number,
  everyMs: number,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const ended = AbortSignal.any([signal, stop.signal]);
  let sent = 0;
  return new ReadableStream<string>({
    async pull(controller) {
      if (sent > 0) await sleep(everyMs, ended);
      if (sent >= pieces || ended.aborted) return controller.close();
      controller.enqueue(`id: ${sent}\ndata: piece ${sent}\n\n`);
      sent++;
    },
  }, { highWaterMark: 0 }).pipeThrough(new TextEncoderStream());
}

function byteStream(count: number): ReadableStream<Uint8Array> {
  const block = new Uint8Array(64 * 1024).fill(0x61);
  let left = count;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left <= 0) return controller.close();
      // A copy: what is enqueued is no longer ours.
      controller.enqueue(block.slice(0, left));
      left -= Math.min(left, block.length);
    },
  }, { highWaterMark: 0 });
}

function echoSocket(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  const goAway = () => socket.close(1001, "stopping");
  stop.signal.addEventListener("abort", goAway);
  socket.onmessage = ({ data }) => socket.send(data);
  socket.onclose = () => stop.signal.removeEventListener("abort", goAway);
  return response;
}

async function main(): Promise<void> {
  const exitCode = Deno.env.get("APP_EXIT_AT_START");
  if (exitCode) {
    console.error(`ends at once with code ${exitCode}`);
    Deno.exit(Number(exitCode));
  }
  // As the first process of a container nothing but a listener of its own reacts to a signal.
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  await sleep(Number(Deno.env.get("APP_START_DELAY_MS") ?? 0), stop.signal);
  if (stop.signal.aborted) Deno.exit(0);
  const server = Deno.serve({
    port: PORT,
    hostname: "0.0.0.0",
    onListen: ({ port }) => {
      listeningAtMs = Date.now();
      console.log(`listening on ${port}`);
    },
  }, handle);
  await aborted(stop.signal);
  await server.shutdown();
  Deno.exit(0);
}

await main();
