/** `maelstrom daemon`: settings in, a running node until a signal, an exit code out. @module */
import { dataDir } from "../lib/rpc/locate.ts";
import { isAbort, messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { pause } from "../lib/async/pause.ts";
import { loadSettings, type Settings, settingsHelp } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { daemonLog } from "./daemon_log.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Help of the command. */
export function daemonHelp(): string {
  return settingsHelp();
}

/**
 * Runs a node until SIGINT or SIGTERM; a second one ends it at once.
 *
 * @returns 0 after a clean stop, 1 when it could not start
 */
export async function runDaemon(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(daemonHelp());
    return 0;
  }
  const stop = new AbortController();
  const cut = new AbortController();
  const onSignal = () => stop.signal.aborted ? cut.abort() : stop.abort();
  for (const name of STOP_SIGNALS) Deno.addSignalListener(name, onSignal);
  try {
    const env = Deno.env.toObject();
    const { settings, warnings } = loadSettings({ args, env, readFile });
    const log = daemonLog(settings);
    for (const warning of warnings) log.warn(warning);
    // A bug in one part must not end the others; it is told, with where it happened.
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      log.error("unhandled failure, please report it", { error: event.reason });
    });
    return await run(settings, env, log, stop.signal, cut.signal);
  } catch (error) {
    if (isAbort(error) && stop.signal.aborted) return 0;
    console.error(`maelstrom: ${messageOf(error)}`);
    return 1;
  } finally {
    for (const name of STOP_SIGNALS) Deno.removeSignalListener(name, onSignal);
  }
}

async function run(
  settings: Settings,
  env: Record<string, string>,
  log: Log,
  stop: AbortSignal,
  cut: AbortSignal,
): Promise<number> {
  const path = settings.dataDir || dataDir(env, Deno.uid());
  const daemon = await startDaemon(settings, path, log, stop);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener("abort", () => resolve(), { once: true });
  });
  log.info("stopping");
  await pause(settings.shutdownPauseSeconds * 1000, cut);
  await daemon.stop(cut);
  log.info("stopped");
  return 0;
}

// Once, before anything runs that could be held up.
const readFile = (path: string): string => Deno.readTextFileSync(path);
