/**
 * An engine's socket that says exactly what a test tells it to, byte by byte: for failures a real
 * engine cannot be made to show.
 * @module
 */

/** What the client asked. */
export interface FakeRequest {
  readonly method: string;
  /** With version and query. */
  readonly target: string;
  readonly body: string;
  /** Resolves when the client has closed its side. */
  readonly left: Promise<void>;
}

/** Bytes to answer with, one write each; the connection closes after the last. */
export type FakeAnswers = (request: FakeRequest) => AsyncIterable<string | Uint8Array>;

/** A running fake. */
export interface FakeEngine extends AsyncDisposable {
  /** For {@linkcode DockerClient}. */
  readonly host: string;
  /** Method and target of each request so far. */
  readonly seen: readonly string[];
}

/** What the fake says to `/version`. */
export const fakeVersion = { ApiVersion: "1.41", MinAPIVersion: "1.12" };

/** Listens on a socket of its own and answers everything by `answers`. */
export async function fakeEngine(answers: FakeAnswers): Promise<FakeEngine> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/engine.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const seen: string[] = [];
  const connections = new Set<Deno.Conn>();
  const running: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.add(connection);
      running.push(serve(connection, answers, seen).finally(() => connections.delete(connection)));
    }
  })();
  return {
    host: `unix://${path}`,
    seen,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) close(connection);
      await accepting;
      await Promise.all(running);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Answers `/version` as a usable engine does and leaves the rest to `answers`. */
export function afterVersion(answers: FakeAnswers): FakeAnswers {
  return async function* (request) {
    if (request.target === "/version") yield jsonAnswer(fakeVersion);
    else yield* answers(request);
  };
}

/** A whole answer with a JSON body. */
export function jsonAnswer(value: unknown, status = 200): string {
  const body = JSON.stringify(value);
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nConnection: close\r\n` +
    `Content-Length: ${new TextEncoder().encode(body).length}\r\n\r\n${body}`;
}

/** The head of an answer whose body follows until the connection closes. */
export const streamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** `text` as one chunk of a chunked body. */
export function chunk(text: string): string {
  return `${new TextEncoder().encode(text).length.toString(16)}\r\n${text}\r\n`;
}

async function serve(connection: Deno.Conn, answers: FakeAnswers, seen: string[]): Promise<void> {
  try {
    const received = await readRequest(connection);
    if (!received) return;
    seen.push(`${received.method} ${received.target}`);
    const left = drained(connection);
    for await (const piece of answers({ ...received, left })) {
      const bytes = typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    }
  } catch (error) {
    if (!isClosed(error)) throw error;
  } finally {
    close(connection);
  }
}

async function readRequest(
  connection: Deno.Conn,
): Promise<Omit<FakeRequest, "left"> | undefined> {
  let text = "";
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const head = /^(\S+) (\S+) HTTP\/1\.1\r\n[^]*?\r\n\r\n/.exec(text);
    if (head) {
      const length = Number(/\ncontent-length: *(\d+)/i.exec(head[0])?.[1] ?? 0);
      const body = text.slice(head[0].length);
      // Through a proxy, which a unix socket is to fetch, the target is a whole URL.
      const target = head[2]?.replace(/^http:\/\/[^/]*/, "") ?? "";
      if (body.length >= length) return { method: head[1] ?? "", target, body };
    }
    const count = await connection.read(buffer);
    if (count === null) return undefined;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

async function drained(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await connection.read(buffer) !== null);
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.Interrupted;
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
}
