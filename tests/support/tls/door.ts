/** The TLS door on a port of loopback, with the engine behind it, for tests. @module */
import { createLog } from "../../../lib/log.ts";
import type { Exchange, ForwardResult, Handler } from "../../../lib/http/exchange.ts";
import type { HttpLimits } from "../../../lib/http/limits.ts";
import { type HttpServer, serveHttp } from "../../../lib/http/server.ts";
import { Upstream } from "../../../lib/http/upstream.ts";
import { type TlsLimits, TlsListener } from "../../../lib/tls/tls_listener.ts";
import { within } from "../http/raw.ts";
import { testCertificates, TestDirectory } from "./certificates.ts";

/** What a test may set of the door. */
export interface DoorOptions {
  readonly limits?: Partial<TlsLimits>;
  readonly engineLimits?: Partial<HttpLimits>;
  /** Instead of forwarding. */
  readonly handler?: Handler;
}

/** The door, forwarding to a backend. */
export class Door implements AsyncDisposable {
  readonly port: number;
  readonly server: HttpServer;
  /** How each forwarding ended. */
  readonly results: ForwardResult[] = [];
  readonly logged: string[] = [];
  readonly listener: TlsListener;
  readonly #upstream: Upstream;
  readonly #stack: AsyncDisposableStack;
  #onResult: () => void = () => {};

  private constructor(
    listener: TlsListener,
    logged: string[],
    backendPort: number,
    options: DoorOptions,
    stack: AsyncDisposableStack,
  ) {
    this.listener = listener;
    this.logged = logged;
    this.port = listener.addr.port;
    this.#stack = stack;
    this.#upstream = new Upstream({ hostname: "127.0.0.1", port: backendPort });
    const handler = options.handler ?? ((exchange: Exchange) => this.#forward(exchange));
    this.server = serveHttp([listener], handler, {
      log: createLog({ level: "debug", format: "text", write: (line) => logged.push(line) }),
      limits: options.engineLimits,
      errorReply: (status, reason) => ({ status, headers: [], body: reason }),
    });
  }

  static async open(backendPort: number, options: DoorOptions = {}): Promise<Door> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await TestDirectory.make());
    const certificates = stack.use(await testCertificates(directory));
    const logged: string[] = [];
    const listener = stack.use(
      await TlsListener.listen({
        hostname: "127.0.0.1",
        port: 0,
        certificates,
        log: createLog({ level: "debug", format: "text", write: (line) => logged.push(line) }),
        limits: options.limits,
      }),
    );
    return new Door(listener, logged, backendPort, options, stack.move());
  }

  /** The result of forwarding number `index`. */
  async result(index: number): Promise<ForwardResult> {
    const arrived = async () => {
      while (this.results.length <= index) {
        await new Promise<void>((resolve) => this.#onResult = resolve);
      }
    };
    await within(arrived(), `result ${index}`);
    return this.results[index]!;
  }

  async #forward(exchange: Exchange): Promise<void> {
    const deadline = performance.now() + 30_000;
    const result = await exchange.forward(this.#upstream, { deadline });
    this.results.push(result);
    this.#onResult();
    if (result.kind === "gone" || result.kind === "not_sent" || result.kind === "timed_out") {
      await exchange.respond({ status: 502, headers: [], body: result.kind });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.#upstream.close();
    await this.#stack.disposeAsync();
  }
}

/** A handler that tells what it was asked. */
export function tellingHandler(exchange: Exchange): Promise<void> {
  const { method, target, host, clientAddress, secure, misdirected } = exchange;
  const body = JSON.stringify({ method, target, host, clientAddress, secure, misdirected });
  return exchange.respond({ status: 200, headers: [["Content-Type", "application/json"]], body });
}

/** What a command printed, both streams together. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder("latin1");
  return decoder.decode(stdout) + decoder.decode(stderr);
}
