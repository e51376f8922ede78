/**
 * A way to PostgreSQL on which every notification is lost, and nothing else. Speaks enough of the
 * protocol to tell one message from another; connections must not be encrypted.
 *
 * Source: PostgreSQL manual, "Message Formats": a type byte, then the length that counts itself.
 * @module
 */

const NOTIFICATION = "A".charCodeAt(0);

/** A relay to `target` on loopback. */
export class DeafRelay implements AsyncDisposable {
  /** Notifications that were lost. */
  lost = 0;
  readonly #target: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting: Promise<void>;
  readonly #open = new Set<Deno.TcpConn>();

  constructor(target: number) {
    this.#target = target;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
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
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    this.#open.add(client).add(server);
    const up = client.readable.pipeTo(server.writable).catch(() => {});
    await this.#listen(server, client).catch(() => {});
    for (const connection of [client, server]) {
      this.#open.delete(connection);
      try {
        connection.close();
      } catch {
        // Its stream closed it.
      }
    }
    await up;
  }

  /** Passes on all that the server says but notifications. */
  async #listen(server: Deno.TcpConn, client: Deno.TcpConn): Promise<void> {
    let rest = new Uint8Array();
    const buffer = new Uint8Array(65_536);
    for (let size; (size = await server.read(buffer)) !== null;) {
      const bytes = new Uint8Array(rest.length + size);
      bytes.set(rest);
      bytes.set(buffer.subarray(0, size), rest.length);
      const view = new DataView(bytes.buffer);
      const kept: Uint8Array[] = [];
      let at = 0;
      while (bytes.length - at >= 5) {
        const end = at + 1 + view.getUint32(at + 1);
        if (end > bytes.length) break;
        if (bytes[at] === NOTIFICATION) this.lost += 1;
        else kept.push(bytes.subarray(at, end));
        at = end;
      }
      rest = bytes.slice(at);
      for (const message of kept) {
        for (let sent = 0; sent < message.length;) {
          sent += await client.write(message.subarray(sent));
        }
      }
    }
  }
}
