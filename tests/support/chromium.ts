/** Debian's Chromium for tests that need a browser's own view. @module */

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const NAMES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Flags with which it talks to nobody but the page's server. */
export const chromiumFlags: readonly string[] = FLAGS;

/** Its path, or undefined where there is none. */
export async function findChromium(): Promise<string | undefined> {
  for (const path of NAMES) {
    const found = await Deno.stat(path).catch(() => undefined);
    if (found?.isFile) return path;
  }
  return undefined;
}

/**
 * Installs it where that is possible: as root, with apt. Otherwise says what is left out; nothing
 * but the tests in tests/browser/ needs it.
 */
export async function ensureChromium(say: (text: string) => void): Promise<void> {
  if (await findChromium()) return;
  if (Deno.uid() !== 0 || !await Deno.stat("/usr/bin/apt-get").catch(() => undefined)) {
    return say("No Chromium found: the tests in tests/browser/ will be skipped");
  }
  say("No Chromium found; installing the package chromium");
  for (
    const args of [["-q", "update"], ["-q", "install", "-y", "--no-install-recommends", "chromium"]]
  ) {
    const { success, stderr } = await new Deno.Command("apt-get", {
      args,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success) continue;
    const [reason = ""] = new TextDecoder().decode(stderr).trim().split("\n").slice(-1);
    return say(`Cannot install Chromium: ${reason}; the tests in tests/browser/ will be skipped`);
  }
}
