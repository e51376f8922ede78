/** From a checked project file to the project of the wire. Pure. @module */
import { canonicalName } from "../contract/names.ts";
import { knownFields } from "../contract/known_fields.ts";
import { componentSchema, eventSourceSchema, type NameValue } from "../contract/v1.ts";
import { type Crontab, parseCrontab } from "./crontab.ts";
import { mergeEnvironment, parseEnvLine } from "./env_file.ts";
import { FILE_KEYS } from "./file_keys.ts";
import type { FileComponent, FileEventSource, ProjectFile } from "./file_schema.ts";

/** A project read from a file: not yet checked by the wire's schema. */
export interface ReadProject {
  readonly project: { readonly name: string; readonly components: readonly unknown[] };
  /** Paths of what says nothing and was left out: `project.components.web.crontab line 3`. */
  readonly ignored: readonly string[];
}

/**
 * The project in `file`: components in name order, their event sources in name order and then in
 * the order of the crontab. `envFile` are the entries of the file that `envfile` names.
 */
export function projectOfFile(file: ProjectFile, envFile: readonly NameValue[] = []): ReadProject {
  const name = canonicalName(file.name);
  const shared = mergeEnvironment(envFile, entriesOf(file.environment));
  const components = byName(file.components)
    .map(([component, value]) => wireComponent(component, value, shared, name));
  return { project: { name, components }, ignored: ignoredIn(file) };
}

/** A component of a file as the wire has it, with what wakes it; `shared` is the environment of all. */
export function wireComponent(
  name: string,
  file: FileComponent,
  shared: readonly NameValue[],
  projectName?: string,
): { readonly component: unknown; readonly eventSources: readonly unknown[] } {
  const project = projectName === undefined ? {} : { projectName };
  const component: Record<string, unknown> = { name, ...project };
  const docker: Record<string, unknown> = {};
  for (const { key, path } of FILE_KEYS) {
    const [first, second] = path;
    if (file[key] === undefined) continue;
    if (second === undefined) component[first] = file[key];
    else docker[second] = file[key];
  }
  if (file.logdriveroptions !== undefined) {
    docker.logDriverOptions = byName(file.logdriveroptions)
      .map(([name, value]) => ({ name, value }));
  }
  component.environment = mergeEnvironment(shared, entriesOf(file.environment));
  component.docker = docker;
  const sources = [
    ...Object.values(listedSources(name, file.eventsources ?? {})),
    ...crontabSources(name, parseCrontab(file.crontab ?? "")),
  ];
  return {
    // The file has lower-case names at every depth; the wire has its own.
    component: knownFields(component, componentSchema, "component").value,
    eventSources: sources.map((source) => ({
      eventSource: { ...source, ...project },
      enabled: true,
    })),
  };
}

/** The event sources under `eventsources`, by name and in its order. */
export function listedSources(
  componentName: string,
  sources: Readonly<Record<string, FileEventSource>>,
): Record<string, Readonly<Record<string, unknown>>> {
  return Object.fromEntries(
    byName(sources).map(([name, source]) => {
      const kinds = knownFields(source, eventSourceSchema, "eventSource").value;
      return [name, { name, componentName, ...kinds as Record<string, unknown> }];
    }),
  );
}

/** The event sources of a crontab, called `<component>-cron-<n>` from 0. */
export function crontabSources(
  componentName: string,
  { entries }: Crontab,
): Readonly<Record<string, unknown>>[] {
  return entries.map(({ schedule, path }, n) => ({
    name: `${componentName}-cron-${n}`,
    componentName,
    cron: { schedule, http: { method: "GET", path } },
  }));
}

function entriesOf(lines: readonly string[] = []): NameValue[] {
  return lines.flatMap((line) => parseEnvLine(line) ?? []);
}

function ignoredIn({ environment, components }: ProjectFile): string[] {
  const lines = (path: string, list: readonly string[] = []) =>
    list.flatMap((line, i) => parseEnvLine(line) ? [] : [`${path}.environment[${i}]`]);
  return [
    ...lines("project", environment),
    ...byName(components).flatMap(([name, component]) => {
      const path = `project.components.${name}`;
      const { ignored } = parseCrontab(component.crontab ?? "");
      return [
        ...lines(path, component.environment),
        ...ignored.map((line) => `${path}.crontab line ${line}`),
      ];
    }),
  ];
}

function byName<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}
