/** What a put of a project changed or would change, as lines for people. @module */
import type { FieldChange, ItemChange, ProjectChanges } from "../../lib/contract/v1.ts";
import { fileKeyOf } from "../../lib/project/file_keys.ts";
import type { Output } from "../output.ts";

const TYPE_WIDTH = 11;
const NAME_WIDTH = 33;
const VALUE_LENGTH_MAX = 100;

/** Prints `title`, a row for each item that changes, and below it what changes in it. */
export async function printProjectChanges(
  plan: ProjectChanges,
  title: string,
  output: Output,
): Promise<void> {
  await output.line(title);
  await output.line(row("Type", "Name", "Action"));
  const fields = new Map(plan.changes.map((change) => [key(change.kind, change.name), change]));
  for (const { kind, name, action } of actionsOf(plan)) {
    await output.line(row(kind === "component" ? "Component" : "EventSource", name, action));
    for (const change of fields.get(key(kind, name))?.fields ?? []) {
      await output.line(`  ${fieldLine(kind, change)}`);
    }
  }
}

type Kind = ItemChange["kind"];

function actionsOf(plan: ProjectChanges) {
  const of = (kind: Kind, action: string, names: readonly string[]) =>
    names.map((name) => ({ kind, name, action }));
  const named = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);
  return [
    ...of("component", "Added", named(plan.componentsAdded)),
    ...of("component", "Updated", named(plan.componentsUpdated)),
    ...of("component", "Removed", plan.componentsRemoved),
    ...of("eventSource", "Added", named(plan.eventSourcesAdded)),
    ...of("eventSource", "Updated", named(plan.eventSourcesUpdated)),
    ...of("eventSource", "Removed", plan.eventSourcesRemoved),
  ];
}

function key(kind: Kind, name: string): string {
  return `${kind} ${name}`;
}

function row(type: string, name: string, action: string): string {
  return `${type.padEnd(TYPE_WIDTH)}  ${name.padEnd(NAME_WIDTH)}  ${action}`;
}

/** A changed setting: `image: shop:7 -> shop:8`. */
export function fieldLine(
  kind: Kind,
  { path, change, old, new: now, secret }: FieldChange,
): string {
  const name = kind === "component" ? fileKeyOf(path) : path.toLowerCase();
  const before = change === "added" ? "(none)" : secret ? "***" : shown(old);
  const after = change === "removed" ? "(none)" : secret ? "***" : shown(now);
  return `${name}: ${before} -> ${after}`;
}

function shown(value: unknown): string {
  const isPlain = typeof value === "string" && /^[^\s"]+$/.test(value);
  const characters = [...(isPlain ? value : JSON.stringify(value) ?? "")];
  if (characters.length <= VALUE_LENGTH_MAX) return characters.join("");
  return `${characters.slice(0, VALUE_LENGTH_MAX - 1).join("")}…`;
}
