/** What `maelstrom completion` does. @module */
import bash from "../completion/maelstrom.bash" with { type: "text" };
import fish from "../completion/maelstrom.fish" with { type: "text" };
import zsh from "../completion/maelstrom.zsh" with { type: "text" };
import { type Call, UsageError } from "../command.ts";

const SCRIPTS = new Map([["bash", bash], ["zsh", zsh], ["fish", fish]]);

/** `completion`: prints the script for a shell. @throws {UsageError} no such shell */
export async function printCompletion({ operands: [shell], output }: Call): Promise<void> {
  const script = SCRIPTS.get(shell ?? "");
  if (script !== undefined) return await output.text(script);
  const found = shell === undefined ? "none" : JSON.stringify(shell);
  throw new UsageError(
    `Cannot print a completion script: the shell must be bash, zsh or fish, found ${found}`,
    ["completion"],
  );
}
