/**
 * Plain TCP sockets through the C library: what an exact load generator needs and Deno does not
 * offer, a chosen source address and a wait that is exact to some 10 µs. Every call blocks the
 * process. IPv4 on 64-bit little-endian Linux.
 * @module
 */

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const POLLIN = 1;
const MSG_NOSIGNAL = 0x4000;
const PR_SET_TIMERSLACK = 29;

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  ppoll: { parameters: ["buffer", "u64", "buffer", "pointer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
}).symbols;

/** An IPv4 address and port. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

function sockaddr({ hostname, port }: Address): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  bytes[0] = AF_INET;
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  bytes.set(hostname.split(".").map(Number), 4);
  return bytes;
}

/** A blocking connection. */
export class Socket implements Disposable {
  readonly fd: number;

  /**
   * Connects from `source`, any port.
   *
   * @throws {Error} there is no descriptor or port left, or nobody listens
   */
  constructor(target: Address, source = "0.0.0.0") {
    this.fd = libc.socket(AF_INET, SOCK_STREAM, 0);
    if (this.fd < 0) throw new Error("Cannot open a socket: no file descriptor is left");
    const one = new Uint8Array([1, 0, 0, 0]);
    libc.setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, one, 4);
    const bound = libc.bind(this.fd, sockaddr({ hostname: source, port: 0 }), 16) === 0;
    if (bound && libc.connect(this.fd, sockaddr(target), 16) === 0) return;
    libc.close(this.fd);
    throw new Error(`Cannot connect ${source} to ${target.hostname}:${target.port}`);
  }

  /** @throws {Error} the peer has closed the connection */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    const sent = Number(libc.send(this.fd, bytes, BigInt(bytes.length), MSG_NOSIGNAL));
    if (sent !== bytes.length) throw new Error("Cannot send: the peer closed the connection");
  }

  /** Fills `buffer` from its start; gives the count. @throws {Error} the connection has ended */
  receive(buffer: Uint8Array<ArrayBuffer>): number {
    const count = Number(libc.recv(this.fd, buffer, BigInt(buffer.length), 0));
    if (count <= 0) throw new Error("Cannot receive: the peer closed the connection");
    return count;
  }

  [Symbol.dispose](): void {
    libc.close(this.fd);
  }
}

/** Waits for input on many sockets at once. */
export class Poll {
  readonly #entries: Int32Array<ArrayBuffer>;
  readonly #timeout = new BigInt64Array(2);

  constructor(sockets: readonly Socket[]) {
    this.#entries = new Int32Array(sockets.length * 2);
    sockets.forEach(({ fd }, index) => {
      this.#entries[index * 2] = fd;
      this.#entries[index * 2 + 1] = POLLIN;
    });
  }

  /** Waits `ms` at most; true when one or more sockets have input or have ended. */
  wait(ms: number): boolean {
    const ns = Math.max(0, Math.floor(ms * 1e6));
    this.#timeout[0] = BigInt(Math.floor(ns / 1e9));
    this.#timeout[1] = BigInt(ns % 1e9);
    return libc.ppoll(this.#entries, BigInt(this.#entries.length / 2), this.#timeout, null) > 0;
  }

  /** Whether the last wait found socket `index` ready. */
  isReady(index: number): boolean {
    return (this.#entries[index * 2 + 1]! >> 16) !== 0;
  }
}

/** Lets waits of this thread end at their time instead of up to 50 µs later. */
export function wakeExactly(): void {
  libc.prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n);
}
