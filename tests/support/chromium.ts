/** Debian's Chromium for tests that need a browser's own view. @module */
import { ensurePackages } from "./apt.ts";

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

/** Installs it if it can; nothing but the tests in tests/browser/ needs it. */
export async function ensureChromium(say: (text: string) => void): Promise<void> {
  if (await findChromium()) return;
  await ensurePackages(["chromium"], "the tests in tests/browser/", say);
}
