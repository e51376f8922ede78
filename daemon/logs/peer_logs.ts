/**
 * What the instances of other nodes write: one stream from each peer, for as long as it is in.
 * Knows the form of the streams, nothing of how a peer is called. Walk: log_stream → **peer_logs** ⇒
 * the peer's own logs.
 * @module
 */
import { type LogEntry, STREAM_SILENCE_MS } from "../../lib/contract/logs.ts";
import type { StreamRequest } from "../../lib/rpc/stream.ts";
import type { LogRequest } from "./log_request.ts";

/** The other nodes, as far as their logs are concerned. */
export interface LogPeers {
  /** Ids of the nodes that are in. */
  readonly list: () => readonly string[];
  /** Calls `joined` when a node comes in, until the returned function is called. */
  readonly subscribe: (joined: (nodeId: string) => void) => () => void;
  /** The lines of a stream of peer `nodeId`. */
  readonly stream: (
    nodeId: string,
    request: StreamRequest,
    signal: AbortSignal,
  ) => AsyncIterable<string>;
}

/** What the instances of peer `nodeId` write, and nobody else's. */
export async function* readPeer(
  peers: LogPeers,
  nodeId: string,
  { globs, sinceMs, follow }: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogEntry, void, undefined> {
  const query = new URLSearchParams({
    components: globs.join(","),
    since: (sinceMs / 1000).toFixed(3),
    follow: String(follow),
    nodes: "one",
  });
  const path = `/_mael/logs?${query}`;
  const request = { method: "GET", path, silenceMs: 3 * STREAM_SILENCE_MS } as const;
  for await (const line of peers.stream(nodeId, request, signal)) {
    // A node of ours: its entries are trusted to have the shape the contract gives them.
    yield JSON.parse(line) as LogEntry;
  }
}
