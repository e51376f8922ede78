/**
 * A look at the sockets, whatever else there is to do. The runtime asks the system what has arrived
 * only when it has nothing to do itself: immediates and promises keep it from that, and a timer, with
 * which we make do without a hold, lasts 1 to 2 ms. A byte that the process sends to itself is back
 * after 30 µs, or when all has been read that was there before it.
 *
 * Source: docs/decisions/http.md.
 * @module
 */

let holders = 0;
let opening: Promise<Echo | undefined> | undefined;
let echo: Echo | undefined;

/** Makes looks short until it is disposed. */
export class LookHold implements AsyncDisposable {
  /** Resolves when looks are short, or cannot be. */
  readonly ready: Promise<unknown>;
  #held = true;

  constructor() {
    if (holders++ === 0) {
      const mine = opening = Echo.open().then((opened) => {
        if (opening === mine) echo = opened;
        return opened;
      });
    }
    this.ready = opening!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    if (--holders > 0) return;
    const last = opening;
    opening = echo = undefined;
    (await last)?.close();
  }
}

/** Calls `then` when what has arrived at the sockets so far has been read. */
export function look(then: () => void): void {
  if (echo) echo.ask(then);
  else setTimeout(then, 0);
}

/** A connection of this process with itself. */
class Echo {
  readonly #out: Deno.TcpConn;
  readonly #back: Deno.TcpConn;
  readonly #sent = new Uint8Array(1);
  readonly #came = new Uint8Array(1);

  private constructor(out: Deno.TcpConn, back: Deno.TcpConn) {
    this.#out = out;
    this.#back = back;
    out.setNoDelay(true);
  }

  /** Undefined when there is no way to talk to oneself: no descriptor is left, or no loopback. */
  static async open(): Promise<Echo | undefined> {
    using stack = new DisposableStack();
    try {
      const hostname = "127.0.0.1";
      const listener = stack.use(Deno.listen({ hostname, port: 0 }));
      const out = stack.use(await Deno.connect({ hostname, port: listener.addr.port }));
      const back = stack.use(await listener.accept());
      // Somebody else on this machine may have been faster.
      if (back.remoteAddr.port !== out.localAddr.port) return undefined;
      stack.move();
      listener.close();
      return new Echo(out, back);
    } catch {
      return undefined;
    }
  }

  ask(then: () => void): void {
    this.#back.read(this.#came).then(then, then);
    // It fails only when it is closed, and then the read does too.
    this.#out.write(this.#sent).catch(() => {});
  }

  close(): void {
    this.#out.close();
    this.#back.close();
  }
}
