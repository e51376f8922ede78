/** Methods on nodes: what each says of itself. @module */
import type { NodeReporter } from "../cluster/node_status.ts";
import type { Methods } from "./rpc.ts";

type Noun = "NodeService.ListNodeStatus" | "NodeService.GetStatus";

/** The methods, over this node's own report. */
export function nodeMethods(reporter: NodeReporter): Pick<Methods, Noun> {
  return {
    "NodeService.ListNodeStatus"() {
      const nodes = [reporter.status()];
      return Promise.resolve({ respondingNodeId: reporter.nodeId, nodes });
    },
    "NodeService.GetStatus"() {
      return Promise.resolve({ status: reporter.status() });
    },
  };
}
