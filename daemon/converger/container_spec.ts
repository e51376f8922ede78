/**
 * A component in the engine's words, and the labels by which its containers are known again. Pure.
 * @module
 */
import type { Effective } from "../../lib/contract/effective.ts";
import type { Component } from "../../lib/contract/v1.ts";
import type { ContainerSpec } from "../../lib/docker/client.ts";
import type { StoredComponent } from "../store/store.ts";
import { portBindings } from "./ports.ts";

const MIB = 2 ** 20;

/** Label that marks every container of ours. */
export const LABEL = "maelstrom";
/** Label with the id of the node that owns the container. */
export const NODE_LABEL = "maelstrom_node";
const COMPONENT_LABEL = "maelstrom_component";
const VERSION_LABEL = "maelstrom_version";
const UID_LABEL = "maelstrom_uid";
const PORT_LABEL = "maelstrom_port";

/** What a container is made of. */
export interface SpecOptions {
  readonly name: string;
  readonly stored: StoredComponent;
  readonly settings: Effective;
  readonly nodeId: string;
  /** Where components reach others, as seen from a container. */
  readonly privateUrl: string;
  /** Puts named values in place of the references in a text. @throws {MaelstromError} start_failed */
  readonly resolve: (text: string) => string;
}

/** What a container was made for. */
export interface Identity {
  readonly component: string;
  readonly version: number;
  /** Incarnation of the component. */
  readonly uid: string;
  /** Port that receives requests; NaN when an earlier release made it. */
  readonly port: number;
}

/** What the container with `labels` was made for. */
export function identityOf(labels: Readonly<Record<string, string>>): Identity {
  return {
    component: labels[COMPONENT_LABEL] ?? "",
    version: Number(labels[VERSION_LABEL]),
    uid: labels[UID_LABEL] ?? "",
    port: Number(labels[PORT_LABEL]),
  };
}

/** The component in the engine's words. */
export function containerSpec(
  { name, stored: { component, uid }, settings, nodeId, privateUrl, resolve }: SpecOptions,
): ContainerSpec {
  const { docker } = component;
  const bindings = portBindings(docker.ports ?? []);
  const exposed = [`${docker.httpPort}/tcp`, ...Object.keys(bindings)];
  return {
    name,
    Image: docker.image,
    ...given("Cmd", docker.command),
    ...given("Entrypoint", docker.entrypoint),
    ...given("Hostname", docker.hostname),
    ...given("Domainname", docker.domainname),
    ...given("User", docker.user),
    Env: environmentOf(component, privateUrl, resolve),
    Labels: {
      [LABEL]: "true",
      [NODE_LABEL]: nodeId,
      [COMPONENT_LABEL]: component.name,
      [VERSION_LABEL]: String(component.version),
      [UID_LABEL]: uid,
      [PORT_LABEL]: String(docker.httpPort),
    },
    ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])),
    HostConfig: {
      ...given("PortBindings", docker.ports && bindings),
      MemoryReservation: settings.reserveMemoryMiB * MIB,
      ...given("Memory", (docker.limitMemoryMiB ?? 0) * MIB),
      ...given("CpuShares", docker.cpuShares),
      ...given("NetworkMode", docker.networkName),
      ...given("Init", docker.init),
      ...given("Ulimits", docker.ulimits?.map(ulimitOf)),
      ...given("CapAdd", docker.capadd),
      ...given("CapDrop", docker.capdrop),
      ...given("Dns", docker.dns),
      ...given("DnsOptions", docker.dnsOptions),
      ...given("DnsSearch", docker.dnsSearch),
      ...given(
        "Mounts",
        docker.volumes?.map(({ type = "bind", source, target, readOnly = false }) => ({
          Type: type,
          ...given("Source", type === "tmpfs" ? undefined : source),
          Target: target,
          ReadOnly: readOnly,
        })),
      ),
      ...given("LogConfig", logConfigOf(component)),
    },
  };
}

/** The field when it has something to say: not absent, empty, zero or false. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  const empty = !value || (Array.isArray(value) && value.length === 0);
  return empty ? {} : { [key]: value } as { [P in K]?: V };
}

/** Names that start MAELSTROM_ are ours. */
function environmentOf(
  component: Component,
  privateUrl: string,
  resolve: SpecOptions["resolve"],
): string[] {
  return [
    ...component.environment.filter(({ name }) => !name.startsWith("MAELSTROM_"))
      .map(({ name, value }) => `${name}=${resolve(value)}`),
    `MAELSTROM_PRIVATE_URL=${privateUrl}`,
    `MAELSTROM_COMPONENT_NAME=${component.name}`,
    `MAELSTROM_COMPONENT_VERSION=${component.version}`,
    `MAELSTROM_PROJECT_NAME=${component.projectName ?? ""}`,
  ];
}

function ulimitOf(text: string): { Name: string; Soft: number; Hard: number } {
  const [Name = "", limits = ""] = text.split("=");
  const [soft, hard = soft] = limits.split(":");
  return { Name, Soft: Number(soft), Hard: Number(hard) };
}

function logConfigOf(component: Component) {
  const { logDriver, logDriverOptions = [] } = component.docker;
  if (!logDriver || logDriver === "maelstrom") return undefined;
  const Config = Object.fromEntries(logDriverOptions.map(({ name, value }) => [name, value]));
  return { Type: logDriver, Config };
}
