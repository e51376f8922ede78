/** From a stored project back to a project file, such that a put of it changes nothing. Pure. @module */
import type {
  Component,
  ComponentWithEventSources,
  EventSource,
  NameValue,
  Project,
} from "../contract/v1.ts";
import { mergeEnvironment } from "./env_file.ts";
import { FILE_KEYS } from "./file_keys.ts";
import { prefixedName, shortName } from "./names.ts";
import { isUnset } from "./settings.ts";

/** A project as a file has it, and what a file cannot say of it. */
export interface WrittenProject {
  readonly file: Readonly<Record<string, unknown>>;
  /** Names without the project's before them: a put of the file renames these. */
  readonly renamed: readonly string[];
}

/** `project` as a file: names short, unset settings left out, everything in a fixed order. */
export function fileOfProject({ name, components }: Project): WrittenProject {
  const names = components.flatMap(({ component, eventSources }) => [
    component.name,
    ...eventSources.map(({ eventSource }) => eventSource.name),
  ]);
  return {
    file: {
      name,
      components: Object.fromEntries(
        components.map((entry) => [shortName(name, entry.component.name), fileComponent(entry)]),
      ),
    },
    renamed: [...new Set(names)].filter((given) => prefixedName(name, given) !== given),
  };
}

function fileComponent({ component, eventSources }: ComponentWithEventSources) {
  const file: Record<string, unknown> = {};
  for (const { key, path } of FILE_KEYS) {
    const value = valueAt(component, path);
    if (!isUnset(value)) file[key] = lowered(value);
  }
  const { environment, docker, projectName = "" } = component;
  const options = docker.logDriverOptions ?? [];
  if (options.length > 0) file.logdriveroptions = Object.fromEntries(pairsOf(options));
  if (environment.length > 0) {
    file.environment = pairsOf(environment).map(([name, value]) => `${name}=${value}`);
  }
  if (eventSources.length > 0) {
    file.eventsources = Object.fromEntries(
      eventSources.map(({ eventSource }) => [
        shortName(projectName, eventSource.name),
        fileEventSource(eventSource),
      ]),
    );
  }
  return file;
}

function fileEventSource({ http, cron, sqs, awsstepfunc, queue }: EventSource) {
  const kinds = Object.entries({ http, cron, sqs, awsstepfunc, queue });
  return Object.fromEntries(
    kinds.flatMap(([kind, value]) => value ? [[kind, lowered(value)]] : []),
  );
}

function valueAt(component: Component, [first, second]: readonly string[]): unknown {
  const value = (component as Readonly<Record<string, unknown>>)[first ?? ""];
  return second === undefined ? value : (value as Readonly<Record<string, unknown>>)[second];
}

function pairsOf(list: readonly NameValue[]): [string, string][] {
  return mergeEnvironment(list).map(({ name, value }) => [name, value]);
}

/** Fields in lower case and unset ones left out, at every depth; what lists hold stays. */
function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value !== "object" || value === null) return value;
  const required = new Set(["value", "source"]);
  const set = Object.entries(value)
    .filter(([field, child]) => required.has(field) || !isUnset(child));
  return Object.fromEntries(set.map(([field, child]) => [field.toLowerCase(), lowered(child)]));
}
