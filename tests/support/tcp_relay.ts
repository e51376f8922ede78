/** A TCP port that passes everything on to another, and can fall silent or break. @module */

/** A relay to `target` on loopback. */
export class TcpRelay implements AsyncDisposable {
  readonly #target: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #silence: PromiseWithResolvers<void> | undefined;

  constructor(target: number) {
    this.#target = target;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** From now on nothing passes, either way, and nothing closes: both sides see a silent peer. */
  stall(): void {
    this.#silence ??= Promise.withResolvers();
  }

  /** Passes on what it held back, and what comes. */
  flow(): void {
    this.#silence?.resolve();
    this.#silence = undefined;
  }

  /** Breaks every connection; new ones are accepted. */
  cut(): void {
    for (const connection of this.#open) close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    this.flow();
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
    await Promise.all([this.#pass(client, server), this.#pass(server, client)]);
    this.#end(client);
    this.#end(server);
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let size; (size = await from.read(buffer)) !== null;) {
        await this.#silence?.promise;
        for (let at = 0; at < size;) at += await to.write(buffer.subarray(at, size));
      }
      await this.#silence?.promise;
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

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
