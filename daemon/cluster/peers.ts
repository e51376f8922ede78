/**
 * How nodes hear of each other: each tells every peer what it says of itself, at once when that
 * changes and as a heartbeat besides, and hears the peer's own words in the reply. The store's rows
 * only say whom to talk to. Walk: node_status ⇒ **peers** → api of the peer; rows ⇒ cluster.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import type { Tasks } from "../../lib/async/tasks.ts";
import type { Method, NodeStatus, Outputs } from "../../lib/contract/v1.ts";
import { asMaelstromError, isAbort, MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { CallInput } from "../../lib/rpc/client.ts";
import type { StreamRequest } from "../../lib/rpc/stream.ts";
import type { Store } from "../store/store.ts";
import type { Cluster } from "./cluster.ts";

/** Longest time between two words to a peer, in milliseconds. */
const HEARTBEAT_MS = 500;
/** Longest time between two reads of the rows, in milliseconds. */
const ROWS_EVERY_MS = 3000;
const CALL_LIMIT_MS = 2000;

/** Calls methods of one peer. */
export interface PeerCaller {
  call<M extends Method>(method: M, input: CallInput<M>, signal: AbortSignal): Promise<Outputs[M]>;
  /** The lines of an endpoint that streams. */
  stream(request: StreamRequest, signal: AbortSignal): AsyncIterable<string>;
}

/** What {@linkcode Peers} needs. */
export interface PeersOptions {
  readonly nodeId: string;
  /** This node, as it is now. */
  readonly self: () => NodeStatus;
  readonly cluster: Cluster;
  readonly store: Pick<Store, "listNodeStatus">;
  readonly log: Log;
  readonly tasks: Tasks;
  /** A caller of node `peer` at `url`. */
  readonly connect: (url: string, peer: string) => PeerCaller;
}

interface Link {
  readonly url: string;
  readonly caller: PeerCaller;
  readonly beat: Recurring;
}

/** The conversations with all peers. */
export class Peers implements AsyncDisposable {
  readonly #options: PeersOptions;
  readonly #links = new Map<string, Link>();
  readonly #rows: Recurring;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#rows = new Recurring((signal) => this.#read(signal), {
      name: "peers",
      everyMs: ROWS_EVERY_MS,
      log: options.log,
    });
  }

  /** Reads who is there and greets them, so that what follows knows its peers. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#read(signal);
    await this.refresh(signal);
    this.#rows.poke();
  }

  /** A node has said something: from now on it is talked to, and soon if it was silent. */
  hear(status: NodeStatus): void {
    const { cluster } = this.#options;
    const { nodeId, peerUrl } = status;
    if (nodeId === this.#options.nodeId) return;
    const link = this.#links.get(nodeId);
    if (!link) this.#link(nodeId, peerUrl);
    else if (!cluster.isHeard(nodeId)) link.beat.poke();
    cluster.hear(status);
  }

  /** Tells every peer soon what has changed here. */
  announce(): void {
    for (const { beat } of this.#links.values()) beat.poke();
  }

  /** Finds out whether peer `nodeId` is there, and tells the listeners what it says if it is. */
  async check(nodeId: string, signal: AbortSignal): Promise<void> {
    const link = this.#links.get(nodeId);
    if (!link) return;
    this.#options.cluster.refused(nodeId);
    await this.#greet(nodeId, link, signal);
  }

  /** Exchanges words with every peer now; whoever does not answer in time is left out. */
  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#links].map(([nodeId, link]) => this.#greet(nodeId, link, signal)));
  }

  /**
   * Calls a method of peer `nodeId`.
   *
   * @throws {MaelstromError} unreachable: the peer is unknown or does not answer
   * @throws {MaelstromError} any code the peer answers with
   */
  async call<M extends Method>(
    nodeId: string,
    method: M,
    input: CallInput<M>,
    signal: AbortSignal,
  ): Promise<Outputs[M]> {
    const link = this.#linkOf(nodeId);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    try {
      return await link.caller.call(method, input, limit);
    } catch (error) {
      signal.throwIfAborted();
      if (!isAbort(error) && !limit.aborted) throw error;
      const late = `Cannot reach node "${nodeId}": no answer within ${CALL_LIMIT_MS} ms`;
      throw new MaelstromError("unreachable", late);
    }
  }

  /**
   * The lines of an endpoint of peer `nodeId`.
   *
   * @throws {MaelstromError} unreachable: the peer is unknown, or the stream breaks off
   */
  stream(nodeId: string, request: StreamRequest, signal: AbortSignal): AsyncIterable<string> {
    return this.#linkOf(nodeId).caller.stream(request, signal);
  }

  /** Falls silent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rows[Symbol.asyncDispose]();
    await Promise.all([...this.#links.values()].map(({ beat }) => beat[Symbol.asyncDispose]()));
  }

  #linkOf(nodeId: string): Link {
    const link = this.#links.get(nodeId);
    if (link) return link;
    throw new MaelstromError("unreachable", `Cannot reach node "${nodeId}": it is not known here`);
  }

  /** Talks to whoever has a row, and to nobody whose row and words have both gone. */
  async #read(signal: AbortSignal): Promise<void> {
    const { store, cluster, nodeId } = this.#options;
    const rows = await store.listNodeStatus();
    if (signal.aborted) return;
    const listed = new Map(
      rows.filter((row) => row.nodeId !== nodeId && row.peerUrl !== this.#options.self().peerUrl)
        .map((row) => [row.nodeId, row]),
    );
    for (const [peer, row] of listed) this.#link(peer, row.peerUrl);
    for (const peer of [...this.#links.keys()]) {
      if (listed.has(peer) || cluster.isHeard(peer)) continue;
      cluster.forget(peer);
      this.#unlink(peer);
    }
  }

  #unlink(peer: string): void {
    const link = this.#links.get(peer);
    if (!link) return;
    this.#links.delete(peer);
    this.#options.tasks.run(`leave ${peer}`, () => link.beat[Symbol.asyncDispose]());
  }

  #link(peer: string, url: string): void {
    if (this.#links.get(peer)?.url === url) return;
    this.#unlink(peer);
    const caller = this.#options.connect(url, peer);
    const beat = new Recurring((signal) => this.#greet(peer, link, signal), {
      name: `talk to ${peer}`,
      everyMs: HEARTBEAT_MS,
      log: this.#options.log,
    });
    const link: Link = { url, caller, beat };
    this.#links.set(peer, link);
    beat.poke();
  }

  /** Silence is no failure here: the cluster counts it. */
  async #greet(peer: string, { caller }: Link, signal: AbortSignal): Promise<void> {
    const { self, nodeId, cluster, log } = this.#options;
    const word = { nodeId, exiting: false, status: self() };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    try {
      const { status } = await caller.call("NodeService.StatusChanged", word, limit);
      cluster.answered(status);
    } catch (error) {
      if (signal.aborted) return;
      const { code, message } = asMaelstromError(error);
      if (code === "unreachable") cluster.refused(peer);
      else if (!limit.aborted) log.warn("peer refuses", { peer, code, reason: message });
      cluster.expire();
    }
  }
}
