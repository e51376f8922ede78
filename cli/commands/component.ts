/** What `maelstrom comp` does. @module */
import type { CallInput } from "../../lib/rpc/client.ts";
import type { Component } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { fileKeyOf } from "../../lib/project/file_keys.ts";
import { type Call, UsageError } from "../command.ts";
import { type Checked, readChecked } from "../input.ts";
import { listAll } from "../list_all.ts";
import type { TableLayout } from "../output.ts";
import { putLatest, versionOrZero } from "../put.ts";
import { relativeTime } from "../relative_time.ts";
import type { Rollout } from "../rollout.ts";
import { splitWords } from "../split_words.ts";
import { followOptions, followRollout } from "../wait.ts";
import { statusComment } from "./component_status.ts";
import { oneName, putForm } from "./operands.ts";
import { fieldLine } from "./project_changes.ts";
import { printYaml } from "./yaml.ts";

type WireComponent = CallInput<"MaelstromService.PutComponent">["component"];

const LAYOUT: TableLayout = {
  columns: [
    { title: "Component", width: 20, cut: true },
    { title: "Image", width: 30, cut: true },
    { title: "Ver", width: 5 },
    { title: "Last Modified", width: 13 },
  ],
  dashes: 74,
  empty: "No components found",
};

const VERSIONS_LAYOUT: TableLayout = {
  columns: [
    { title: "Ver", width: 5 },
    { title: "Put", width: 13 },
    { title: "Image", width: 30, cut: true },
    { title: "Changed", width: 20 },
  ],
  dashes: 74,
  empty: "",
};
const PATHS_SHOWN_MAX = 3;

const PUT = ["comp", "put"];

/**
 * `comp put`: creates or replaces components, from a file or from flags.
 *
 * @throws {UsageError} neither form is complete, or both are mixed
 * @throws {MaelstromError} invalid: the file or the component is not right
 * @throws {MaelstromError} stale_version: the version in the file is not the current one
 * @throws {MaelstromError} start_failed, timeout: as {@linkcode followRollout}
 */
export async function putComponent(call: Call): Promise<void> {
  const form = putForm(call, PUT);
  const follow = followOptions(call, PUT);
  const { componentSchema } = await import("../../lib/contract/v1.ts");
  const components = form.file === undefined
    ? [await componentOfFlags(form.name, call)]
    : await readChecked(
      form.file,
      { noun: "component", schema: componentSchema, passOver: "status" },
      call,
    );
  const rollouts: Rollout[] = [];
  for (const component of components) rollouts.push(await putOne(component, call));
  if (follow) await followRollout(await call.client(), rollouts, call.output, follow, call.signal);
}

async function putOne({ value, hasVersion }: Checked<Component>, call: Call): Promise<Rollout> {
  const client = await call.client();
  const put = (version: number) =>
    client.call("MaelstromService.PutComponent", { component: { ...value, version } }, call.signal);
  const result = hasVersion ? await put(value.version) : await putLatest({
    put,
    currentVersion: () =>
      versionOrZero(
        client.call("MaelstromService.GetComponent", { name: value.name }, call.signal)
          .then(({ component }) => component.version),
      ),
  });
  await call.output.line(`Component put: ${result.name} version ${result.version}`);
  return result;
}

async function componentOfFlags(name: string, call: Call): Promise<Checked<Component>> {
  const { check } = await import("../../lib/contract/check.ts");
  const { componentSchema } = await import("../../lib/contract/v1.ts");
  try {
    const value = check(componentSchema, wireComponent(name, call), "component");
    return { value, hasVersion: false };
  } catch (error) {
    if (!(error instanceof MaelstromError)) throw error;
    throw new UsageError(`Cannot put ${JSON.stringify(name)}: ${error.message}`, PUT);
  }
}

function wireComponent(name: string, { flags }: Call): WireComponent {
  const image = flags.text("image");
  const httpPort = flags.count("port");
  if (image === undefined || httpPort === undefined) {
    const missing = image === undefined ? "--image" : "--port";
    throw new UsageError(`Cannot put ${JSON.stringify(name)}: ${missing} is missing`, PUT);
  }
  const restartOrder = flags.text("restart-order");
  const component = {
    name,
    environment: flags.texts("env").map(environmentEntry),
    minInstances: flags.count("min"),
    maxInstances: flags.count("max"),
    maxConcurrency: flags.count("concurrency"),
    // The check that follows refuses other words and says which there are.
    RestartOrder: restartOrder as Component["RestartOrder"],
    docker: withoutUndefined({
      image,
      httpPort,
      command: commandWords(flags.text("command")),
      httpHealthCheckPath: flags.text("health"),
      idleTimeoutSeconds: flags.count("idle"),
      reserveMemoryMiB: flags.count("memory"),
      volumes: flags.has("volume") ? flags.texts("volume").map(volumeMount) : undefined,
      ports: flags.has("publish") ? flags.texts("publish") : undefined,
    }),
  };
  return withoutUndefined(component);
}

function environmentEntry(text: string) {
  const at = text.indexOf("=");
  if (at < 1) {
    throw new UsageError(
      `Cannot read --env: must be NAME=VALUE, found ${at === 0 ? "no name" : 'no "="'}`,
      PUT,
    );
  }
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

function commandWords(line: string | undefined): string[] | undefined {
  if (line === undefined) return undefined;
  const words = splitWords(line);
  if (words) return words;
  throw new UsageError(`Cannot read --command: a quote has no end in ${JSON.stringify(line)}`, PUT);
}

function volumeMount(text: string) {
  const [source = "", target = "", mode, ...surplus] = text.split(":");
  const hasMode = mode === undefined || mode === "ro" || mode === "rw";
  if (source === "" || target === "" || !hasMode || surplus.length > 0) {
    throw new UsageError(
      `Cannot read --volume: must be SRC:DST or SRC:DST:ro, found ${JSON.stringify(text)}`,
      PUT,
    );
  }
  const type = source.startsWith("/") ? "bind" as const : "volume" as const;
  return { type, source, target, ...(mode === "ro" ? { readOnly: true } : {}) };
}

function withoutUndefined<T extends object>(value: T): T {
  const given = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(given) as T;
}

/** `comp ls`: lists components by name. */
export async function listComponents(call: Call): Promise<void> {
  const client = await call.client();
  const filter = { namePrefix: call.flags.text("prefix"), projectName: call.flags.text("project") };
  const components = await listAll("components", async (nextToken) => {
    const input = { ...filter, nextToken };
    const page = await client.call("MaelstromService.ListComponents", input, call.signal);
    return { entries: page.components, nextToken: page.nextToken };
  });
  if (call.flags.has("json")) return await call.output.json(components);
  const rows = components.map(({ name, docker, version, modifiedAt }) => [
    name,
    docker.image,
    String(version),
    modifiedAt === undefined ? "" : relativeTime(modifiedAt, call.nowMs),
  ]);
  await call.output.table(LAYOUT, rows);
}

/**
 * `comp get`: prints a component in the form `comp put` takes, and how it fares.
 *
 * @throws {MaelstromError} not_found: no such component
 */
export async function getComponent(call: Call): Promise<void> {
  const name = oneName(call, ["comp", "get"]);
  const client = await call.client();
  const { component, status } = await client.call(
    "MaelstromService.GetComponent",
    { name },
    call.signal,
  );
  if (call.flags.has("json")) return await call.output.json({ ...component, status });
  await call.output.text(statusComment(status, call.nowMs));
  await printYaml(component, call.output);
}

/** `comp rm`: removes a component and its event sources. @throws {MaelstromError} not_found */
export async function removeComponent(call: Call): Promise<void> {
  const name = oneName(call, ["comp", "rm"]);
  const client = await call.client();
  const removed = await client.call("MaelstromService.RemoveComponent", { name }, call.signal);
  if (!removed.found) {
    const message = `Cannot remove component: there is none with name ${JSON.stringify(name)}`;
    throw new MaelstromError("not_found", message);
  }
  await call.output.line(`Component removed: ${removed.name}`);
}

/**
 * `comp versions`: lists the versions one may go back to.
 *
 * @throws {MaelstromError} not_found: no such component
 */
export async function listVersions(call: Call): Promise<void> {
  const name = oneName(call, ["comp", "versions"]);
  const client = await call.client();
  const { versions } = await client.call(
    "MaelstromService.ListComponentVersions",
    { name },
    call.signal,
  );
  if (call.flags.has("json")) return await call.output.json(versions);
  const rows = versions.map(({ version, modifiedAt, image, changes }) => [
    String(version),
    relativeTime(modifiedAt, call.nowMs),
    image,
    shortly(changes.map(({ path }) => fileKeyOf(path))),
  ]);
  await call.output.table(VERSIONS_LAYOUT, rows);
}

function shortly(keys: readonly string[]): string {
  const more = keys.length - PATHS_SHOWN_MAX;
  return keys.slice(0, PATHS_SHOWN_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/**
 * `comp rollback`: puts an earlier version again.
 *
 * @throws {UsageError} the version is no number
 * @throws {MaelstromError} not_found: no such component, or the version is not kept
 * @throws {MaelstromError} invalid: the version is the current one
 */
export async function rollbackComponent(call: Call): Promise<void> {
  const words = ["comp", "rollback"];
  const name = oneName(call, words);
  const version = versionOperand(call.operands[1], words);
  const follow = followOptions(call, words);
  const client = await call.client();
  const done = await client.call(
    "MaelstromService.RollbackComponent",
    { name, ...(version === undefined ? {} : { version }) },
    call.signal,
  );
  if (call.flags.has("json")) await call.output.json(done);
  else {
    await call.output.line(
      `Component rolled back: ${done.name} version ${done.replacedVersion} -> ${done.version}, ` +
        `with the content of version ${done.restoredVersion}`,
    );
    for (const change of done.changes) {
      await call.output.line(`  ${fieldLine("component", change)}`);
    }
  }
  if (follow) await followRollout(client, [done], call.output, follow, call.signal);
}

function versionOperand(text: string | undefined, words: readonly string[]): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  const found = JSON.stringify(text);
  throw new UsageError(`Cannot read VERSION: must be a number like 3, found ${found}`, words);
}
