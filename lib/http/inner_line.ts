/**
 * A way from this process to its own server without a socket: what one end writes the other reads,
 * with no copy in the system and no calls of it. Each end behaves as that of a socket does; nothing
 * is kept between the two, so who writes waits for who reads. Knows nothing of HTTP.
 * Walk: upstream → **inner line** → server.
 * @module
 */
import type { Line } from "./line.ts";
import type { Acceptor } from "./server.ts";

/** Where a server accepts what {@linkcode InnerLine.connect} opens. */
export class InnerLine implements Acceptor {
  readonly #address: Deno.NetAddr;
  readonly #opened: Line[] = [];
  #accepting: PromiseWithResolvers<Line> | undefined;
  #isClosed = false;

  /** What the server sees as both ends: `127.0.0.1`, and its port. */
  constructor(hostname: string, port: number) {
    this.#address = { transport: "tcp", hostname, port };
  }

  /**
   * A new connection.
   *
   * @throws {Deno.errors.ConnectionRefused} the server accepts no more
   */
  connect(): Promise<Line> {
    if (this.#isClosed) {
      return Promise.reject(new Deno.errors.ConnectionRefused("Cannot connect: nobody accepts"));
    }
    const [there, back] = [new Flow(), new Flow()];
    const accepted = new InnerConn(there, back, this.#address);
    if (this.#accepting) this.#accepting.resolve(accepted);
    else this.#opened.push(accepted);
    this.#accepting = undefined;
    return Promise.resolve(new InnerConn(back, there, this.#address));
  }

  /** @throws {Deno.errors.BadResource} it is closed */
  accept(): Promise<Line> {
    const opened = this.#opened.shift();
    if (opened) return Promise.resolve(opened);
    if (this.#isClosed) return Promise.reject(closed());
    this.#accepting = Promise.withResolvers();
    return this.#accepting.promise;
  }

  /** Accepts no more; connections that are open stay. */
  close(): void {
    this.#isClosed = true;
    for (const conn of this.#opened.splice(0)) conn.close();
    this.#accepting?.reject(closed());
    this.#accepting = undefined;
  }
}

/** One end. */
class InnerConn implements Line {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  readonly #input: Flow;
  readonly #output: Flow;

  constructor(input: Flow, output: Flow, address: Deno.NetAddr) {
    this.#input = input;
    this.#output = output;
    this.localAddr = this.remoteAddr = address;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#input.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#output.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#output.end();
    return Promise.resolve();
  }

  close(): void {
    this.#input.leave();
    this.#output.end(closed());
  }
}

/** Bytes in one direction. At most one read and one write wait. */
class Flow {
  #reader: PromiseWithResolvers<number | null> & { into: Uint8Array } | undefined;
  #writer: PromiseWithResolvers<number> & { bytes: Uint8Array } | undefined;
  /** Nothing more is written. */
  #isEnded = false;
  /** Nobody reads any more. */
  #isLeft = false;

  read(into: Uint8Array): Promise<number | null> {
    if (this.#isLeft) return Promise.reject(closed());
    if (this.#writer) {
      const count = copy(this.#writer.bytes, into);
      this.#writer.resolve(count);
      this.#writer = undefined;
      return Promise.resolve(count);
    }
    if (this.#isEnded) return Promise.resolve(null);
    this.#reader = { ...Promise.withResolvers<number | null>(), into };
    return this.#reader.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#isLeft || this.#isEnded) return Promise.reject(broken());
    if (this.#reader) {
      const count = copy(bytes, this.#reader.into);
      this.#reader.resolve(count);
      this.#reader = undefined;
      return Promise.resolve(count);
    }
    this.#writer = { ...Promise.withResolvers<number>(), bytes };
    return this.#writer.promise;
  }

  /** The writing end says that there is no more; a write that waits fails with `error`. */
  end(error?: Error): void {
    this.#isEnded = true;
    if (error) {
      this.#writer?.reject(error);
      this.#writer = undefined;
    }
    this.#reader?.resolve(null);
    this.#reader = undefined;
  }

  /** The reading end is gone. */
  leave(): void {
    this.#isLeft = true;
    this.#reader?.reject(closed());
    this.#reader = undefined;
    this.#writer?.reject(broken());
    this.#writer = undefined;
  }
}

/** Copies as much as there is room for; how much that was. */
function copy(from: Uint8Array, into: Uint8Array): number {
  const count = Math.min(from.length, into.length);
  into.set(count < from.length ? from.subarray(0, count) : from);
  return count;
}

function closed(): Error {
  return new Deno.errors.BadResource("Cannot use a connection: it is closed");
}

function broken(): Error {
  return new Deno.errors.BrokenPipe("Cannot write: the other end is closed");
}
