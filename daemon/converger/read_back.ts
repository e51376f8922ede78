/**
 * Whether the engine took what it was asked for: a kernel without some limit makes it drop the limit
 * and go on. Pure.
 *
 * Source: Docker Engine API 1.41, "Inspect a container".
 * @module
 */
import { posix } from "node:path";
import type { DockerComponent } from "../../lib/contract/v1.ts";
import type { ContainerDetail, ContainerSpec, HostConfigSpec } from "../../lib/docker/client.ts";

const MIB = 2 ** 20;

/** A setting that the engine did not take: `{ field: "cpuShares", asked: "512", got: "nothing" }`. */
export interface Difference {
  readonly field: keyof DockerComponent | "environment" | "labels";
  /** Of values that may be secret only the names. */
  readonly asked: string;
  readonly got: string;
}

/** What a setting asks for and what the engine says it has, entry by entry. */
interface Row {
  readonly field: Difference["field"];
  readonly asked: readonly string[];
  readonly got: readonly string[];
  /** Entries are `name=value`, and the value may be secret. */
  readonly isSecret?: true;
}

/** What of `spec` is missing in the container that was made to it. More than was asked is no matter. */
export function readBack(spec: ContainerSpec, detail: ContainerDetail): Difference[] {
  return rowsOf(spec, detail).flatMap(({ field, asked, got, isSecret }): Difference[] => {
    const missing = asked.filter((entry) => !got.includes(entry));
    if (missing.length === 0) return [];
    return [{
      field,
      asked: listed(isSecret ? missing.map(nameOf) : missing),
      got: isSecret ? "another value or none" : listed(got),
    }];
  });
}

function rowsOf(spec: ContainerSpec, { config, hostConfig, ...detail }: ContainerDetail): Row[] {
  const asked = spec.HostConfig ?? {};
  const got = hostConfig as HostConfigSpec;
  return [
    { field: "command", asked: whole(spec.Cmd), got: whole(config.Cmd) },
    { field: "entrypoint", asked: whole(spec.Entrypoint), got: whole(config.Entrypoint) },
    { field: "hostname", asked: one(spec.Hostname), got: one(config.Hostname) },
    { field: "domainname", asked: one(spec.Domainname), got: one(config.Domainname) },
    { field: "user", asked: one(spec.User), got: one(config.User) },
    { field: "environment", ...secretRow(lastOf(spec.Env), texts(config.Env)) },
    { field: "labels", ...secretRow(pairs(spec.Labels), pairs(config.Labels)) },
    { field: "limitMemoryMiB", asked: mib(asked.Memory), got: mib(got.Memory) },
    {
      field: "reserveMemoryMiB",
      asked: mib(asked.MemoryReservation),
      got: mib(got.MemoryReservation),
    },
    { field: "cpuShares", asked: one(asked.CpuShares), got: one(got.CpuShares) },
    { field: "init", asked: one(asked.Init), got: one(got.Init) },
    { field: "networkName", asked: network(asked.NetworkMode), got: network(got.NetworkMode) },
    { field: "dns", asked: texts(asked.Dns), got: texts(got.Dns) },
    { field: "dnsOptions", asked: texts(asked.DnsOptions), got: texts(got.DnsOptions) },
    { field: "dnsSearch", asked: texts(asked.DnsSearch), got: texts(got.DnsSearch) },
    { field: "ulimits", asked: ulimits(asked.Ulimits), got: ulimits(got.Ulimits) },
    { field: "capadd", asked: capabilities(asked.CapAdd), got: capabilities(got.CapAdd) },
    { field: "capdrop", asked: capabilities(asked.CapDrop), got: capabilities(got.CapDrop) },
    { field: "logDriver", asked: one(asked.LogConfig?.Type), got: one(got.LogConfig?.Type) },
    {
      field: "logDriverOptions",
      ...secretRow(pairs(asked.LogConfig?.Config), pairs(got.LogConfig?.Config)),
    },
    { field: "volumes", asked: wantedMounts(asked.Mounts), got: mountsOf(detail.mounts) },
    { field: "ports", asked: wantedPorts(asked.PortBindings), got: portsOf(detail.ports) },
  ];
}

function secretRow(asked: readonly string[], got: readonly string[]): Omit<Row, "field"> {
  return { asked, got, isSecret: true };
}

function listed(entries: readonly string[]): string {
  return entries.length === 0 ? "nothing" : entries.join(", ");
}

function nameOf(entry: string): string {
  return entry.split("=", 1)[0] ?? "";
}

/** A single value; absent, zero, empty and false are none. */
function one(value: unknown): string[] {
  return value ? [String(value)] : [];
}

/** A list whose order counts, as one entry. */
function whole(list: unknown): string[] {
  return Array.isArray(list) && list.length > 0 ? [JSON.stringify(list)] : [];
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

/** Of a name that is given twice only the last entry counts. */
function lastOf(entries: readonly string[] = []): string[] {
  return [...new Map(entries.map((entry) => [nameOf(entry), entry])).values()];
}

function pairs(record: unknown): string[] {
  return Object.entries(record ?? {}).map(([name, value]) => `${name}=${value}`);
}

function mib(bytes: number | undefined): string[] {
  return bytes ? [`${bytes / MIB} MiB`] : [];
}

/** Engines differ in what they call the network that needs no name. */
function network(mode: string | undefined): string[] {
  return one(mode === "default" ? "bridge" : mode);
}

function ulimits(list: HostConfigSpec["Ulimits"] | null): string[] {
  return (list ?? []).map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`);
}

/** Newer engines write `CAP_NET_ADMIN` where older ones keep `net_admin`. */
function capabilities(list: readonly string[] | null | undefined): string[] {
  return (list ?? []).map((name) => name.toUpperCase().replace(/^CAP_/, ""));
}

function wantedMounts(mounts: HostConfigSpec["Mounts"] = []): string[] {
  return mounts.map(({ Type, Target, ReadOnly = false }) => {
    const target = posix.normalize(Target).replace(/(.)\/$/, "$1");
    return mountText(Type, target, ReadOnly);
  });
}

function mountsOf(mounts: ContainerDetail["mounts"]): string[] {
  return mounts.map(({ type, target, readOnly }) => mountText(type, target, readOnly));
}

function mountText(type: string, target: string, isReadOnly: boolean): string {
  return `${type} ${target}${isReadOnly ? " read-only" : ""}`;
}

function wantedPorts(bindings: HostConfigSpec["PortBindings"] = {}): string[] {
  return Object.entries(bindings).flatMap(([port, hostPorts]) =>
    hostPorts.map(({ HostPort }) => portText(HostPort, port))
  );
}

/** Each with its host port and without: a binding may leave that to the engine. */
function portsOf(ports: ContainerDetail["ports"]): string[] {
  return ports.flatMap(({ containerPort, protocol, hostPort }) => {
    const port = `${containerPort}/${protocol}`;
    return [portText("", port), portText(String(hostPort), port)];
  });
}

function portText(hostPort: string, port: string): string {
  return hostPort === "" ? port : `${hostPort}:${port}`;
}
