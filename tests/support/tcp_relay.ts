/** A TCP port that passes everything on to another, and can fall silent or break. @module */

/** Tells by its first bytes who opened a connection. */
export type CallerOf = (firstBytes: Uint8Array) => string;

/** A relay to `target` on loopback. */
export class TcpRelay implements AsyncDisposable {
  readonly #target: number;
  readonly #callerOf: CallerOf;
  readonly port: number;
  readonly #open = new Set<Deno.TcpConn>();
  #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #accepting: Promise<void>;
  readonly #silenced = new Map<string, PromiseWithResolvers<void>>();

  /** Where callers are told apart they speak first. */
  constructor(target: number, callerOf: CallerOf = () => "") {
    this.#target = target;
    this.#callerOf = callerOf;
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  /** Refuses new connections, as a port does behind which nothing runs. */
  refuse(): void {
    this.#listener.close();
  }

  /** Accepts connections again after {@linkcode refuse}. */
  accept(): void {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#accepting = Promise.all([this.#accepting, this.#accept()]).then(() => {});
  }

  /**
   * From now on nothing of `caller` passes, either way, and nothing closes: both sides see a silent
   * peer.
   */
  stall(caller = ""): void {
    if (!this.#silenced.has(caller)) this.#silenced.set(caller, Promise.withResolvers());
  }

  /** Passes on what it held back, and what comes. */
  flow(caller = ""): void {
    this.#silenced.get(caller)?.resolve();
    this.#silenced.delete(caller);
  }

  /** Breaks every connection; new ones are accepted. */
  cut(): void {
    for (const connection of this.#open) close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    close(this.#listener);
    this.cut();
    for (const caller of [...this.#silenced.keys()]) this.flow(caller);
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const pairs: Promise<void>[] = [];
    try {
      for await (const client of this.#listener) pairs.push(this.#pair(client));
    } catch {
      // Closed.
    }
    await Promise.all(pairs);
  }

  async #pair(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      return this.#end(client);
    }
    this.#open.add(server);
    const way: Way = {};
    await Promise.all([this.#pass(client, server, way), this.#pass(server, client, way)]);
    this.#end(client);
    this.#end(server);
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn, way: Way): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let size; (size = await from.read(buffer)) !== null;) {
        way.caller ??= this.#callerOf(buffer.subarray(0, size));
        await this.#silenced.get(way.caller)?.promise;
        for (let at = 0; at < size;) at += await to.write(buffer.subarray(at, size));
      }
      await this.#silenced.get(way.caller ?? "")?.promise;
    } catch {
      // Broken by either side, or by cut().
    }
    this.#end(from);
    this.#end(to);
  }

  #end(connection: Deno.TcpConn): void {
    this.#open.delete(connection);
    close(connection);
  }
}

/** Both directions of one connection. */
interface Way {
  caller?: string;
}

function close(open: { close(): void }): void {
  try {
    open.close();
  } catch {
    // Closed already.
  }
}
