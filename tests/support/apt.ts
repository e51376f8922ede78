/** Debian's packages, for what tests need beyond Deno. @module */

/**
 * Installs `packages` where that is possible: as root, with apt. Otherwise, and when it fails, says
 * what is `skipped` without them.
 */
export async function ensurePackages(
  packages: readonly string[],
  skipped: string,
  say: (text: string) => void,
): Promise<void> {
  const names = packages.join(", ");
  if (Deno.uid() !== 0 || !await Deno.stat("/usr/bin/apt-get").catch(() => undefined)) {
    return say(`Not installed: ${names}; ${skipped} will be skipped`);
  }
  say(`Not installed: ${names}; installing`);
  for (
    const args of [["-q", "update"], [
      "-q",
      "install",
      "-y",
      "--no-install-recommends",
      ...packages,
    ]]
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
    return say(`Cannot install ${names}: ${reason}; ${skipped} will be skipped`);
  }
}
