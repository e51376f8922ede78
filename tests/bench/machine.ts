/** What the benchmark runs on, what it needs there, and the limits it raises. @module */
import { outputOf } from "./process.ts";

/** The machine, in words: `[["CPU", "AMD EPYC, 2 cores"], …]`. */
export async function describeMachine(signal: AbortSignal): Promise<[string, string][]> {
  const cpu = /model name\s*: (.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ??
    "unknown";
  const system = /PRETTY_NAME="(.*)"/.exec(await Deno.readTextFile("/etc/os-release"))?.[1] ?? "";
  const memoryGiB = Deno.systemMemoryInfo().total / 2 ** 30;
  const engine = await outputOf("docker", ["version", "--format", "{{.Server.Version}}"], signal)
    .catch(() => "unknown");
  return [
    ["CPU", `${cpu}, ${navigator.hardwareConcurrency} cores`],
    ["Memory", `${memoryGiB.toFixed(0)} GiB`],
    ["System", `${system}, Linux ${Deno.osRelease()}`],
    ["Deno", Deno.version.deno],
    ["Docker Engine", engine.trim()],
  ];
}

/** Share of all cores that was busy with other things during a second: 0.1 is 10 %. */
export async function busyShare(signal: AbortSignal): Promise<number> {
  const read = async () => {
    const times = await processorTimes();
    return { idle: (times[3] ?? 0) + (times[4] ?? 0), all: times.reduce((a, b) => a + b, 0) };
  };
  const before = await read();
  await outputOf("sleep", ["1"], signal);
  const after = await read();
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

/** Processor time that a hypervisor has given to others since the start, in milliseconds of a core. */
export async function stolenMs(): Promise<number> {
  return ((await processorTimes())[7] ?? 0) * 10;
}

/** What all cores have done since the start, in hundredths of a second: proc_stat(5). */
async function processorTimes(): Promise<number[]> {
  const line = (await Deno.readTextFile("/proc/stat")).split("\n")[0] ?? "";
  return line.split(/ +/).slice(1).map(Number);
}

/**
 * Makes sure that nginx, HAProxy, Caddy, wrk and slowhttptest are there; as root it installs what is missing.
 *
 * @throws {Error} something is missing and this user cannot install it
 */
export async function ensurePrograms(
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const programs = ["nginx", "haproxy", "caddy", "wrk", "slowhttptest"];
  const missing: string[] = [];
  for (const program of programs) {
    if (!await isThere(program, signal)) missing.push(program);
  }
  if (missing.length === 0) return;
  const install = `apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (Deno.uid() !== 0) throw new Error(`Cannot run without ${missing}: sudo ${install}`);
  say(`Installing ${missing.join(", ")}: ${install}`);
  const [command = "", ...args] = install.split(" ");
  await outputOf(command, args, signal);
}

async function isThere(program: string, signal: AbortSignal): Promise<boolean> {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin"];
  for (const folder of folders) {
    const found = await Deno.stat(`${folder}/${program}`).then(() => true, () => false);
    signal.throwIfAborted();
    if (found) return true;
  }
  return false;
}

/** Lets this process, and what it starts, open as many files as the system allows. */
export async function raiseFileLimit(signal: AbortSignal): Promise<number> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  const hard = Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? 1024);
  await outputOf("prlimit", ["--pid", String(Deno.pid), `--nofile=${hard}:${hard}`], signal);
  return hard;
}
