/**
 * Who is here: this node and its peers, by what each last said of itself. A peer that has been
 * silent for the lease is out until it is heard again. Owns that judgement; knows nothing of how
 * words travel. Walk: peers, store rows ⇒ **cluster** ⇒ router, scheduler.
 * @module
 */
import type { ComponentFailure, NodeStatus } from "../../lib/contract/v1.ts";

/** What {@linkcode Cluster} is told. */
export interface ClusterOptions {
  readonly nodeId: string;
  /** This node, as it is now. */
  readonly self: () => NodeStatus;
  /** Silence after which a peer is out, in milliseconds. */
  readonly leaseMs: number;
  /** Clock in milliseconds; only differences count, so that a changed date moves nobody. */
  readonly now: () => number;
}

/** Told of each change: what a peer says now, or undefined when it is out. */
export type PeerListener = (nodeId: string, status: NodeStatus | undefined) => void;

/** A node that has said something, and whether it is in. */
export interface KnownNode {
  readonly status: NodeStatus;
  readonly isIn: boolean;
}

interface Peer {
  status: NodeStatus;
  heardMs: number;
  isIn: boolean;
}

/** The nodes of the cluster, as seen from this one. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #listeners = new Set<PeerListener>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** This node and the peers that are in, oldest first; nobody who leaves. */
  nodes(): NodeStatus[] {
    return this.known().filter(({ status, isIn }) => isIn && !status.isLeaving)
      .map(({ status }) => status);
  }

  /** True when no peer is in. */
  get isAlone(): boolean {
    return ![...this.#peers.values()].some(({ isIn }) => isIn);
  }

  /** Why no instance of `component` can be had anywhere now; undefined while there may be one. */
  failureOf(component: string, nowMs: number): ComponentFailure | undefined {
    const isMeant = ({ componentName }: { readonly componentName: string }) =>
      componentName === component;
    const nodes = this.nodes();
    const isHad = nodes.some(({ runningComponents }) =>
      runningComponents.some((info) => isMeant(info) && info.status !== "stopping")
    );
    if (isHad) return undefined;
    return nodes.flatMap(({ failures }) => failures)
      .find((failure) => isMeant(failure) && failure.retryAt > nowMs);
  }

  /** Every node that is in or was, oldest first. */
  known(): KnownNode[] {
    return [{ status: this.#options.self(), isIn: true }, ...this.#peers.values()]
      .map(({ status, isIn }) => ({ status, isIn }))
      .sort(({ status: a }, { status: b }) =>
        a.startedAt - b.startedAt || (a.nodeId < b.nodeId ? -1 : 1)
      );
  }

  /** What peer `nodeId` last said, if it is in. */
  peer(nodeId: string): NodeStatus | undefined {
    const peer = this.#peers.get(nodeId);
    return peer?.isIn ? peer.status : undefined;
  }

  /** Peer `status.nodeId` said this just now; words that were overtaken on their way count as a sign of life. */
  hear(status: NodeStatus): void {
    const { nodeId } = status;
    if (nodeId === this.#options.nodeId) return;
    if (status.isLeaving) return this.forget(nodeId);
    const peer = this.#peers.get(nodeId);
    if (!peer) {
      this.#retire(status);
      this.#peers.set(nodeId, { status, heardMs: this.#options.now(), isIn: true });
      return this.#tell(nodeId, status);
    }
    peer.heardMs = this.#options.now();
    const before = peer.status;
    const isNews = !peer.isIn || status.startedAt !== before.startedAt ||
      status.version !== before.version;
    if (!isOlder(status, before)) peer.status = status;
    peer.isIn = true;
    // Counters move all the time; whoever needs them looks.
    if (isNews) this.#tell(nodeId, peer.status);
  }

  /** Nothing listens where peer `nodeId` should. */
  refused(nodeId: string): void {
    const peer = this.#peers.get(nodeId);
    if (peer?.isIn) this.#out(nodeId, peer);
  }

  /** Peer `nodeId` is gone for good, or its row is. */
  forget(nodeId: string): void {
    const peer = this.#peers.get(nodeId);
    if (!peer) return;
    this.#peers.delete(nodeId);
    if (peer.isIn) this.#tell(nodeId, undefined);
  }

  /** Puts out who has been silent for too long. */
  expire(): void {
    const { leaseMs, now } = this.#options;
    for (const [nodeId, peer] of this.#peers) {
      if (peer.isIn && now() - peer.heardMs > leaseMs) this.#out(nodeId, peer);
    }
  }

  /** Calls `listener` on each change until the returned function is called. */
  subscribe(listener: PeerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #out(nodeId: string, peer: Peer): void {
    peer.isIn = false;
    this.#tell(nodeId, undefined);
  }

  /** A node that was given a new id still has its address: the old name is nobody. */
  #retire({ peerUrl }: NodeStatus): void {
    for (const [nodeId, { status }] of this.#peers) {
      if (status.peerUrl === peerUrl) this.forget(nodeId);
    }
  }

  #tell(nodeId: string, status: NodeStatus | undefined): void {
    for (const listener of this.#listeners) listener(nodeId, status);
  }
}

/** A node counts its words; one that has started again starts anew. */
function isOlder(a: NodeStatus, b: NodeStatus): boolean {
  if (a.startedAt !== b.startedAt) return a.startedAt < b.startedAt;
  if (a.version !== b.version) return a.version < b.version;
  return a.observedAt < b.observedAt;
}
