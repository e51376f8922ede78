/** Debian's PgBouncer, a connection pooler that nobody should put between us and PostgreSQL. @module */
import { existsSync } from "node:fs";
import { ensurePackages } from "./apt.ts";
import { freePorts } from "./ports.ts";
import { asServer } from "./postgres.ts";

const PROGRAM = "/usr/sbin/pgbouncer";

/** Installs it if it can. */
export async function ensurePgbouncer(say: (text: string) => void): Promise<void> {
  if (!existsSync(PROGRAM)) await ensurePackages(["pgbouncer"], "the tests with a pooler", say);
}

/** For `ignore` of a test; says so. */
export function lacksPgbouncer(): boolean {
  if (existsSync(PROGRAM)) return false;
  console.log("skipped: PgBouncer is not installed (deno task setup installs it)");
  return true;
}

/** A pooler that gives a server's session to another client after each transaction. */
export class Pgbouncer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #process: Deno.ChildProcess;

  private constructor(directory: string, port: number, process: Deno.ChildProcess) {
    this.#directory = directory;
    this.port = port;
    this.#process = process;
  }

  /** A pooler before the server at `serverPort`, with `settings` beside the usual ones. */
  static async start(
    serverPort: number,
    { user, password }: { readonly user: string; readonly password: string },
    settings: Readonly<Record<string, string>> = {},
  ): Promise<Pgbouncer> {
    const [port = 0] = freePorts(1);
    const directory = await Deno.makeTempDir({ prefix: "maelstrom-pgbouncer-" });
    const all = {
      listen_addr: "127.0.0.1",
      listen_port: String(port),
      unix_socket_dir: "",
      auth_type: "scram-sha-256",
      auth_file: `${directory}/users`,
      pool_mode: "transaction",
      ...settings,
    };
    const lines = Object.entries(all).map(([key, text]) => `${key} = ${text}\n`);
    const target = `* = host=127.0.0.1 port=${serverPort}\n`;
    await Deno.writeTextFile(`${directory}/users`, `"${user}" "${password}"\n`);
    await Deno.writeTextFile(
      `${directory}/ini`,
      `[databases]\n${target}[pgbouncer]\n${lines.join("")}`,
    );
    await Deno.chmod(directory, 0o755);
    const [program, args] = asServer(PROGRAM, [`${directory}/ini`]);
    const process = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
    const pooler = new Pgbouncer(directory, port, process);
    await pooler.#listens();
    return pooler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #listens(): Promise<void> {
    for (let attempts = 0; attempts < 200; attempts++) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
    throw new Error("PgBouncer does not listen");
  }
}
