/**
 * A unix socket on which a daemon under test reaches its Docker Engine. Passes everything on, and
 * knows when the engine has done all that a daemon which is dead by now had asked of it: the engine
 * goes on with a creation whose caller is gone, and closes its end of the connection when it is done.
 * @module
 */

/** A line to the engine that listens at the unix socket `target`. */
export class EngineLine implements AsyncDisposable {
  readonly path: string;
  readonly #target: string;
  readonly #listener: Deno.UnixListener;
  readonly #accepting: Promise<void>;
  readonly #open = new Set<Deno.UnixConn>();
  readonly #calls = new Set<Promise<void>>();

  constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#accepting = this.#accept();
  }

  /**
   * Takes no more calls, and resolves when the engine has finished with those it took. What it did
   * not take never reaches the engine.
   *
   * @throws {Error} the engine has not finished within `limitMs`
   */
  async finish(limitMs: number): Promise<void> {
    this.#stopListening();
    await this.#accepting;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const count = this.#calls.size;
      late.reject(new Error(`the engine is busy with ${count} calls after ${limitMs} ms`));
    }, limitMs);
    try {
      await Promise.race([Promise.all(this.#calls), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    for (const connection of this.#open) close(connection);
    await this.#accepting;
    await Promise.all(this.#calls);
    await Deno.remove(this.path).catch(() => {});
  }

  #stopListening(): void {
    close(this.#listener);
  }

  async #accept(): Promise<void> {
    try {
      for await (const caller of this.#listener) {
        const call = this.#serve(caller).finally(() => this.#calls.delete(call));
        this.#calls.add(call);
      }
    } catch {
      // Closed.
    }
  }

  async #serve(caller: Deno.UnixConn): Promise<void> {
    this.#open.add(caller);
    let engine: Deno.UnixConn;
    try {
      engine = await Deno.connect({ transport: "unix", path: this.#target });
    } catch {
      this.#open.delete(caller);
      return close(caller);
    }
    this.#open.add(engine);
    const asking = pass(caller, engine).then(() => engine.closeWrite()).catch(() => {});
    await pass(engine, caller);
    // The engine is done; whether the caller heard it matters no more.
    for (const connection of [engine, caller]) {
      this.#open.delete(connection);
      close(connection);
    }
    await asking;
  }
}

/** Passes on what `from` says until it ends; goes on listening when nobody hears it any longer. */
async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  let isHeard = true;
  try {
    for (let size; (size = await from.read(buffer)) !== null;) {
      for (let at = 0; isHeard && at < size;) {
        at += await to.write(buffer.subarray(at, size)).catch(() => {
          isHeard = false;
          return 0;
        });
      }
    }
  } catch {
    // Broken off, or closed by us.
  }
}

function close(open: { close(): void }): void {
  try {
    open.close();
  } catch {
    // Closed already.
  }
}
