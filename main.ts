/**
 * The one executable. The first word decides: `daemon` makes this machine a node, anything else is
 * the command line tool. Each half is loaded only when it is wanted, so that the tool starts fast.
 * @module
 */
if ("WorkerGlobalScope" in globalThis) {
  // The daemon starts this same file in its threads, as it is the only one there is.
  (await import("./daemon/worker.ts")).runProxyWorker();
} else {
  const [word, ...rest] = Deno.args;
  const exitCode = word === "daemon"
    ? await (await import("./daemon/command.ts")).runDaemon(rest)
    : await (await import("./cli/cli.ts")).runCli(Deno.args);
  Deno.exit(exitCode);
}
