/**
 * The network between the nodes of a test's cluster, in which any two can be parted: a relay in
 * front of each node that knows by its first words which node calls.
 * @module
 */
import { freePorts } from "../support/ports.ts";
import { TcpRelay } from "../support/tcp_relay.ts";

/** Where the ids stand in a peer's first request: its signature, or the path of a relayed one. */
const CALLER = /(?:by="|MAELSTROM-RELAY-PATH: (?:[^\r]*\|)?)(test-[0-9a-f]{8})(?=["\r])/i;

/** The relays. */
export class PeerNetwork implements AsyncDisposable {
  readonly #ports: readonly number[];
  readonly #relays: readonly TcpRelay[];

  /** A network for as many nodes as `count`. */
  constructor(count: number) {
    this.#ports = freePorts(count);
    this.#relays = this.#ports.map((port) => new TcpRelay(port, callerOf));
  }

  /** Settings of node `index`. */
  envOf(index: number): Record<string, string> {
    return {
      MAEL_PRIVATE_PORT: String(this.#ports[index]),
      MAEL_PEER_URL: `http://127.0.0.1:${this.#relays[index]!.port}`,
    };
  }

  /** Node `index` does not run: whoever calls it is refused. */
  refuse(index: number): void {
    this.#relays[index]!.refuse();
  }

  /** Node `index` runs again. */
  accept(index: number): void {
    this.#relays[index]!.accept();
  }

  /** Parts two nodes, each given as its index and id, until the result is called. */
  part([a, aId]: NodeName, [b, bId]: NodeName): () => void {
    const [toA, toB] = [this.#relays[a]!, this.#relays[b]!];
    toA.stall(bId);
    toB.stall(aId);
    return () => {
      toA.flow(bId);
      toB.flow(aId);
    };
  }

  /** Keeps what the first node sends from the other, but not the reverse, until the result is called. */
  block([, fromId]: NodeName, [to]: NodeName): () => void {
    this.#relays[to]!.stall(fromId);
    return () => this.#relays[to]!.flow(fromId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay[Symbol.asyncDispose]()));
  }
}

/** A node's index in its cluster, and its id. */
export type NodeName = readonly [index: number, nodeId: string];

function callerOf(firstBytes: Uint8Array): string {
  return CALLER.exec(new TextDecoder().decode(firstBytes))?.[1] ?? "";
}
