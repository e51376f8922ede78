/** Shells whose completion is tested. @module */
import { ensurePackages } from "./apt.ts";

const SHELLS = ["bash", "zsh", "fish"];

/** Whether the shell `name` is there. */
export async function hasShell(name: string): Promise<boolean> {
  return (await Deno.stat(`/usr/bin/${name}`).catch(() => undefined))?.isFile ?? false;
}

/** Installs those that are missing if it can. */
export async function ensureShells(say: (text: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const name of SHELLS) if (!await hasShell(name)) missing.push(name);
  if (missing.length > 0) await ensurePackages(missing, "the tests of their completion", say);
}
