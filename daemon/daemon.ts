/**
 * The wiring diagram: builds every part in order, and takes them down in reverse. A part gets only
 * what it declares; what it needs from above or beside is a function given here.
 * @module
 */
import { Limiter } from "../lib/async/limiter.ts";
import { Recurring } from "../lib/async/recurring.ts";
import { Tasks } from "../lib/async/tasks.ts";
import { effective } from "../lib/contract/effective.ts";
import { PROTOCOLS } from "../lib/contract/protocol.ts";
import { together } from "../lib/async/together.ts";
import { MaelstromError } from "../lib/errors.ts";
import { InnerLine } from "../lib/http/inner_line.ts";
import { Upstream } from "../lib/http/upstream.ts";
import type { Log } from "../lib/log.ts";
import { RpcClient } from "../lib/rpc/client.ts";
import type { RpcTarget } from "../lib/rpc/locate.ts";
import { signingKey } from "../lib/rpc/signature.ts";
import { SignatureCheck } from "../lib/rpc/signature_check.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Members } from "./cluster/members.ts";
import { machineMemory, NodeReporter } from "./cluster/node_status.ts";
import { Peers } from "./cluster/peers.ts";
import { Roles } from "./cluster/role.ts";
import { forgetSilentNodes, type SilentNodesOptions } from "./cluster/silent_nodes.ts";
import { Targets } from "./cluster/targets.ts";
import type { Settings } from "./config.ts";
import { HostMounts } from "./host_mounts.ts";
import { Invoker } from "./invoke.ts";
import { Converger } from "./converger/converger.ts";
import { Freezer } from "./converger/freezer.ts";
import { Images } from "./converger/images.ts";
import { Doors, workerCount } from "./doors.ts";
import { openFoundation } from "./foundation.ts";
import { OwnApi } from "./own_api.ts";
import { AccessLog } from "./gateway/access_log.ts";
import { addressRanges } from "./gateway/address_ranges.ts";
import { ApiDoor } from "./gateway/api_door.ts";
import { Gateway } from "./gateway/gateway.ts";
import { Relays } from "./gateway/relay.ts";
import { Resolver } from "./gateway/resolver.ts";
import { LogEcho } from "./logs/log_echo.ts";
import { ownAddressOf, peerUrl, privateListeners } from "./private_door.ts";
import { QueueBudget } from "./router/queue.ts";
import { Routers } from "./router/router.ts";
import { TokenDesk } from "./router/token_desk.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import { Cron, CRON_ROLE, type CronOptions } from "./sources/cron.ts";
import type { Catalog } from "./store/catalog.ts";
import { CronRuns } from "./store/cron_runs.ts";
import { newestEpoch } from "./store/epoch.ts";
import { QueueStore } from "./store/queue.ts";
import { QueueAdmin } from "./store/queue_admin.ts";
import { QueueNews } from "./store/queue_news.ts";
import { activityKind, sqsKind } from "./sources/aws_kinds.ts";
import { Pollers } from "./sources/pollers.ts";
import { storeQueueKind } from "./sources/store_queue.ts";

/** Containers that start at the same time, at least; twice the engine's cores if that is more. */
const STARTS_MIN = 4;
/** Silence after which a peer is out, in milliseconds. */
const LEASE_MS = 3000;
/** Time between two sweeps of messages that are too old, in milliseconds. */
const QUEUE_SWEEP_MS = 60_000;
/** Longest time that a freed role stands empty, in milliseconds. */
const ROLE_RETRY_MS = 500;

/** A running node. */
export interface Daemon {
  readonly nodeId: string;
  readonly privateUrl: string;
  /**
   * Stops: no new connection, requests in progress end (until the drain time is over or `now`
   * aborts), then everything is taken down. Containers are left for the next start to adopt.
   */
  stop(now: AbortSignal): Promise<void>;
}

/**
 * Starts a node. `dataDirPath` is where it keeps its state.
 *
 * @throws {MaelstromError} a part cannot start; the message says which and what to do
 */
export async function startDaemon(
  settings: Settings,
  dataDirPath: string,
  log: Log,
  signal: AbortSignal,
): Promise<Daemon> {
  await using stack = new AsyncDisposableStack();
  const now = () => Date.now();

  const foundation = await openFoundation(stack, settings, dataDirPath, log, signal);
  const { dataDir, nodeId, driver, store, tokens, nodeStates, catalog, named } = foundation;
  const { docker, cpus, gatewayAddress, clusterKey } = foundation;
  const privateUrl = `http://${gatewayAddress}:${settings.privatePort}`;
  const totalMemoryMiB = offeredMemory(settings);

  const hostMounts = new HostMounts(settings.hostMounts, docker.isLocal);
  const members = new Members();
  const traffic = (id: string) => routers.instance(id);
  const tasks = stack.use(new Tasks(log));
  const desk = new TokenDesk((component) => routers.of(component));
  const routers: Routers = new Routers({
    queueMax: settings.queueMax,
    queueBudget: new QueueBudget(settings.queueTotalMax),
    wake: () => {
      scheduler.replan();
      reporter.changed();
    },
    blocked: (component) => blocked(component),
    thaw: (id) => converger.thaw(id),
    verify: (id) => converger.verify(id),
    verifyPeer: (peer) => tasks.run(`verify ${peer}`, (signal) => peers.check(peer, signal)),
    now,
    ...(workerCount(settings) > 1 ? { lender: desk } : {}),
  });
  const allowsPullCommand = settings.pullCommand === "on";
  const images = new Images({
    docker,
    log,
    tasks,
    allowsPullCommand,
    passwordOf: (component) => foundation.passwords.textOf(component),
    now,
  });
  const converger: Converger = stack.use(
    new Converger({
      docker,
      starts: new Limiter(Math.max(STARTS_MIN, 2 * cpus)),
      images,
      nodeId,
      privateUrl,
      resolve: (text) => named.resolve(text),
      permit: (component) => hostMounts.checkStart(component),
      members,
      log,
      tasks,
      drainMs: settings.drainSeconds * 1000,
      drain: (id, signal) => routers.drain(id, signal),
      traffic,
      freezer: new Freezer(docker, log),
      failed: (component) => failWaiting(component),
      now,
    }),
  );
  const scheduler = new Scheduler({
    catalog,
    nodes: () => cluster.nodes(),
    send: async (id, order, signal) => {
      if (id === nodeId) return targets.accept(order);
      await peers.call(id, "NodeService.SetTargets", order, signal);
    },
    log,
    now,
  });
  const reporter: NodeReporter = stack.use(
    new NodeReporter({
      nodeId,
      peerUrl: peerUrl(settings, gatewayAddress),
      protocols: PROTOCOLS,
      cpus,
      totalMemoryMiB,
      members,
      store,
      log,
      traffic,
      failures: () => converger.failures(),
      stuck: () => targets.stuck,
      waiting: () => routers.waiting(),
      roles: () => roles.held(),
      sources: () => pollers.status(),
      labels: labelsOf(settings),
      state: () => nodeStates.of(nodeId),
      reached: () => cluster.reached(),
      announce: () => peers.announce(),
      now,
    }),
  );
  const roles = new Roles({
    store,
    log,
    retryMs: ROLE_RETRY_MS,
    changed: () => reporter.changed(),
  });
  const self = () => reporter.status();
  const cluster = new Cluster({
    nodeId,
    protocols: PROTOCOLS,
    self,
    leaseMs: LEASE_MS,
    unused: (peer, reason) => log.warn("peer is not used", { peer, reason }),
    now: () => performance.now(),
  });
  const peers: Peers = stack.use(
    new Peers({
      nodeId,
      self,
      cluster,
      store,
      log,
      tasks,
      connect: (url, to) => new RpcClient(placeOf(url, clusterKey), { by: nodeId, to }),
    }),
  );
  stack.defer(nodeStates.subscribe(() => reporter.changed()));
  const targets = new Targets({
    epoch: await newestEpoch(driver, "placement"),
    log,
    components: () => catalog.current.components,
    setTargets: (targets) => converger.setTargets(targets),
    refuse: (component, error) => routers.of(component).fail(error),
  });
  const blocked = (component: string) => {
    if (cluster.isAlone) return converger.blocked(component);
    const failure = cluster.failureOf(component, now());
    return failure && new MaelstromError("start_failed", failure.message);
  };
  const failWaiting = (component: string) => {
    const error = blocked(component);
    if (error) routers.of(component).fail(error);
  };
  const innerLine = new InnerLine(ownAddressOf(settings), settings.privatePort);
  const { invoke } = stack.use(
    new Invoker({
      connect: () => innerLine.connect(),
      hostname: ownAddressOf(settings),
      port: settings.privatePort,
      pass: () => relays.pass(),
      maxDurationMs: (name) => maxDurationMs(catalog, name),
    }),
  );
  const queueNews = stack.use(new QueueNews(driver));
  const queues = new QueueStore(driver, queueNews);
  const queueAdmin = new QueueAdmin(driver, queueNews);
  const pollers = new Pollers({
    nodeId,
    kinds: [sqsKind, activityKind(nodeId), storeQueueKind({ queues, news: queueNews, log })],
    catalog,
    roles,
    nodes: () => cluster.nodes(),
    invoke,
    blocked,
    changed: () => reporter.changed(),
    log,
    now,
  });
  stack.defer(cluster.subscribe((peer, status) => {
    routers.followPeer(peer, status);
    for (const { componentName } of status?.failures ?? []) failWaiting(componentName);
    pollers.replan();
    scheduler.replan();
  }));
  // One that is to drain receives nothing more from then on; its instances go later.
  stack.defer(nodeStates.subscribe(() => pollers.replan()));
  stack.defer(members.subscribe((id, fact) => {
    routers.follow(id, fact);
    pollers.replan();
    scheduler.replan();
  }));
  const echo = stack.use(new LogEcho({ docker, members, nodeId, log, now }));
  stack.defer(catalog.subscribe(() => {
    routers.sweep((component) => catalog.current.componentByName.has(component));
    images.follow(catalog.current.components);
    echo.follow(catalog.current.components);
    targets.apply();
    scheduler.replan();
  }));

  const cronRuns = new CronRuns(driver);
  stack.use(sweepQueues(queueAdmin, log)).poke();
  const ownApi = stack.use(
    await OwnApi.open({
      settings,
      foundation,
      members,
      cluster,
      peers,
      reporter,
      targets,
      hostMounts,
      cronRuns,
      queues,
      queueAdmin,
      applied: (signal) => doors.applied(signal),
      log,
      now,
    }),
  );

  const relays = new Relays({ nodeId, clusterKey, now });
  const gateway = new Gateway({
    resolver: new Resolver(catalog),
    routers,
    log,
    accessLog: new AccessLog({ sample: settings.accessLog, write: writeStdout, tasks }),
    coldStartHeader: settings.coldStartHeader,
    trusted: addressRanges(settings.trustedProxies, "MAEL_TRUSTED_PROXIES"),
    apiDoor: new ApiDoor({
      api: new Upstream({ path: ownApi.socketPath }),
      signatures: new SignatureCheck({ key: await signingKey(clusterKey), nodeId, now }),
      tokens,
      rpcAuth: settings.rpcAuth,
      now,
    }),
    relays,
  });
  await converger.start(catalog.current.componentByName, signal);
  images.follow(catalog.current.components);
  echo.follow(catalog.current.components);
  const doors: Doors = stack.use(
    await Doors.open({
      settings,
      privateListeners: () => [
        ...privateListeners(settings, gatewayAddress, log),
        innerLine,
      ],
      gateway,
      catalog,
      desk,
      dataDir,
      relay: { nodeId, clusterKey },
      write: writeStdout,
      log,
    }),
  );
  // Peers are met when they can answer.
  await reporter.start();
  await peers.start(signal);
  const livenessMs = settings.livenessSeconds * 1000;
  const silence: SilentNodesOptions = { store, cluster, livenessMs, log, now };
  const duties = stack.use(new Tasks(log));
  duties.run("placement", (signal) =>
    roles.hold("placement", async (epoch, signal) => {
      // Whoever begins to plan knows first what runs.
      await peers.refresh(signal);
      await together(signal, [
        (signal) => scheduler.own(epoch, signal),
        (signal) => forgetSilentNodes(silence, { role: "placement", epoch }, signal),
      ]);
    }, signal));
  const cronDuty = stack.use(new Tasks(log));
  const cron = newCron(settings, { catalog, runs: cronRuns, invoke, nodeId, log, now });
  // Requests at cron times go by the private port.
  if (settings.privatePort > 0) {
    cronDuty.run(
      "cron",
      (stop) => roles.hold(CRON_ROLE, (epoch, signal) => cron.own(epoch, signal, stop), stop),
    );
  }
  // Messages go by it too.
  if (settings.privatePort > 0) pollers.start();
  if (settings.pruneMinutes > 0) {
    const everyMs = settings.pruneMinutes * 60_000;
    tasks.run("prune", (signal) => ownApi.pruner.keepPruning(everyMs, signal));
  }
  const { publicPort, privatePort } = settings;
  log.info("node ready", { nodeId, publicPort, privatePort, dataDir: dataDir.path });

  const running = stack.move();
  return {
    nodeId,
    privateUrl,
    async stop(cut: AbortSignal) {
      const limit = AbortSignal.any([cut, AbortSignal.timeout(settings.drainSeconds * 1000)]);
      await ownApi.endStreams();
      reporter.leave();
      await peers.refresh(limit);
      // Without peers, those who wait still need an instance.
      const sourcesEnded = [cronDuty[Symbol.asyncDispose](), pollers.stop(limit)];
      if (!cluster.isAlone) await duties[Symbol.asyncDispose]();
      await Promise.all([doors.drain(limit), ...sourcesEnded]);
      await running.disposeAsync();
    },
  };
}

/** What removes messages that are too old. */
function sweepQueues(admin: QueueAdmin, log: Log): Recurring {
  return new Recurring(async () => {
    for (const [queue, count] of await admin.removeExpired()) {
      log.warn("messages removed, they were too old", { queue, count });
    }
  }, { name: "queues", everyMs: QUEUE_SWEEP_MS, log });
}

/** Calls the node at `url` as a peer. */
function placeOf(url: string, key: string): RpcTarget {
  const findKey = () => Promise.resolve({ key, from: "the cluster key" });
  return { places: [{ kind: "url", url }], findKey };
}

function maxDurationMs({ current }: Pick<Catalog, "current">, component: string): number {
  const stored = current.componentByName.get(component);
  return stored ? effective(stored.component).maxDurationMs : 0;
}

/** What starts components at the times of their cron event sources. */
function newCron(
  settings: Settings,
  parts: Pick<CronOptions, "catalog" | "runs" | "invoke" | "nodeId" | "log" | "now">,
): Cron {
  return new Cron({
    ...parts,
    keepRuns: settings.cronKeepRuns,
    keepMs: settings.cronKeepDays * 24 * 3600_000,
    lookMs: settings.cronRefreshSeconds * 1000,
    drainMs: settings.drainSeconds * 1000,
  });
}

async function writeStdout(text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
}

/** @throws {MaelstromError} invalid: a label has no value */
function labelsOf({ nodeLabels }: Settings): Record<string, string> {
  return Object.fromEntries(nodeLabels.map((label) => {
    const [, name = "", value = ""] = /^([\w./-]+)=([\w./-]*)$/.exec(label) ?? [];
    if (name !== "") return [name, value];
    throw new MaelstromError(
      "invalid",
      `Cannot use MAEL_NODE_LABELS: must be labels like "zone=a", found "${label}"`,
    );
  }));
}

function offeredMemory({ totalMemoryMiB }: Settings): number {
  const { totalMiB } = machineMemory();
  return totalMemoryMiB < 0 ? totalMiB : Math.min(totalMiB, totalMemoryMiB);
}
