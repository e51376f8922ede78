/**
 * Bytes in and out of a connection by the shortest way there is. The runtime's own methods keep a
 * list of reads under way, for `unref`, which nothing here calls and every request would pay for;
 * below them is one call for each direction. Where that is not to be had, for connections in memory
 * or in another runtime, the methods do.
 *
 * Source: docs/decisions/http.md.
 * @module
 */

/** What carries the bytes: a connection of the system, or within the process. */
export type Line = Pick<
  Deno.Conn,
  "read" | "write" | "closeWrite" | "close" | "localAddr" | "remoteAddr"
>;

/** Both directions of a line. */
export interface Transport {
  /** Gives how many bytes came, at least one unless `into` is empty; 0 or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Gives how many bytes were taken. */
  write(bytes: Uint8Array): Promise<number>;
}

/** What is used of the runtime's inside. */
interface Core {
  read(rid: number, into: Uint8Array): Promise<number>;
  write(rid: number, bytes: Uint8Array): Promise<number>;
  readonly internalRidSymbol: symbol;
}

const core = coreOf(Deno as unknown as Record<symbol, { readonly core?: Partial<Core> }>);

/** The shortest way to the bytes of `line`. It ends with the line. */
export function transportOf(line: Line): Transport {
  const rid = core && (line as unknown as Record<symbol, unknown>)[core.internalRidSymbol];
  return core && typeof rid === "number" ? new Resource(core, rid) : line;
}

function coreOf(runtime: Record<symbol, { readonly core?: Partial<Core> }>): Core | undefined {
  const [internal] = Object.getOwnPropertySymbols(runtime)
    .filter(({ description }) => description === "Deno.internal");
  const { read, write, internalRidSymbol } = (internal && runtime[internal]?.core) || {};
  return read && write && internalRidSymbol ? { read, write, internalRidSymbol } : undefined;
}

/** A connection by its number in the runtime, which is never given to another. */
class Resource implements Transport {
  readonly #core: Core;
  readonly #rid: number;

  constructor(core: Core, rid: number) {
    this.#core = core;
    this.#rid = rid;
  }

  read(into: Uint8Array): Promise<number> {
    return this.#core.read(this.#rid, into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#core.write(this.#rid, bytes);
  }
}
