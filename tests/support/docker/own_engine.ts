/**
 * A Docker Engine in a network namespace: its containers are on a bridge that nobody outside of it
 * reaches. It ends when it is disposed, or with this process.
 * @module
 */
import { ensureSampleImage } from "../../../examples/quickstart/image.ts";
import { DockerClient } from "../../../lib/docker/client.ts";
import { findProgram, type Namespace } from "../namespaces.ts";

const READY_LIMIT_MS = 30_000;

/** An engine that runs. */
export class OwnEngine implements AsyncDisposable {
  /** As `DOCKER_HOST` names it. */
  readonly host: string;
  readonly #directory: string;
  readonly #process: Deno.ChildProcess;

  private constructor(directory: string, process: Deno.ChildProcess) {
    this.host = hostIn(directory);
    this.#directory = directory;
    this.#process = process;
  }

  /** One in `namespace` that has the sample image; `bridge` is its bridge's own address. */
  static async start(namespace: Namespace, bridge: string): Promise<OwnEngine> {
    const directory = await Deno.makeTempDir({ prefix: "maelstrom-engine-" });
    const [command, net] = namespace.enter;
    const process = new Deno.Command("sh", {
      args: [
        ...["-c", 'exec "$@" >"$0/log" 2>&1', directory, command, net, findProgram("dockerd")!],
        ...["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`],
        ...["--pidfile", `${directory}/pid`, "--host", hostIn(directory), "--bip", `${bridge}/24`],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const engine = new OwnEngine(directory, process);
    try {
      await guard(process.pid, namespace, directory);
      await engine.#ready();
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await new Deno.Command("sh", { args: ["-c", CLEAR, this.#directory] }).output();
  }

  async #ready(): Promise<void> {
    using docker = new DockerClient({ host: this.host });
    const signal = AbortSignal.timeout(READY_LIMIT_MS);
    for (;;) {
      try {
        await docker.ping(signal);
        break;
      } catch (error) {
        if (!signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        const log = await Deno.readTextFile(`${this.#directory}/log`);
        throw new Error(`no engine: ${log.slice(-1000)}`, { cause: error });
      }
    }
    await ensureSampleImage(docker, { say: () => {}, signal: AbortSignal.timeout(60_000) });
  }
}

function hostIn(directory: string): string {
  return `unix://${directory}/engine.sock`;
}

/** Removes the directory "$0" and what the engine may have left mounted in it. */
const CLEAR = `
  grep " $0/" /proc/mounts | cut -d " " -f 2 | sort -r | while read -r mount; do umount -l "$mount"; done
  rm -rf "$0"`;

/** Ends the engine when this process is gone, which it may be at any time. */
async function guard(pid: number, { name }: Namespace, directory: string): Promise<void> {
  const work = `tail --pid=${Deno.pid} --follow /dev/null
    [ -d "$0" ] || exit 0
    kill ${pid} && tail --pid=${pid} --follow /dev/null
    ip netns del ${name}
    ${CLEAR}`;
  const script = `setsid sh -c "$0" "$1" </dev/null >/dev/null 2>&1 &`;
  await new Deno.Command("sh", { args: ["-c", script, work, directory] }).output();
}
