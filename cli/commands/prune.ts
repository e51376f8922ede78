/** What `maelstrom prune` does: has the node remove what nobody needs, and says what went. @module */
import type { PruneEntry, PruneItem, PruneOutcome } from "../../lib/contract/prune.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Call } from "../command.ts";
import type { Cell, Style, TableLayout } from "../output.ts";

const MIB = 2 ** 20;
const ID_CHARS = 19;

const ITEMS: TableLayout = {
  columns: [
    { title: "Kind", width: 9 },
    { title: "Name", width: 40 },
    { title: "MiB", width: 8 },
    { title: "Outcome", width: 12 },
    { title: "Reason", width: 40 },
  ],
  dashes: 113,
  empty: "",
};

const OUTCOMES: Readonly<Record<PruneOutcome, { text: string; style: Style }>> = {
  would_remove: { text: "would go", style: "yellow" },
  removed: { text: "removed", style: "green" },
  in_use: { text: "in use", style: "yellow" },
  gone: { text: "gone already", style: "dim" },
  failed: { text: "failed", style: "red" },
};

/** `prune`: removes images and containers that nobody needs, or says which would go. */
export async function prune(call: Call): Promise<void> {
  const { flags, output, signal } = call;
  const path = `/_mael/prune?dryRun=${flags.has("dry-run")}`;
  const client = await call.client();
  const items: PruneItem[] = [];
  const notices: string[] = [];
  let failure: MaelstromError | undefined;
  for await (const line of client.stream({ method: "POST", path }, signal)) {
    if (flags.has("json")) await output.text(`${line}\n`);
    // The node is ours: its entries are trusted to have the shape the contract gives them.
    const entry = JSON.parse(line) as PruneEntry;
    if (entry.kind === "notice") notices.push(entry.text);
    else if (entry.kind === "failure") failure = new MaelstromError(entry.code, entry.text);
    else items.push(entry);
  }
  const failed = items.filter(({ outcome }) => outcome === "failed");
  if (!flags.has("json")) {
    await output.table(ITEMS, items.map(rowOf));
    for (const { names, id, error } of failed) {
      await output.hint(`${names[0] ?? id}: ${error ?? "no reason given"}`);
    }
    for (const notice of notices) await output.line(notice);
    await output.line(totalOf(items));
  }
  if (failure) throw failure;
  if (failed.length > 0) {
    throw new MaelstromError("internal", `Cannot prune all: ${failed.length} could not be removed`);
  }
}

function rowOf({ kind, id, names, sizeBytes, outcome, reason }: PruneItem): Cell[] {
  const name = names.length > 0 ? names.join(", ") : id.slice(0, ID_CHARS);
  return [kind, name, kind === "image" ? mib(sizeBytes) : "", OUTCOMES[outcome], reason];
}

/** Images share layers, so their sizes say at most what becomes free. */
function totalOf(items: readonly PruneItem[]): string {
  const wouldGo = items.filter(({ outcome }) => outcome === "would_remove");
  const went = wouldGo.length > 0 ? wouldGo : items.filter(({ outcome }) => outcome === "removed");
  if (went.length === 0) return "Nothing to prune";
  const images = went.filter(({ kind }) => kind === "image");
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const counts = [count(images.length, "image"), count(went.length - images.length, "container")];
  const verb = wouldGo.length > 0 ? "Would remove" : "Removed";
  return `${verb} ${counts.join(" and ")}, up to ${mib(bytes)} MiB`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
