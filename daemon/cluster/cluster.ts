/**
 * Who is here: this node and its peers, by what each last said of itself. A peer is in while it
 * answers this node and both speak a version of the messages between nodes; to be heard is not
 * enough, because requests go the other way. Owns that judgement; knows nothing of how words travel.
 * Walk: peers, store rows ⇒ **cluster** ⇒ router, scheduler.
 * @module
 */
import { readStatus } from "../../lib/contract/peer_status.ts";
import {
  commonProtocol,
  protocolFault,
  type ProtocolRange,
  protocolsOf,
} from "../../lib/contract/protocol.ts";
import type { ComponentFailure, NodeStatus } from "../../lib/contract/v1.ts";

/**
 * Leases that a peer which is heard may leave this node's words unanswered. Longer than silence,
 * because an answer that is slow on a busy machine is no sign of a broken way.
 */
const UNANSWERED_LEASES = 2;
/** Time in which a peer that is heard may begin to answer before that is worth a word. */
const EARLY_MS = 1000;

/** What {@linkcode Cluster} is told. */
export interface ClusterOptions {
  readonly nodeId: string;
  /** Versions of the messages between nodes that this node speaks. */
  readonly protocols: ProtocolRange;
  /** This node, as it is now. */
  readonly self: () => NodeStatus;
  /** Silence after which a peer is out, in milliseconds. */
  readonly leaseMs: number;
  /** Told once when a peer is there and cannot be used. */
  readonly unused: (nodeId: string, reason: string) => void;
  /** Clock in milliseconds; only differences count, so that a changed date moves nobody. */
  readonly now: () => number;
}

/** Told of each change: what a peer says now, or undefined when it is out. */
export type PeerListener = (nodeId: string, status: NodeStatus | undefined) => void;

/** A node that has said something, and whether it is in. */
export interface KnownNode {
  readonly status: NodeStatus;
  readonly isIn: boolean;
  /** Why a node that is heard is not in. */
  readonly fault?: string;
}

interface Peer {
  status: NodeStatus;
  /** When it last said something, asked or not. */
  heardMs: number;
  /** When it last answered. */
  answeredMs: number;
  isHeard: boolean;
  /** It answers. */
  isReached: boolean;
  /** Since when it was last not reached, or was reached again. */
  turnedMs: number;
  /** The version that both nodes use; undefined when they have none in common. */
  protocol: number | undefined;
  /** The reason that was told last. */
  told: string | undefined;
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
    return this.reached().length === 0;
  }

  /** The peers that are in. */
  reached(): string[] {
    return [...this.#peers].filter(([, peer]) => isIn(peer)).map(([nodeId]) => nodeId);
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
    const peers = [...this.#peers.values()].map((peer): KnownNode => {
      const fault = this.#faultOf(peer);
      return { status: peer.status, isIn: isIn(peer), ...(fault === undefined ? {} : { fault }) };
    });
    return [{ status: this.#options.self(), isIn: true }, ...peers]
      .sort(({ status: a }, { status: b }) =>
        a.startedAt - b.startedAt || (a.nodeId < b.nodeId ? -1 : 1)
      );
  }

  /** What peer `nodeId` last said, if it is in. */
  peer(nodeId: string): NodeStatus | undefined {
    const peer = this.#peers.get(nodeId);
    return peer && isIn(peer) ? peer.status : undefined;
  }

  /** True while peer `nodeId` shows that it runs, whether it can be used or not. */
  isHeard(nodeId: string): boolean {
    return this.#peers.get(nodeId)?.isHeard ?? false;
  }

  /** Peer `words.nodeId` said this of its own accord: nothing shows yet that it can be reached. */
  hear(words: NodeStatus): void {
    this.#note(words, false);
  }

  /** Peer `words.nodeId` answered this; words that were overtaken on their way count as a sign of life. */
  answered(words: NodeStatus): void {
    this.#note(words, true);
  }

  /** Nothing listens where peer `nodeId` should. */
  refused(nodeId: string): void {
    const peer = this.#peers.get(nodeId);
    if (!peer) return;
    const was = isIn(peer);
    peer.isHeard = false;
    this.#reach(peer, false);
    if (was) this.#tell(nodeId, undefined);
  }

  /** Peer `nodeId` is gone for good, or its row is. */
  forget(nodeId: string): void {
    const peer = this.#peers.get(nodeId);
    if (!peer) return;
    this.#peers.delete(nodeId);
    if (isIn(peer)) this.#tell(nodeId, undefined);
  }

  /** Puts out who has been silent, or has not answered, for too long. */
  expire(): void {
    const { leaseMs, now } = this.#options;
    for (const [nodeId, peer] of this.#peers) {
      const was = isIn(peer);
      peer.isHeard &&= now() - peer.heardMs <= leaseMs;
      const isAnswering = now() - peer.answeredMs <= UNANSWERED_LEASES * leaseMs;
      this.#reach(peer, peer.isReached && peer.isHeard && isAnswering);
      if (was && !isIn(peer)) this.#tell(nodeId, undefined);
      this.#complain(nodeId, peer);
    }
  }

  /** Calls `listener` on each change until the returned function is called. */
  subscribe(listener: PeerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #note(words: NodeStatus, isAnswer: boolean): void {
    const { nodeId, protocols, now } = this.#options;
    const status = readStatus(words);
    const id = status.nodeId;
    if (id === nodeId) return;
    if (status.isLeaving) return this.forget(id);
    const peer = this.#peers.get(id) ?? this.#meet(status);
    const was = isIn(peer) ? peer.status : undefined;
    peer.heardMs = now();
    peer.isHeard = true;
    if (isAnswer) {
      peer.answeredMs = now();
      this.#reach(peer, true);
    }
    if (!isOlder(status, peer.status)) peer.status = status;
    peer.protocol = commonProtocol(protocols, protocolsOf(peer.status));
    this.#complain(id, peer);
    if (!isIn(peer)) return was && this.#tell(id, undefined);
    // Counters move all the time; whoever needs them looks.
    const isNews = !was || peer.status.startedAt !== was.startedAt ||
      status.version !== was.version;
    if (isNews) this.#tell(id, peer.status);
  }

  #meet(status: NodeStatus): Peer {
    this.#retire(status);
    const peer: Peer = {
      status,
      heardMs: this.#options.now(),
      answeredMs: this.#options.now(),
      isHeard: false,
      isReached: false,
      turnedMs: this.#options.now(),
      protocol: undefined,
      told: undefined,
    };
    this.#peers.set(status.nodeId, peer);
    return peer;
  }

  /** Why a peer that is heard is not used. */
  #faultOf({ status, isHeard, isReached, protocol }: Peer): string | undefined {
    if (!isHeard) return undefined;
    if (protocol === undefined) {
      return protocolFault(this.#options.protocols, protocolsOf(status));
    }
    return isReached ? undefined : `it is heard, but does not answer at ${status.peerUrl}`;
  }

  #reach(peer: Peer, isReached: boolean): void {
    if (peer.isReached !== isReached) peer.turnedMs = this.#options.now();
    peer.isReached = isReached;
  }

  #complain(nodeId: string, peer: Peer): void {
    const { unused, now } = this.#options;
    const fault = this.#faultOf(peer);
    // One that was met or lost a moment ago is about to be asked.
    const isEarly = peer.protocol !== undefined && now() - peer.turnedMs < EARLY_MS;
    if (fault !== undefined && isEarly) return;
    if (fault !== undefined && fault !== peer.told) unused(nodeId, fault);
    // Silence between two complaints is no news.
    if (fault !== undefined || isIn(peer)) peer.told = fault;
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

/** It can be used: it answers, in words that both know. */
function isIn({ isReached, protocol }: Peer): boolean {
  return isReached && protocol !== undefined;
}
