/**
 * What a process and its children cost, read from /proc, and how a child process is ended. Linux
 * only.
 *
 * Source: proc(5), `/proc/pid/stat`, `status`, `clear_refs`.
 * @module
 */

/** Ticks of a second in `/proc/pid/stat`: USER_HZ is 100 on every Linux Deno runs on. */
const TICKS_PER_SECOND = 100;
const END_LIMIT_MS = 5_000;

/** `pid` and all that descend from it. */
export async function processTree(pid: number): Promise<number[]> {
  const tree = [pid];
  for (let at = 0; at < tree.length; at++) {
    const path = `/proc/${tree[at]}/task/${tree[at]}/children`;
    const text = await Deno.readTextFile(path).catch(() => "");
    tree.push(...text.trim().split(" ").filter((part) => part !== "").map(Number));
  }
  return tree;
}

/** CPU time that a process and its living children have used, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  let ticks = 0;
  for (const each of await processTree(pid)) {
    const text = await Deno.readTextFile(`/proc/${each}/stat`).catch(() => "");
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th after it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Memory of a process and its children. Pages they share count for each. */
export interface Memory {
  /** Resident now, in KiB. */
  readonly rssKiB: number;
  /** Most resident since the start or {@linkcode resetPeak}, in KiB. */
  readonly peakKiB: number;
}

/** What a process and its children have in memory. */
export async function memoryOf(pid: number): Promise<Memory> {
  let rssKiB = 0;
  let peakKiB = 0;
  for (const each of await processTree(pid)) {
    const text = await Deno.readTextFile(`/proc/${each}/status`).catch(() => "");
    rssKiB += Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    peakKiB += Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }
  return { rssKiB, peakKiB };
}

/** Makes the present memory of a process and its children the new peak. */
export async function resetPeak(pid: number): Promise<void> {
  for (const each of await processTree(pid)) {
    await Deno.writeTextFile(`/proc/${each}/clear_refs`, "5", { create: false });
  }
}

/** Ends a child process that was started here: asks, then insists. */
export async function endProcess(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended by itself.
  }
  const insist = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
  await child.status;
  clearTimeout(insist);
}

/**
 * What a program prints to standard output.
 *
 * @throws {Error} it did not end with 0, or `signal` aborted
 */
export async function outputOf(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).output();
  signal.throwIfAborted();
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return text;
  throw new Error(
    `Cannot run ${command} ${args.join(" ")}: exit ${code}: ${new TextDecoder().decode(stderr)}`,
  );
}
