/** A unix socket that passes everything on to another, and can be cut. @module */

/** A relay in front of the unix socket `target`. */
export class Relay implements AsyncDisposable {
  readonly path: string;
  readonly #target: string;
  readonly #open = new Set<Deno.Conn>();
  #listener: Deno.UnixListener | undefined;
  #accepting: Promise<void> = Promise.resolve();

  constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
    this.mend();
  }

  /** Listens (again). */
  mend(): void {
    const listener = Deno.listen({ transport: "unix", path: this.path });
    this.#listener = listener;
    this.#accepting = this.#accept(listener);
  }

  /** Stops listening and breaks every connection. */
  async cut(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    for (const connection of this.#open) close(connection);
    await this.#accepting;
    await Deno.remove(this.path).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    const pairs: Promise<void>[] = [];
    try {
      for await (const client of listener) pairs.push(this.#pair(client));
    } catch {
      // Closed by cut().
    }
    await Promise.all(pairs);
  }

  async #pair(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ transport: "unix", path: this.#target });
    this.#open.add(client).add(server);
    const pass = (from: Deno.Conn, to: Deno.Conn) =>
      from.readable.pipeTo(to.writable).catch(() => {
        close(from);
        close(to);
      });
    await Promise.all([pass(client, server), pass(server, client)]);
    this.#open.delete(client);
    this.#open.delete(server);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
