/**
 * The wiring diagram: builds every part in order, and takes them down in reverse. A part gets only
 * what it declares; what it needs from above or beside is a function given here.
 * @module
 */
import { Tasks } from "../lib/async/tasks.ts";
import { DockerClient } from "../lib/docker/client.ts";
import { MaelstromError } from "../lib/errors.ts";
import { type HttpServer, serveHttp } from "../lib/http/server.ts";
import type { Handler } from "../lib/http/exchange.ts";
import { Upstream } from "../lib/http/upstream.ts";
import type { Log } from "../lib/log.ts";
import { CLUSTER_KEY_FILE, CONTROL_SOCKET } from "../lib/rpc/locate.ts";
import { apiHandler } from "./api/api.ts";
import { componentMethods } from "./api/components.ts";
import { eventSourceMethods } from "./api/event_sources.ts";
import { logsEndpoint } from "./api/logs.ts";
import { nodeMethods } from "./api/nodes.ts";
import { pruneEndpoint } from "./api/prune.ts";
import { projectMethods } from "./api/projects.ts";
import { serveSocket } from "./api/socket.ts";
import { Members } from "./cluster/members.ts";
import { machineMemory, NodeReporter } from "./cluster/node_status.ts";
import type { Settings } from "./config.ts";
import { LABEL, NODE_LABEL } from "./converger/container.ts";
import { Converger } from "./converger/converger.ts";
import { checkKey, clusterKey, DataDir } from "./data_dir.ts";
import { AccessLog } from "./gateway/access_log.ts";
import { addressRanges } from "./gateway/address_ranges.ts";
import { Gateway } from "./gateway/gateway.ts";
import { ProxyWorkers } from "./gateway/proxy_workers.ts";
import { Resolver } from "./gateway/resolver.ts";
import { refuseMisdirected, SecureDoor } from "./gateway/secure_door.ts";
import { httpLimits } from "./http_limits.ts";
import { checkFree, listenTcp } from "./listen.ts";
import { Logs } from "./logs/logs.ts";
import { diskPct } from "./prune/disk.ts";
import { Pruner } from "./prune/pruner.ts";
import { QueueBudget } from "./router/queue.ts";
import { Routers } from "./router/router.ts";
import { TokenDesk } from "./router/token_desk.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import { Catalog } from "./store/catalog.ts";
import { openSqlite } from "./store/sqlite.ts";
import { type DesiredState, Store } from "./store/store.ts";
import type { WorkerSetup } from "./worker.ts";

const API_SOCKET = "api.sock";
const PUBLIC_FLAGS = "--public-port or --public-addr";

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

  const dataDir = stack.use(await DataDir.open(dataDirPath));
  const nodeId = settings.nodeId || await dataDir.nodeId();
  const key = settings.clusterKey
    ? checkKey(settings.clusterKey, "MAEL_CLUSTER_KEY")
    : await clusterKey(settings.clusterKeyFile || dataDir.file(CLUSTER_KEY_FILE));

  const driver = await openSqlite(sqlitePath(settings, dataDir), { log });
  const store = stack.use(new Store(driver, { nodeId }));
  const catalog = stack.use(new Catalog(store, { log }));
  await catalog.start(signal);

  const docker = stack.use(new DockerClient({ host: settings.dockerHost }));
  const { cpus } = await docker.info(signal);
  const gatewayAddress = await docker.gatewayAddress(signal);
  const privateUrl = `http://${gatewayAddress}:${settings.privatePort}`;
  const totalMemoryMiB = offeredMemory(settings);

  const members = new Members();
  const traffic = (id: string) => routers.instance(id);
  const tasks = stack.use(new Tasks(log));
  const workerCount = settings.proxyWorkers || navigator.hardwareConcurrency;
  const desk = new TokenDesk((component) => routers.of(component));
  const routers: Routers = new Routers({
    queueMax: settings.queueMax,
    queueBudget: new QueueBudget(settings.queueTotalMax),
    wake: () => scheduler.replan(),
    blocked: (component) => converger.blocked(component),
    verify: (id) => converger.verify(id),
    now,
    ...(workerCount > 1 ? { lender: desk } : {}),
  });
  const converger: Converger = stack.use(
    new Converger({
      docker,
      nodeId,
      privateUrl,
      members,
      log,
      tasks,
      drainMs: settings.drainSeconds * 1000,
      drain: (id, signal) => routers.drain(id, signal),
      inFlight: (id) => traffic(id)?.inFlight ?? 0,
      failed: (component, error) => routers.of(component).fail(error),
      now,
    }),
  );
  const scheduler: Scheduler = stack.use(
    new Scheduler({
      nodeId,
      totalMemoryMiB,
      catalog,
      members,
      log,
      traffic,
      queued: (component) => routers.queued(component),
      setTargets: (targets) => converger.setTargets(targets),
      refuse: (component, error) => routers.of(component).fail(error),
      now,
    }),
  );
  const reporter = stack.use(
    new NodeReporter({
      nodeId,
      peerUrl: privateUrl,
      cpus,
      totalMemoryMiB,
      members,
      store,
      log,
      traffic,
      failures: () => converger.failures(),
      now,
    }),
  );
  stack.defer(members.subscribe((id, fact) => {
    routers.follow(id, fact);
    scheduler.replan();
  }));
  stack.defer(catalog.subscribe(() => {
    routers.sweep((component) => catalog.current.componentByName.has(component));
    scheduler.replan();
  }));

  const logs = new Logs({ docker, members, nodeId, log, now });
  const pruner = newPruner(settings, { docker, catalog, members, nodeId, log });
  const ending = new AbortController();

  let workers: ProxyWorkers<WorkerSetup> | undefined;
  const applied = {
    async refresh(signal: AbortSignal) {
      await catalog.refresh(signal);
      await workers?.applied(signal);
    },
  };
  const handler = apiHandler(
    {
      ...componentMethods(store, applied, () => Promise.resolve([reporter.status()])),
      ...eventSourceMethods(store, applied),
      ...projectMethods(store, applied),
      ...nodeMethods(reporter),
    },
    log,
    {
      "/_mael/logs": logsEndpoint({ logs, names: () => namesOf(catalog), now }),
      "/_mael/prune": pruneEndpoint(pruner, log, ending.signal),
    },
  );
  for (const name of [CONTROL_SOCKET, API_SOCKET]) {
    stack.use(await serveSocket(dataDir.file(name), handler, log));
  }
  // Streams end first: a server that drains waits for them.
  const endStreams = async () => {
    ending.abort();
    await logs[Symbol.asyncDispose]();
  };
  stack.defer(endStreams);

  const gateway = new Gateway({
    resolver: new Resolver(catalog),
    routers,
    log,
    accessLog: new AccessLog({ sample: settings.accessLog, write: writeStdout, tasks }),
    coldStartHeader: settings.coldStartHeader,
    trusted: addressRanges(settings.trustedProxies, "MAEL_TRUSTED_PROXIES"),
    api: new Upstream({ path: dataDir.file(API_SOCKET) }),
    clusterKey: key,
    rpcAuth: settings.rpcAuth,
  });
  await converger.start(catalog.current.componentByName, signal);
  scheduler.replan();

  const servers: Pick<HttpServer, "drain">[] = [];
  const errorReply: Gateway["errorReply"] = (...failure) => gateway.errorReply(...failure);
  const serve = (listeners: readonly Deno.Listener[], handle: Handler) => {
    const limits = httpLimits(settings);
    servers.push(stack.use(serveHttp(listeners, handle, { log, errorReply, limits })));
  };
  const { publicPort, publicAddr, privatePort } = settings;
  if (publicPort > 0 && workerCount > 1) {
    workers = stack.use(await startWorkers(settings, workerCount, { catalog, desk, dataDir, log }));
    const post = () => workers?.postState(stateOf(catalog));
    stack.defer(catalog.subscribe(post));
    // What changed while they started.
    post();
    servers.push(workers);
  } else if (publicPort > 0) {
    const listeners = listenTcp(publicAddr, publicPort, PUBLIC_FLAGS);
    serve(listeners, (exchange) => gateway.handlePublic(exchange));
  }
  if (
    settings.publicHttpsPort > 0 && settings.tlsCertFile.length + settings.tlsKeyFile.length > 0
  ) {
    const door = stack.use(
      await SecureDoor.open({
        addresses: publicAddr,
        port: settings.publicHttpsPort,
        certFiles: settings.tlsCertFile,
        keyFiles: settings.tlsKeyFile,
        idleMs: settings.idleTimeoutSeconds * 1000,
        log,
      }),
    );
    serve(
      door.listeners,
      refuseMisdirected((exchange) => gateway.handlePublic(exchange), errorReply),
    );
  }
  if (privatePort > 0) {
    const listeners = privateListeners(settings, gatewayAddress, log);
    serve(listeners, (exchange) => gateway.handlePrivate(exchange));
  }
  if (settings.pruneMinutes > 0) {
    const everyMs = settings.pruneMinutes * 60_000;
    tasks.run("prune", (signal) => pruner.keepPruning(everyMs, signal));
  }
  log.info("node ready", { nodeId, publicPort, privatePort, dataDir: dataDir.path });

  const running = stack.move();
  return {
    nodeId,
    privateUrl,
    async stop(cut: AbortSignal) {
      const limit = AbortSignal.any([cut, AbortSignal.timeout(settings.drainSeconds * 1000)]);
      await endStreams();
      await Promise.all(servers.map((server) => server.drain(limit)));
      await running.disposeAsync();
    },
  };
}

function sqlitePath({ sqlDsn, sqlDriver }: Settings, dataDir: DataDir): string {
  if (sqlDsn === "") return dataDir.file("maelstrom.db");
  const path = /^sqlite:(?!\/\/)(.+)$/.exec(sqlDsn)?.[1];
  if (path !== undefined && (sqlDriver === "" || sqlDriver.startsWith("sqlite"))) return path;
  // A DSN may hold a password: only its scheme is shown.
  const scheme = /^[a-z0-9]+(?=:)/i.exec(sqlDsn)?.[0] ?? "none";
  throw new MaelstromError(
    "invalid",
    path === undefined
      ? `Cannot open database: MAEL_SQL_DSN must be sqlite:PATH in this release, found scheme "${scheme}"`
      : `Cannot open database: MAEL_SQL_DRIVER is "${sqlDriver}", but MAEL_SQL_DSN names SQLite`,
  );
}

/** Threads that serve the public port, when it is more than the main one. */
function startWorkers(
  settings: Settings,
  count: number,
  { catalog, desk, dataDir, log }: {
    readonly catalog: Catalog;
    readonly desk: TokenDesk;
    readonly dataDir: DataDir;
    readonly log: Log;
  },
): Promise<ProxyWorkers<WorkerSetup>> {
  checkFree(settings.publicAddr, settings.publicPort, PUBLIC_FLAGS);
  return ProxyWorkers.start({
    count,
    lifelineOf: (number) => dataDir.file(`proxy-${number}.sock`),
    setup: { settings, workers: count },
    spawn: (number) => new Worker(Deno.mainModule, { type: "module", name: `proxy ${number}` }),
    state: stateOf(catalog),
    desk,
    write: writeStdout,
    log,
  });
}

function namesOf({ current }: Catalog): string[] {
  return [...current.componentByName.keys()];
}

/** What removes left over containers of this node, and images as the settings allow. */
function newPruner(
  settings: Settings,
  { docker, catalog, members, nodeId, log }: {
    readonly docker: DockerClient;
    readonly catalog: Catalog;
    readonly members: Members;
    readonly nodeId: string;
    readonly log: Log;
  },
): Pruner {
  const isLocal = settings.dockerHost.startsWith("unix:");
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
    named: () => catalog.current.components.map(({ component }) => component.docker.image),
    // Another machine's disk cannot be looked at.
    diskPct: async (signal) =>
      isLocal ? await diskPct((await docker.info(signal)).dataRoot) : undefined,
    log,
    now: () => Date.now(),
  });
}

/** The snapshot without what can be made of it again. */
function stateOf({ current: { components, eventSources } }: Catalog): DesiredState {
  return { components, eventSources };
}

async function writeStdout(text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
}

function offeredMemory({ totalMemoryMiB }: Settings): number {
  const { totalMiB } = machineMemory();
  return totalMemoryMiB < 0 ? totalMiB : Math.min(totalMiB, totalMemoryMiB);
}

/** Loopback for people, the Docker bridge for containers, unless the settings name addresses. */
function privateListeners(
  { privateAddr, privatePort }: Settings,
  gatewayAddress: string,
  log: Log,
): Deno.TcpListener[] {
  const flag = "--private-port or --private-addr";
  if (privateAddr.length > 0) return listenTcp(privateAddr, privatePort, flag);
  const listeners = listenTcp(["127.0.0.1"], privatePort, flag);
  try {
    listeners.push(...listenTcp([gatewayAddress], privatePort, flag));
  } catch (error) {
    log.warn("containers cannot call other components through this node", { error });
  }
  return listeners;
}
