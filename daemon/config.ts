/**
 * The one table of settings: environment name, flag, default, range, sentence. Flag beats
 * environment beats file beats default. `daemon.ts` hands each part only the values it declares;
 * help and the reference page are printed from this table.
 * @module
 */
import { MaelstromError } from "../lib/errors.ts";
import { plainPath } from "../lib/contract/host_mounts.ts";
import { nearest } from "../lib/contract/nearest.ts";
import type { LogLevel } from "../lib/log.ts";
import { parseEnvFile } from "../lib/project/env_file.ts";

/** One row of the table. */
interface Setting<T> {
  readonly env: string;
  readonly value: T;
  /** Shown as the default. */
  readonly shown: string;
  /** What may be given, as help says it. */
  readonly range: string;
  readonly sentence: string;
  /** @throws {Error} with the range as its message when `text` is outside it */
  readonly parse: (text: string) => T;
}

const GO_TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const GO_FALSE = ["0", "f", "F", "FALSE", "false", "False"];

function int(env: string, value: number, [min, max]: [number, number], sentence: string) {
  const range = `whole number from ${min} to ${max}`;
  const parse = (text: string): number => {
    // The ancestor reads numbers as Go does: a leading 0 means octal.
    const number = /^0[0-7]+$/.test(text) ? parseInt(text, 8) : Number(text);
    if (!/^-?[0-9a-fA-FxX]+$/.test(text) || !Number.isInteger(number)) throw new Error(range);
    if (number < min || number > max) throw new Error(range);
    return number;
  };
  return { env, value, shown: String(value), range, sentence, parse } satisfies Setting<number>;
}

function bool(env: string, value: boolean, sentence: string) {
  const range = "true or false";
  const parse = (text: string): boolean => {
    if (GO_TRUE.includes(text)) return true;
    if (GO_FALSE.includes(text)) return false;
    throw new Error(range);
  };
  return { env, value, shown: String(value), range, sentence, parse } satisfies Setting<boolean>;
}

function text(env: string, value: string, sentence: string, shown = value || "none") {
  const parse = (given: string): string => given;
  return { env, value, shown, range: "text", sentence, parse } satisfies Setting<string>;
}

function choice<T extends string>(env: string, value: T, choices: readonly T[], sentence: string) {
  const range = choices.filter((choice) => choice).join(", ");
  const parse = (given: string): T => {
    const chosen = choices.find((choice) => choice === given.toLowerCase());
    if (chosen === undefined) throw new Error(`one of ${range}`);
    return chosen;
  };
  return { env, value, shown: value || "none", range, sentence, parse } satisfies Setting<T>;
}

function list(env: string, sentence: string, shown = "none") {
  const parse = (given: string): string[] =>
    given.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return { env, value: [] as string[], shown, range: "comma-separated list", sentence, parse };
}

function paths(env: string, sentence: string) {
  const range = "comma-separated list of absolute paths";
  const given = list(env, sentence);
  const parse = (text: string): string[] =>
    given.parse(text).map((path) => {
      if (!path.startsWith("/")) throw new Error(range);
      return plainPath(path);
    });
  return { ...given, range, parse };
}

function share(env: string, value: number, sentence: string) {
  const range = "number from 0 to 1";
  const parse = (text: string): number => {
    const number = Number(text);
    if (!/^[0-9.]+$/.test(text) || !(number >= 0 && number <= 1)) throw new Error(range);
    return number;
  };
  return { env, value, shown: String(value), range, sentence, parse } satisfies Setting<number>;
}

const PORT: [number, number] = [0, 65535];
const DAY = 24 * 3600;

/** Settings that act in this release. */
const SETTINGS = {
  dataDir: text(
    "MAEL_DATA_DIR",
    "",
    "Directory of the embedded database, the keys and the sockets.",
    "/var/lib/maelstrom as root, else $XDG_STATE_HOME/maelstrom",
  ),
  sqlDsn: text(
    "MAEL_SQL_DSN",
    "",
    "Where state is kept: sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/DATABASE for several nodes.",
    "sqlite:<data dir>/maelstrom.db",
  ),
  sqlDriver: choice(
    "MAEL_SQL_DRIVER",
    "",
    ["", "sqlite3", "sqlite", "mysql", "postgres"],
    "Accepted for the ancestor's sake and checked against MAEL_SQL_DSN.",
  ),
  publicPort: int("MAEL_PUBLIC_PORT", 80, PORT, "Port for user traffic; 0 turns it off."),
  publicHttpsPort: int(
    "MAEL_PUBLIC_HTTPS_PORT",
    443,
    PORT,
    "Port for user traffic through TLS, HTTP/1.1 and HTTP/2; off without MAEL_TLS_CERT_FILE, and 0 " +
      "turns it off.",
  ),
  tlsCertFile: list(
    "MAEL_TLS_CERT_FILE",
    "PEM files of certificates, each with its chain; chosen by the name a client asks for, the " +
      "first is the default. Read again when they change.",
  ),
  tlsKeyFile: list(
    "MAEL_TLS_KEY_FILE",
    "PEM files of the private keys, in the order of MAEL_TLS_CERT_FILE.",
  ),
  privatePort: int(
    "MAEL_PRIVATE_PORT",
    8374,
    PORT,
    "Port for the API, peers and calls between components; 0 turns it off.",
  ),
  publicAddr: list(
    "MAEL_PUBLIC_ADDR",
    "Addresses the public port binds.",
    "all addresses",
  ),
  privateAddr: list(
    "MAEL_PRIVATE_ADDR",
    "Addresses the private port binds.",
    "127.0.0.1 and the gateway of the Docker bridge",
  ),
  trustedProxies: list(
    "MAEL_TRUSTED_PROXIES",
    "Address ranges (10.0.0.0/8) whose X-Forwarded-* fields are believed.",
  ),
  rpcAuth: choice(
    "MAEL_RPC_AUTH",
    "key",
    ["key", "loopback"],
    "Who may use the API on the private port: `key` wants requests signed with the cluster key, or " +
      "a token; `loopback` lets callers on 127.0.0.1 in without.",
  ),
  clusterKey: text(
    "MAEL_CLUSTER_KEY",
    "",
    "The cluster key itself, at least 16 characters; random ones, for it can be guessed at.",
    "the content of MAEL_CLUSTER_KEY_FILE",
  ),
  clusterKeyFile: text(
    "MAEL_CLUSTER_KEY_FILE",
    "",
    "File with the cluster key; made with mode 0600 when absent.",
    "<data dir>/cluster.key",
  ),
  secretKey: text(
    "MAEL_SECRET_KEY",
    "",
    "The key that seals secret values itself, 32 bytes in Base64 or hex.",
    "the content of MAEL_SECRET_KEY_FILE",
  ),
  secretKeyFile: text(
    "MAEL_SECRET_KEY_FILE",
    "",
    "File with that key, of mode 0600; made with the first secret or pull password. The same on every node.",
    "<data dir>/secret.key",
  ),
  nodeId: text(
    "MAEL_NODE_ID",
    "",
    "Name of this node; several daemons may share one Docker Engine.",
    "a random id kept in the data dir",
  ),
  nodeLabels: list(
    "MAEL_NODE_LABELS",
    "Labels of this node (zone=a) that the constraints of components speak of.",
  ),
  peerUrl: text(
    "MAEL_PEER_URL",
    "",
    "URL under which the other nodes of a cluster reach the private port of this one.",
    "made of the first of MAEL_PRIVATE_ADDR or of the machine's addresses",
  ),
  livenessSeconds: int(
    "MAEL_NODE_LIVENESS_SECONDS",
    300,
    [0, DAY],
    "Seconds after which the row of a node that fell silent is removed; 0 keeps it.",
  ),
  hostMounts: paths(
    "MAEL_HOST_MOUNTS",
    "Directories of the machine that components may mount, with what is below them; / allows all.",
  ),
  totalMemoryMiB: int(
    "MAEL_TOTAL_MEMORY",
    -1,
    [-(2 ** 31), 2 ** 31],
    "MiB offered to containers; below 0 offers all the machine has, 0 makes it relay only.",
  ),
  queueMax: int(
    "MAEL_QUEUE_MAX",
    10_000,
    [1, 1_000_000],
    "Requests that may wait for one component; more are answered 503.",
  ),
  queueTotalMax: int(
    "MAEL_QUEUE_TOTAL_MAX",
    50_000,
    [1, 10_000_000],
    "Requests that may wait in all queues together; more are answered 503.",
  ),
  headTimeoutSeconds: int(
    "MAEL_HTTP_HEAD_TIMEOUT",
    10,
    [1, DAY],
    "Seconds a client has to send a request head, from its first byte; then 408.",
  ),
  bodyIdleSeconds: int(
    "MAEL_HTTP_BODY_IDLE_TIMEOUT",
    30,
    [1, DAY],
    "Seconds a body may make no progress because of the client.",
  ),
  headBytesMax: int(
    "MAEL_HTTP_HEAD_BYTES",
    64 * 1024,
    [1024, 1024 * 1024],
    "Bytes of a request head; 431 beyond.",
  ),
  fieldsMax: int("MAEL_HTTP_FIELDS", 100, [1, 10_000], "Fields of a request head; 431 beyond."),
  targetBytesMax: int(
    "MAEL_HTTP_TARGET_BYTES",
    8 * 1024,
    [64, 1024 * 1024],
    "Bytes of a request target; 414 beyond.",
  ),
  connectionsMax: int(
    "MAEL_HTTP_CONNECTIONS",
    16_384,
    [1, 1_000_000],
    "Connections at once; 503 beyond.",
  ),
  connectionsPerClientMax: int(
    "MAEL_HTTP_CONNECTIONS_PER_CLIENT",
    8_192,
    [1, 1_000_000],
    "Connections at once from one address; 503 beyond.",
  ),
  accessLog: share(
    "MAEL_ACCESS_LOG",
    0,
    "Share of requests told on standard output, one JSON line each: 0 none, 1 all.",
  ),
  coldStartHeader: bool(
    "MAEL_COLD_START_HEADER",
    true,
    "Tell clients in Maelstrom-Cold-Start how many milliseconds they waited for a first instance.",
  ),
  proxyWorkers: int(
    "MAEL_PROXY_WORKERS",
    1,
    [0, 64],
    "Threads that share the public port; 1 serves it in the main thread, 0 takes one per core.",
  ),
  idleTimeoutSeconds: int(
    "MAEL_HTTP_IDLE_TIMEOUT",
    310,
    [1, DAY],
    "Seconds a connection may wait for a request, also its first.",
  ),
  drainSeconds: int(
    "MAEL_DRAIN_SECONDS",
    30,
    [0, DAY],
    "Seconds that requests in progress get to end when an instance or the daemon stops.",
  ),
  shutdownPauseSeconds: int(
    "MAEL_SHUTDOWN_PAUSE_SECONDS",
    0,
    [0, DAY],
    "Seconds between the stop signal and closing the listeners, for a balancer in front.",
  ),
  dockerHost: text(
    "DOCKER_HOST",
    "unix:///var/run/docker.sock",
    "The Docker Engine: unix:///PATH or tcp://HOST:PORT.",
  ),
  pullCommand: choice(
    "MAEL_PULL_COMMAND",
    "off",
    ["off", "on"],
    "Whether components may run their pullCommand on this machine, as the user of the daemon.",
  ),
  pruneMinutes: int(
    "MAEL_DOCKER_PRUNE_MINUTES",
    0,
    [0, 60 * 24 * 31],
    "Minutes between prunes, which remove stopped containers this node left over; 0 is off.",
  ),
  pruneImages: bool(
    "MAEL_DOCKER_PRUNE_UNREG_IMAGES",
    false,
    "Prune images, too, that no component names and no container uses.",
  ),
  pruneKeep: list(
    "MAEL_DOCKER_PRUNE_UNREG_KEEP",
    "Globs (mycorp/*, redis*) of images that prunes keep.",
  ),
  pruneOnly: list(
    "MAEL_DOCKER_PRUNE_UNREG_ONLY",
    "Globs of the only images that prunes may remove.",
    "all",
  ),
  pruneAgeMinutes: int(
    "MAEL_DOCKER_PRUNE_AGE_MINUTES",
    60,
    [0, 60 * 24 * 3650],
    "Prunes keep images that were made less than so many minutes ago.",
  ),
  pruneDiskPct: int(
    "MAEL_DOCKER_PRUNE_DISK_PCT",
    0,
    [0, 100],
    "Prunes keep images while the disk of Docker is not fuller than this, in percent; 0 never.",
  ),
  cronRefreshSeconds: int(
    "MAEL_CRON_REFRESH_SECONDS",
    60,
    [1, DAY],
    "Longest time between two looks at cron times; changes are heard of at once.",
  ),
  cronKeepRuns: int(
    "MAEL_CRON_KEEP_RUNS",
    500,
    [1, 100_000],
    "Runs of each cron event source that are kept.",
  ),
  cronKeepDays: int("MAEL_CRON_KEEP_DAYS", 30, [1, 3650], "Days that a run is kept."),
  logLevel: choice<LogLevel>(
    "MAEL_LOG_LEVEL",
    "info",
    ["debug", "info", "warn", "error"],
    "Least important lines that are logged.",
  ),
  logFormat: choice("MAEL_LOG_FORMAT", "text", ["text", "json"], "Form of the log lines."),
};

/** The ancestor's settings that do not act in this release; setting one is told in the log. */
const INACTIVE = [
  int("MAEL_HTTP_READ_TIMEOUT", 300, [0, DAY], "Seconds to read a request."),
  int("MAEL_HTTP_WRITE_TIMEOUT", 310, [0, DAY], "Seconds to write an answer."),
  text("MAEL_INSTANCE_ID", "", "Cloud instance id."),
  text("MAEL_TERMINATE_COMMAND", "", "Command run after a termination notice."),
  text("MAEL_AWS_TERMINATE_QUEUE_URL", "", "Queue of lifecycle notices."),
  int("MAEL_AWS_TERMINATE_MAX_AGE_SECONDS", 600, [0, DAY], "Oldest lifecycle notice obeyed."),
  int("MAEL_AWS_SPOT_TERMINATE_POLL_SECONDS", 0, [0, DAY], "Period of spot notice polls."),
  int("MAEL_LOG_GC_SECONDS", 0, [0, DAY], "Period of memory statistics in the log."),
  text("MAEL_CPU_PROFILE_FILENAME", "", "File of a CPU profile."),
  bool("MAEL_PPROF", false, "Profiling endpoints."),
  text("MAEL_CLUSTER_NAME", "", "Name for cloud provisioning."),
  int("MAEL_CLUSTER_MIN_SIZE", 1, [0, 1000], "Least nodes for cloud provisioning."),
  int("MAEL_CLUSTER_MAX_SIZE", 20, [0, 1000], "Most nodes for cloud provisioning."),
  text("MAEL_DO_ACCESS_TOKEN", "", "DigitalOcean token."),
  text("MAEL_DO_REGION", "nyc3", "DigitalOcean region."),
  text("MAEL_DO_SSH_FINGERPRINT", "", "DigitalOcean key."),
  text("MAEL_DO_DROPLET_SIZE", "s-1vcpu-1gb", "DigitalOcean size."),
  text("MAEL_DO_IMAGE_SLUG", "debian-9-x64", "DigitalOcean image."),
  bool("MAEL_DO_BACKUPS", true, "DigitalOcean backups."),
  bool("MAEL_DO_IP_V6", false, "DigitalOcean IPv6."),
] as const satisfies readonly Setting<unknown>[];

type SettingName = keyof typeof SETTINGS;

/** The settings of one daemon, each checked against its range. */
export type Settings = { readonly [K in SettingName]: (typeof SETTINGS)[K]["value"] };

/** What {@linkcode loadSettings} found. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** Settings that were given and do nothing, for the log. */
  readonly warnings: readonly string[];
}

/** Where settings come from. */
export interface SettingSources {
  /** Arguments after `daemon`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Text of the file named by `-f`; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

const ACTIVE: readonly [string, Setting<unknown>][] = Object.entries(SETTINGS);
const ROWS: readonly Setting<unknown>[] = [...ACTIVE.map(([, row]) => row), ...INACTIVE];

/**
 * The settings of a daemon started with these arguments and this environment.
 *
 * @throws {MaelstromError} invalid: unknown flag or `MAEL_*` name, or a value outside its range
 */
export function loadSettings({ args, env, readFile }: SettingSources): LoadedSettings {
  const { flags, file } = readFlags(args);
  const fromFile = file === undefined ? {} : parseEnvFile(readEnvFile(file, readFile));
  const given = { ...named(fromFile, file), ...named(env, "environment"), ...flags };
  const settings = Object.fromEntries(
    ACTIVE.map(([name, row]) => [name, valueOf(row, given[row.env])]),
  ) as Settings;
  const warnings = INACTIVE.filter((row) => given[row.env] !== undefined).map((row) => {
    valueOf(row, given[row.env]);
    return `${row.env} is set but has no effect in this release`;
  });
  return { settings, warnings };
}

interface Given {
  readonly text: string;
  /** How the value came: a flag, the environment, a file. */
  readonly from: string;
}

function valueOf(row: Setting<unknown>, given: Given | undefined): unknown {
  if (given === undefined) return row.value;
  try {
    return row.parse(given.text);
  } catch (error) {
    const range = error instanceof Error ? error.message : row.range;
    const found = row.env === "MAEL_CLUSTER_KEY" ? "" : `, found "${given.text}"`;
    throw new MaelstromError(
      "invalid",
      `Cannot use ${row.env} (${given.from}): must be ${range}${found}`,
    );
  }
}

function flagOf(env: string): string {
  return env.replace(/^MAEL_/, "").toLowerCase().replaceAll("_", "-");
}

function readFlags(args: readonly string[]): { flags: Record<string, Given>; file?: string } {
  const byFlag = new Map(ROWS.map((row) => [flagOf(row.env), row.env]));
  const flags: Record<string, Given> = {};
  let file: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const match = /^(?:-(f)|--([a-z0-9-]+))(?:=(.*))?$/s.exec(arg);
    if (!match) {
      throw new MaelstromError("invalid", `Cannot start: "${arg}" is not a flag (see --help)`);
    }
    const word = match[1] ?? match[2]!;
    const value = match[3] ?? args[++i];
    if (value === undefined) {
      throw new MaelstromError("invalid", `Cannot start: ${arg} needs a value`);
    }
    const env = byFlag.get(word);
    if (word === "f" || word === "env-file") file = value;
    else if (env) flags[env] = { text: value, from: `--${word}` };
    else throw unknown(`--${word}`, [...byFlag.keys()].map((flag) => `--${flag}`), "flag");
  }
  return file === undefined ? { flags } : { flags, file };
}

/** Entries that name a setting. Empty means unset. Any other `MAEL_*` name is a mistake. */
function named(
  values: Readonly<Record<string, string>>,
  from = "file",
): Record<string, Given> {
  const known = ROWS.map((row) => row.env);
  const given: Record<string, Given> = {};
  for (const [name, text] of Object.entries(values)) {
    if (known.includes(name)) {
      if (text !== "") given[name] = { text, from };
    } else if (name.startsWith("MAEL_")) {
      throw unknown(name, known, "setting");
    }
  }
  return given;
}

function unknown(word: string, known: readonly string[], kind: string): MaelstromError {
  const guess = nearest(word, known);
  const hint = guess ? `did you mean ${guess}?` : "see maelstrom daemon --help";
  return new MaelstromError("invalid", `Cannot start: ${word} is not a known ${kind} (${hint})`);
}

function readEnvFile(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MaelstromError("invalid", `Cannot read settings file "${path}": ${reason}`);
  }
}

/** Help of `maelstrom daemon`, from the table. */
export function settingsHelp(): string {
  const rows = Object.values(SETTINGS).map((row) =>
    `  --${flagOf(row.env)}  (${row.env}, default ${row.shown})\n      ${row.sentence}`
  );
  return `Examples:
  maelstrom daemon
  maelstrom daemon --public-port 8080 --data-dir ./state
  maelstrom daemon -f /etc/maelstrom.env

Usage: maelstrom daemon [-f FILE] [--SETTING VALUE]...

Makes this machine a node. A flag beats the environment, which beats the file given with -f
(NAME=value lines), which beats the default.

Settings:
${rows.join("\n")}
`;
}

/** The reference page of the settings, in Markdown. */
export function settingsReference(): string {
  const rows = Object.values(SETTINGS).map((row) =>
    `| \`${row.env}\` | \`--${flagOf(row.env)}\` | ${row.shown} | ${row.range} | ${row.sentence} |`
  );
  const inactive = INACTIVE.map((row) => `\`${row.env}\``).join(", ");
  return `# Settings of the daemon

Made from \`daemon/config.ts\` by \`deno task gen\`. A flag beats the environment, which beats the
file given with \`-f\`, which beats the default. An empty value means unset. An unknown \`MAEL_\` name
stops the start.

| Environment | Flag | Default | Range | Meaning |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

Accepted and checked, but without effect in this release (the log says so when one is set):
${inactive}.
`;
}
