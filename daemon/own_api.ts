/**
 * The node's own endpoints: which methods and streams there are, and the two sockets at which they
 * answer, one for the administrator of the machine and one for the private door of the gateway.
 * @module
 */
import type { Log } from "../lib/log.ts";
import { ADMINISTRATOR } from "../lib/rpc/caller.ts";
import { CONTROL_SOCKET } from "../lib/rpc/locate.ts";
import { apiHandler, fromDoor } from "./api/api.ts";
import { cfgMethods } from "./api/cfg.ts";
import { componentMethods } from "./api/components.ts";
import { cronMethods } from "./api/cron.ts";
import { eventSourceMethods } from "./api/event_sources.ts";
import { logsEndpoint } from "./api/logs.ts";
import { nodeMethods } from "./api/nodes.ts";
import { projectMethods } from "./api/projects.ts";
import { pruneEndpoint } from "./api/prune.ts";
import { checkingPuts } from "./api/put_check.ts";
import { queueEndpoint, queueMethods, QueueSender } from "./api/queues.ts";
import { serveSocket } from "./api/socket.ts";
import { tokenMethods } from "./api/tokens.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Members } from "./cluster/members.ts";
import type { NodeReporter } from "./cluster/node_status.ts";
import type { Peers } from "./cluster/peers.ts";
import type { Targets } from "./cluster/targets.ts";
import type { Settings } from "./config.ts";
import { LABEL, NODE_LABEL } from "./converger/container_spec.ts";
import type { Foundation } from "./foundation.ts";
import type { HostMounts } from "./host_mounts.ts";
import { Logs } from "./logs/logs.ts";
import type { LogPeers } from "./logs/peer_logs.ts";
import { diskPct } from "./prune/disk.ts";
import { Pruner } from "./prune/pruner.ts";
import type { CronRuns } from "./store/cron_runs.ts";
import type { QueueStore } from "./store/queue.ts";
import type { QueueAdmin } from "./store/queue_admin.ts";

const API_SOCKET = "api.sock";

/** What the endpoints work on. */
export interface OwnApiOptions {
  readonly settings: Settings;
  readonly foundation: Foundation;
  readonly members: Members;
  readonly cluster: Cluster;
  readonly peers: Peers;
  readonly reporter: NodeReporter;
  readonly targets: Targets;
  readonly hostMounts: HostMounts;
  readonly cronRuns: CronRuns;
  readonly queues: QueueStore;
  readonly queueAdmin: QueueAdmin;
  /** Resolves when every thread routes by the newest desired state. */
  readonly applied: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** The endpoints, answering. */
export class OwnApi implements AsyncDisposable {
  readonly pruner: Pruner;
  /** Where the private door of the gateway finds them. */
  readonly socketPath: string;
  readonly #options: OwnApiOptions;
  readonly #logs: Logs;
  readonly #stack = new AsyncDisposableStack();
  readonly #ending = new AbortController();

  private constructor(options: OwnApiOptions) {
    this.#options = options;
    this.#logs = newLogs(options);
    this.pruner = newPruner(options);
    this.socketPath = options.foundation.dataDir.file(API_SOCKET);
  }

  /** Begins to answer. */
  static async open(options: OwnApiOptions): Promise<OwnApi> {
    const { foundation: { dataDir }, log } = options;
    const api = new OwnApi(options);
    const handler = api.#handler();
    const administer = (request: Request) => handler(request, ADMINISTRATOR);
    try {
      api.#stack.use(await serveSocket(dataDir.file(CONTROL_SOCKET), administer, log));
      api.#stack.use(await serveSocket(api.socketPath, fromDoor(handler), log));
    } catch (error) {
      await api[Symbol.asyncDispose]();
      throw error;
    }
    return api;
  }

  /** Ends the answers that go on for as long as their caller stays: a server that drains waits for them. */
  async endStreams(): Promise<void> {
    this.#ending.abort();
    await this.#logs[Symbol.asyncDispose]();
  }

  /** Ends every answer. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.endStreams();
    await this.#stack[Symbol.asyncDispose]();
  }

  #handler() {
    const { foundation, hostMounts, queues, queueAdmin, log, now } = this.#options;
    const { catalog } = foundation;
    const queueOptions = {
      store: queues,
      admin: queueAdmin,
      catalog,
      now: () => performance.now(),
    };
    const sender = new QueueSender(queueOptions);
    const methods = { ...this.#methods(), ...queueMethods(queueOptions, sender) };
    const names = () => [...catalog.current.componentByName.keys()];
    return apiHandler(
      checkingPuts(methods, (component) => hostMounts.checkPut(component)),
      log,
      {
        "/_mael/logs": logsEndpoint({ logs: this.#logs, names, now }),
        "/_mael/prune": pruneEndpoint(this.pruner, log, this.#ending.signal),
        "/queues/": queueEndpoint(sender),
      },
    );
  }

  #methods() {
    const { foundation, cluster, peers, reporter, targets, cronRuns, log, now } = this.#options;
    const { store, catalog, named, passwords, nodeStates: states, tokens: book } = foundation;
    const effective = {
      refresh: async (signal: AbortSignal) => {
        await catalog.refresh(signal);
        await this.#options.applied(signal);
      },
    };
    return {
      ...componentMethods(store, effective, passwords, {
        nodes: () => cluster.nodes(),
        refusalOf: (component) => targets.refusalOf(component),
      }),
      ...cfgMethods(store, effective, named),
      ...eventSourceMethods(store, effective, () => cluster.nodes()),
      ...cronMethods({ store, runs: cronRuns, now }),
      ...projectMethods(store, effective, passwords),
      ...nodeMethods({ reporter, cluster, peers, targets, states, store, now }),
      ...tokenMethods({ store: foundation.tokenStore, book, log, now }),
    };
  }
}

function newLogs({ foundation, members, cluster, peers, log, now }: OwnApiOptions): Logs {
  const { docker, nodeId } = foundation;
  const others: LogPeers = {
    list: () => cluster.nodes().map((node) => node.nodeId).filter((id) => id !== nodeId),
    subscribe: (joined) => cluster.subscribe((peer, status) => status && joined(peer)),
    stream: (peer, request, signal) => peers.stream(peer, request, signal),
  };
  return new Logs({ docker, members, nodeId, peers: others, log, now });
}

/** What removes left over containers of this node, and images as the settings allow. */
function newPruner({ settings, foundation, members, log, now }: OwnApiOptions): Pruner {
  const { docker, store, nodeId } = foundation;
  return new Pruner({
    docker,
    policy: {
      images: settings.pruneImages,
      keep: settings.pruneKeep,
      only: settings.pruneOnly,
      ageMs: settings.pruneAgeMinutes * 60_000,
      diskPct: settings.pruneDiskPct,
    },
    isOurs: (labels) => labels[LABEL] === "true" && labels[NODE_LABEL] === nodeId,
    isKnown: (name) => members.get(name) !== undefined,
    named: () => store.listKeptImages(),
    // Another machine's disk cannot be looked at.
    diskPct: async (signal) =>
      docker.isLocal ? await diskPct((await docker.info(signal)).dataRoot) : undefined,
    log,
    now,
  });
}
