/**
 * Makes sure a Docker Engine answers: finds the one there is, starts the one that is installed, or
 * installs one on a Debian system. Only the engine's socket counts; a `docker` command proves
 * nothing.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { DEFAULT_DOCKER_HOST, DockerClient } from "../../lib/docker/client.ts";
import { MaelstromError, messageOf } from "../../lib/errors.ts";

/** How {@linkcode ensureEngine} reports and ends. */
export interface EnsureEngineOptions {
  /** Told before each thing that changes the machine. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

const LOCK_FILE = "/run/maelstrom-engine.lock";
const LOG_FILE = "/var/log/maelstrom-dockerd.log";
const SOCKET = DEFAULT_DOCKER_HOST.slice("unix://".length);
const ANSWER_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 200;
const LOCK_AGAIN_MS = 100;

/**
 * Resolves when a Docker Engine answers at `DOCKER_HOST` or the default socket. As root on a Debian
 * system it installs and starts one if need be; the engine then outlives this process.
 *
 * @throws {MaelstromError} engine_unavailable: there is none, and what to do about it
 */
export async function ensureEngine({ say, signal }: EnsureEngineOptions): Promise<void> {
  const given = Deno.env.get("DOCKER_HOST");
  const host = given || DEFAULT_DOCKER_HOST;
  const silence = await whySilent(host, signal);
  if (!silence) return;
  const elsewhere = host !== DEFAULT_DOCKER_HOST;
  const refusal = elsewhere
    ? "start that engine, or unset DOCKER_HOST"
    : Deno.uid() !== 0
    ? "start Docker, or join the group that may use its socket (sudo usermod -aG docker $USER)"
    : !await find("dockerd") && !await find("apt-get")
    ? "install Docker (https://docs.docker.com/engine/install/) and start it"
    : undefined;
  if (refusal) {
    throw new MaelstromError("engine_unavailable", `${messageOf(silence)}; ${refusal}`, undefined, {
      cause: silence,
    });
  }
  await withLockFile(LOCK_FILE, signal, async () => {
    if (!await whySilent(host, signal)) return;
    if (!await find("dockerd")) await install(say, signal);
    await start(say, signal);
  });
}

/**
 * Runs `work` while no other process holds the lock on the file `path`. The lock ends with the
 * process, however that ends.
 */
export async function withLockFile<T>(
  path: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  using file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  while (!await file.tryLock(true)) {
    await pause(LOCK_AGAIN_MS, signal);
    signal.throwIfAborted();
  }
  return await work();
}

/** Why no engine answers at `host`; nothing when one does. */
async function whySilent(host: string, signal: AbortSignal): Promise<unknown> {
  try {
    using docker = new DockerClient({ host });
    await docker.ping(signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error;
  }
}

async function install(say: (text: string) => void, signal: AbortSignal): Promise<void> {
  say("No Docker Engine found; installing the package docker.io");
  await run("apt-get", ["-q", "update"], signal);
  await run("apt-get", ["-q", "install", "-y", "--no-install-recommends", "docker.io"], signal);
  if (!await find("iptables")) {
    await run("apt-get", ["-q", "install", "-y", "--no-install-recommends", "iptables"], signal);
  }
}

async function start(say: (text: string) => void, signal: AbortSignal): Promise<void> {
  say("Starting the Docker Engine");
  const systemd = await exists("/run/systemd/system");
  if (systemd) await run("systemctl", ["start", "docker"], signal);
  else await detach(signal);
  const endMs = performance.now() + ANSWER_LIMIT_MS;
  for (;;) {
    const silence = await whySilent(DEFAULT_DOCKER_HOST, signal);
    if (!silence) return;
    if (performance.now() > endMs) {
      const where = systemd ? "journalctl -u docker" : LOG_FILE;
      const tail = systemd ? "" : await tailOf(LOG_FILE);
      throw new MaelstromError(
        "engine_unavailable",
        `Cannot start Docker: no answer at ${SOCKET} within ${ANSWER_LIMIT_MS / 1000} s; ` +
          `see ${where}${tail && `, which ends with: ${tail}`}`,
        undefined,
        { cause: silence },
      );
    }
    await pause(LOOK_AGAIN_MS, signal);
    signal.throwIfAborted();
  }
}

/** Starts `dockerd` in a session of its own, so that it outlives us and no terminal ends it. */
async function detach(signal: AbortSignal): Promise<void> {
  const line = `setsid dockerd >>${LOG_FILE} 2>&1 </dev/null &`;
  await run("sh", ["-c", line], signal);
}

async function run(command: string, args: string[], signal: AbortSignal): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).output();
  signal.throwIfAborted();
  if (success) return;
  const said = new TextDecoder().decode(stderr.length > 0 ? stderr : stdout);
  throw new MaelstromError(
    "engine_unavailable",
    `Cannot run "${command} ${args.join(" ")}": ${lastLines(said)}`,
  );
}

async function find(command: string): Promise<string | undefined> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/bin", "/sbin"];
  for (const folder of folders) {
    const path = `${folder}/${command}`;
    if (folder && await exists(path)) return path;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

async function tailOf(path: string): Promise<string> {
  try {
    return lastLines(await Deno.readTextFile(path));
  } catch (error) {
    return `(unreadable: ${messageOf(error)})`;
  }
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-5).join(" | ");
}
