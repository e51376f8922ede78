/**
 * What everything else of a node stands on: who it is, its database and what it read from it, and
 * the Docker Engine. Owns the order in which they are opened.
 * @module
 */
import { DockerClient } from "../lib/docker/client.ts";
import type { Log } from "../lib/log.ts";
import { CLUSTER_KEY_FILE } from "../lib/rpc/locate.ts";
import type { Settings } from "./config.ts";
import { checkKey, clusterKey, DataDir } from "./data_dir.ts";
import { isClustered } from "./private_door.ts";
import { NamedValues } from "./secrets/named_values.ts";
import { PullPasswords, sealedPasswords } from "./secrets/pull_passwords.ts";
import { sealOldPasswords } from "./secrets/seal_old_passwords.ts";
import { SECRET_KEY_FILE, SecretKey } from "./secrets/secret_key.ts";
import { Catalog } from "./store/catalog.ts";
import type { Driver } from "./store/driver.ts";
import { NodeStates } from "./store/node_states.ts";
import { openDriver } from "./store/open.ts";
import { type DesiredState, Store } from "./store/store.ts";
import { TokenBook } from "./store/token_book.ts";
import { TokenStore } from "./store/tokens.ts";

/** Longest time between two looks at the desired state, in milliseconds. */
const CLUSTER_LOOK_MS = 3000;
const LONE_LOOK_MS = 30_000;

/** The opened parts. */
export interface Foundation {
  readonly dataDir: DataDir;
  readonly nodeId: string;
  readonly clusterKey: string;
  readonly driver: Driver;
  readonly store: Store;
  readonly tokenStore: TokenStore;
  readonly tokens: TokenBook;
  readonly nodeStates: NodeStates;
  readonly catalog: Catalog;
  readonly named: NamedValues;
  readonly passwords: PullPasswords;
  readonly docker: DockerClient;
  /** Cores of the engine's machine. */
  readonly cpus: number;
  /** This machine's address as containers see it. */
  readonly gatewayAddress: string;
}

/**
 * Opens them; they are closed with `stack`.
 *
 * @throws {MaelstromError} one cannot be opened; the message says which and what to do
 */
export async function openFoundation(
  stack: AsyncDisposableStack,
  settings: Settings,
  dataDirPath: string,
  log: Log,
  signal: AbortSignal,
): Promise<Foundation> {
  const dataDir = stack.use(await DataDir.open(dataDirPath));
  const nodeId = settings.nodeId || await dataDir.nodeId();
  const key = settings.clusterKey
    ? checkKey(settings.clusterKey, "MAEL_CLUSTER_KEY")
    : await clusterKey(settings.clusterKeyFile || dataDir.file(CLUSTER_KEY_FILE));

  const driver = await openDriver({
    dsn: settings.sqlDsn,
    kind: settings.sqlDriver,
    defaultPath: dataDir.file("maelstrom.db"),
    log,
  });
  const store = stack.use(new Store(driver, { nodeId }));
  const tokenStore = new TokenStore(driver);
  const tokens = stack.use(new TokenBook({ store: tokenStore, log, now: () => Date.now() }));
  await tokens.start();
  const nodeStates = stack.use(new NodeStates(driver, log));
  await nodeStates.refresh();
  // What a lost announcement hides is found by looking again, sooner where there are others.
  const everyMs = isClustered(settings) ? CLUSTER_LOOK_MS : LONE_LOOK_MS;
  const catalog = stack.use(new Catalog(store, { log, everyMs }));
  await catalog.start(signal);

  const secretKeyPath = settings.secretKeyFile || dataDir.file(SECRET_KEY_FILE);
  const secretKey = await SecretKey.load(settings.secretKey, secretKeyPath);
  const sealed = () => sealedIn(catalog.current);
  const named = new NamedValues(secretKey, log, sealed);
  named.use(catalog.current.cfg);
  stack.defer(catalog.subscribe(() => named.use(catalog.current.cfg)));
  const passwords = new PullPasswords(secretKey, sealed);
  // What is sealed with a key made here could be opened by no other node.
  const mayMakeKey = !isClustered(settings);
  if (await sealOldPasswords(store, passwords, { mayMakeKey, log })) await catalog.refresh(signal);

  const redact = (text: string) => named.redact(text);
  const docker = stack.use(new DockerClient({ host: settings.dockerHost, redact }));
  const { cpus } = await docker.info(signal);
  const gatewayAddress = await docker.gatewayAddress(signal);
  return {
    dataDir,
    nodeId,
    clusterKey: key,
    driver,
    store,
    tokenStore,
    tokens,
    nodeStates,
    catalog,
    named,
    passwords,
    docker,
    cpus,
    gatewayAddress,
  };
}

/** All that is sealed with the secret key. */
function sealedIn({ cfg, components }: DesiredState): string[] {
  return [
    ...cfg.filter(({ secret }) => secret).map(({ value }) => value),
    ...components.flatMap(({ component }) => sealedPasswords(component)),
  ];
}
