/** Methods on nodes: what each says of itself, and what nodes say to each other. @module */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeReporter } from "../cluster/node_status.ts";
import type { Peers } from "../cluster/peers.ts";
import type { Targets } from "../cluster/targets.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { NodeStates } from "../store/node_states.ts";
import type { Store } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "NodeService.ListNodeStatus"
  | "NodeService.GetStatus"
  | "NodeService.PutNodeState"
  | "NodeService.RemoveNode"
  | "NodeService.StatusChanged"
  | "NodeService.SetTargets";

/** What the methods work on. */
export interface NodeMethodsOptions {
  readonly reporter: NodeReporter;
  readonly cluster: Cluster;
  readonly peers: Peers;
  readonly targets: Targets;
  readonly states: NodeStates;
  readonly store: Pick<Store, "removeNodeStatus">;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** The methods. */
export function nodeMethods(
  { reporter, cluster, peers, targets, states, store, now }: NodeMethodsOptions,
): Pick<Methods, Noun> {
  return {
    async "NodeService.ListNodeStatus"({ forceRefresh = false }, signal) {
      if (forceRefresh) await peers.refresh(signal);
      const known = cluster.known();
      return {
        respondingNodeId: reporter.nodeId,
        nodes: known.map(({ status }) => status),
        silentNodeIds: known.filter(({ isIn }) => !isIn).map(({ status }) => status.nodeId),
        unusedNodes: known.flatMap(({ status: { nodeId }, fault: reason }) =>
          reason === undefined ? [] : { nodeId, reason }
        ),
      };
    },
    "NodeService.GetStatus"() {
      return Promise.resolve({ status: reporter.status() });
    },
    async "NodeService.PutNodeState"({ nodeId, state }) {
      if (!cluster.known().some(({ status }) => status.nodeId === nodeId)) throw unknown(nodeId);
      await states.put(nodeId, state, now());
      return { nodeId, state };
    },
    async "NodeService.RemoveNode"({ nodeId }) {
      if (nodeId === reporter.nodeId || cluster.isHeard(nodeId)) {
        throw new MaelstromError(
          "in_use",
          `Cannot remove node "${nodeId}": it is running; stop its daemon first`,
        );
      }
      const found = await store.removeNodeStatus(nodeId);
      await states.put(nodeId, "ready", now());
      cluster.forget(nodeId);
      return { nodeId, found };
    },
    "NodeService.StatusChanged"({ nodeId, exiting, status }) {
      if (exiting || !status) cluster.forget(nodeId);
      else peers.hear(status);
      return Promise.resolve({ nodeId: reporter.nodeId, status: reporter.status() });
    },
    "NodeService.SetTargets"(order) {
      targets.accept(order);
      return Promise.resolve({ nodeId: reporter.nodeId });
    },
  };
}

function unknown(nodeId: string): MaelstromError {
  return new MaelstromError("not_found", `No node found with id: ${nodeId}`);
}
