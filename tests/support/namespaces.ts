/**
 * Network namespaces of a test, and the wires between them: machines as far as the network goes.
 * They go when they are disposed, or with this process.
 * @module
 */
import { existsSync } from "node:fs";
import { ensurePackages } from "./apt.ts";

/** What is needed, and the package of Debian that has it. */
const PROGRAMS = { ip: "iproute2", nsenter: "util-linux", iptables: "iptables" } as const;
const FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** One end of a wire: the namespace, absent for this process's own, and its address. */
export interface WireEnd {
  readonly namespace?: Namespace;
  /** Within the same /30 as the other end's. */
  readonly address: string;
}

/** Path of a program that no PATH needs to name; undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}

/** Installs what namespaces need if it can. */
export async function ensureNamespaces(say: (text: string) => void): Promise<void> {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !findProgram(program))
    .map(([, name]) => name);
  if (missing.length > 0) await ensurePackages(missing, "the tests with namespaces", say);
}

/** For `ignore` of a test; says so. */
export function lacksNamespaces(): boolean {
  const reason = whyNot();
  if (reason === undefined) return false;
  console.log(`skipped: ${reason}`);
  return true;
}

function whyNot(): string | undefined {
  const missing = [...Object.keys(PROGRAMS), "dockerd"].find((program) => !findProgram(program));
  if (missing) return `${missing} is not installed`;
  if (Deno.uid() !== 0) return "only root may make network namespaces";
  const name = uniqueName();
  for (const act of ["add", "del"]) {
    const { success, stderr } = new Deno.Command(findProgram("ip")!, {
      args: ["netns", act, name],
      stdin: "null",
    }).outputSync();
    if (!success) return `no network namespace: ${new TextDecoder().decode(stderr).trim()}`;
  }
  return undefined;
}

function uniqueName(): string {
  return `mael-${crypto.randomUUID().slice(0, 8)}`;
}

/** A network of its own, with nothing but its loopback until it is wired. */
export class Namespace implements AsyncDisposable {
  /** Ends of wires that are in it. */
  readonly devices: string[] = [];

  private constructor(readonly name: string) {}

  /** A new one. */
  static async make(): Promise<Namespace> {
    const namespace = new Namespace(uniqueName());
    await ip(["netns", "add", namespace.name]);
    await ip(["-n", namespace.name, "link", "set", "lo", "up"]);
    return namespace;
  }

  /** The words that run a program in it, and in the same files as here. */
  get enter(): readonly [string, string] {
    // `ip netns exec` would hide the control groups, which an engine needs.
    return [findProgram("nsenter")!, `--net=/run/netns/${this.name}`];
  }

  /** Runs a program in it that must succeed; gives what it printed. */
  async run(program: string, args: readonly string[]): Promise<string> {
    const [command, net] = this.enter;
    return await run(command, [net, findProgram(program) ?? program, ...args]);
  }

  /** True when it knows a way to `address`. */
  async hasWayTo(address: string): Promise<boolean> {
    return await this.run("ip", ["route", "get", address]).then(() => true, () => false);
  }

  /** Its wires go first: the namespace itself lasts until the last process has left it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.devices) {
      // Gone already with the other end.
      await ip(["-n", this.name, "link", "del", device]).catch(() => {});
    }
    await ip(["netns", "del", this.name]);
  }
}

/** Puts a wire between `a` and `b`; gives the names of its ends. */
export async function wire(a: WireEnd, b: WireEnd): Promise<[string, string]> {
  const id = crypto.randomUUID().slice(0, 8);
  const names: [string, string] = [`mael${id}a`, `mael${id}b`];
  await ip(["link", "add", names[0], "type", "veth", "peer", "name", names[1]]);
  for (const [index, { namespace, address }] of [a, b].entries()) {
    const name = names[index]!;
    const where = namespace ? ["-n", namespace.name] : [];
    if (namespace) await ip(["link", "set", name, "netns", namespace.name]);
    namespace?.devices.push(name);
    await ip([...where, "addr", "add", `${address}/30`, "dev", name]);
    await ip([...where, "link", "set", name, "up"]);
  }
  return names;
}

async function ip(args: readonly string[]): Promise<void> {
  await run(findProgram("ip")!, args);
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text(stderr)}${text(stdout)}`);
  return text(stdout);
}
