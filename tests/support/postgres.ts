/**
 * PostgreSQL for tests: servers of a test's own, and one that all test files of a run share. They
 * end with this process, whatever ends it. The server refuses to run as root, so root starts it as
 * the user `postgres`.
 * @module
 */
import { ensurePackages } from "./apt.ts";
import { freePorts } from "./ports.ts";
import type { TestPair } from "./tls/certificates.ts";

/** Of {@linkcode ROLE}; a DSN must escape some of it. */
export const PASSWORD = "pa:ss/w@rd";
/** Owns the databases; no superuser. */
export const ROLE = "maelstrom";
/**
 * Quick instead of safe: nobody pulls this machine's plug. That an answer waits for its commit, nodes
 * ask for themselves.
 */
const SETTINGS = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  autovacuum: "off",
  shared_buffers: "32MB",
  max_connections: "200",
  listen_addresses: "127.0.0.1",
};

/** Where the server's programs are: `MAELSTROM_POSTGRES_BIN`, else the newest Debian has here. */
export function findPostgres(): string | undefined {
  const given = Deno.env.get("MAELSTROM_POSTGRES_BIN");
  if (given) return given;
  const root = "/usr/lib/postgresql";
  try {
    const newest = Math.max(...[...Deno.readDirSync(root)].map(({ name }) => Number(name)));
    return newest > 0 ? `${root}/${newest}/bin` : undefined;
  } catch {
    return undefined;
  }
}

/** Installs it if it can; nothing but the tests of that database needs it. */
export async function ensurePostgres(say: (text: string) => void): Promise<void> {
  if (!findPostgres()) await ensurePackages(["postgresql"], "the tests with PostgreSQL", say);
}

/** For `ignore` of a test; says so, once for each file. */
export function lacksPostgres(): boolean {
  if (findPostgres()) return false;
  console.log("skipped: PostgreSQL is not installed (deno task setup installs it)");
  return true;
}

/** A database that is dropped when disposed. */
export interface PostgresDatabase extends AsyncDisposable {
  readonly name: string;
  /** As its owner, who is no superuser and has a password. */
  readonly dsn: string;
  /** Runs SQL as superuser with `psql`, which shares no code with ours; what it printed. */
  sql(text: string): Promise<string>;
}

/** A server in a directory of its own. */
export class PostgresServer implements AsyncDisposable {
  /** One that is there already, or will be. */
  constructor(readonly directory: string, readonly port: number) {}

  /** A new server that accepts connections, encrypted as well if `pair` is given. */
  static async start(pair?: TestPair): Promise<PostgresServer> {
    const [port = 0] = freePorts(1);
    const directory = await Deno.makeTempDir({ prefix: "maelstrom-postgres-" });
    const server = new PostgresServer(directory, port);
    if (Deno.uid() === 0) await run("chown", ["postgres:", directory]);
    await server.#program("initdb", [
      "--pgdata=data",
      "--no-sync",
      "--encoding=UTF8",
      "--locale=C.UTF-8",
      "--username=postgres",
      "--auth-local=trust",
      "--auth-host=scram-sha-256",
    ]);
    const settings = {
      ...SETTINGS,
      unix_socket_directories: directory,
      port: String(port),
      ...(pair ? await server.#encryption(pair) : {}),
    };
    const lines = Object.entries(settings).map(([key, text]) => `${key} = '${text}'\n`);
    const file = `${directory}/data/postgresql.conf`;
    await Deno.writeTextFile(file, `\n${lines.join("")}`, { append: true });
    await server.#guard();
    await server.resume();
    await server.sql(`create role ${ROLE} login password '${PASSWORD}'`);
    return server;
  }

  /** A DSN of `database`, by way of `port` and as `user`. */
  dsn(database: string, { port = this.port, user = ROLE } = {}): string {
    return `postgres://${user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`;
  }

  /** A fresh database. */
  async database(options = ""): Promise<PostgresDatabase> {
    const name = `test_${crypto.randomUUID().slice(0, 8)}`;
    await this.sql(`create database ${name} owner ${ROLE} ${options}`);
    return {
      name,
      dsn: this.dsn(name),
      sql: (text) => this.sql(text, name),
      [Symbol.asyncDispose]: async () => {
        await this.sql(`drop database ${name} with (force)`);
      },
    };
  }

  /** Runs SQL as superuser with `psql`; what it printed, without headings. */
  async sql(text: string, database = "postgres"): Promise<string> {
    const where = ["--host", this.directory, "--port", String(this.port), "--username=postgres"];
    const how = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "-v", "ON_ERROR_STOP=1"];
    const what = ["--dbname", database, "--command", text];
    return (await this.#program("psql", [...where, ...how, ...what])).trim();
  }

  /** Ends it: `fast` breaks off sessions and tidies up, `immediate` is as if it crashed. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await this.#program("pg_ctl", ["stop", "--wait", "--pgdata=data", `--mode=${mode}`]);
  }

  /** Ends each of its processes at once, as when its machine goes, and waits until they have gone. */
  async kill(): Promise<void> {
    const pid = await this.pid();
    // It begins no session while its children are counted.
    Deno.kill(pid, "SIGSTOP");
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    const all = [pid, ...children.trim().split(" ").map(Number)];
    for (const one of all) {
      try {
        Deno.kill(one, "SIGKILL");
      } catch {
        // A session that has ended meanwhile.
      }
    }
    while (all.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 20));
    // Where nobody buries the dead, the next server would take them for alive.
    await Deno.remove(`${this.directory}/data/postmaster.pid`);
    await Deno.remove(`${this.directory}/.s.PGSQL.${this.port}.lock`);
  }

  /** Starts it (again). */
  async resume(): Promise<void> {
    await this.#program("pg_ctl", ["start", "--wait", "--pgdata=data", "--log=log", "--silent"]);
  }

  /** The main process. */
  async pid(): Promise<number> {
    return parseInt(await Deno.readTextFile(`${this.directory}/data/postmaster.pid`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate").catch(() => {});
    await Deno.remove(this.directory, { recursive: true });
  }

  /** The server reads a key only if it is its own. */
  async #encryption(pair: TestPair): Promise<Record<string, string>> {
    const files = { ssl_cert_file: pair.certFile, ssl_key_file: pair.keyFile };
    for (const [name, file] of Object.entries(files)) {
      await Deno.copyFile(file, `${this.directory}/data/${name}`);
      await Deno.chmod(`${this.directory}/data/${name}`, 0o600);
      if (Deno.uid() === 0) await run("chown", ["postgres:", `${this.directory}/data/${name}`]);
    }
    return { ssl: "on", ssl_cert_file: "ssl_cert_file", ssl_key_file: "ssl_key_file" };
  }

  async #program(name: string, args: readonly string[]): Promise<string> {
    return await run(...asServer(`${findPostgres()}/${name}`, args), this.directory);
  }

  /** Stops it and removes its directory when this process is gone, which it may be at any time. */
  async #guard(): Promise<void> {
    const guard = `tail --pid=${Deno.pid} --follow /dev/null
      kill -QUIT $(head -n 1 "$0/data/postmaster.pid")
      rm -rf "$0"`;
    const script = `setsid sh -c "$0" "$1" </dev/null >/dev/null 2>&1 &`;
    await run("sh", ["-c", script, guard, this.directory]);
  }
}

/** True while process `pid` is there and is no zombie. Source: proc(5). */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** A program and its arguments, as the user that may run the server. */
export function asServer(program: string, args: readonly string[]): [string, string[]] {
  return Deno.uid() === 0
    ? ["runuser", ["--user", "postgres", "--", program, ...args]]
    : [program, [...args]];
}

/**
 * The server that all test files of this run share. The first that asks starts it, and it ends with
 * the run.
 */
export async function sharedPostgres(): Promise<PostgresServer> {
  const place = `/tmp/maelstrom-postgres-of-${Deno.pid}`;
  // Test files run in threads of one process: the lock is the file's, not the process's.
  using file = await Deno.open(place, { create: true, read: true, write: true });
  await file.lock(true);
  const known = await Deno.readTextFile(place);
  if (known) {
    const { directory, port } = JSON.parse(known);
    return new PostgresServer(directory, port);
  }
  const server = await PostgresServer.start();
  await Deno.writeTextFile(place, JSON.stringify(server));
  await run("sh", [
    "-c",
    `(tail --pid=${Deno.pid} --follow /dev/null; rm -f ${place}) </dev/null >/dev/null 2>&1 &`,
  ]);
  return server;
}

async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text(stderr)}${text(stdout)}`);
  return text(stdout);
}
