/**
 * Where the private port listens and under which URL peers reach it. A node alone listens where only
 * people and containers of its machine come from; one of a cluster where its peers come from, too.
 * @module
 */
import { networkInterfaces } from "node:os";
import { MaelstromError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Settings } from "./config.ts";
import { listenTcp } from "./listen.ts";

const FLAGS = "--private-port or --private-addr";

/** True when the settings name a database that other nodes can share. */
export function isClustered({ sqlDsn }: Pick<Settings, "sqlDsn">): boolean {
  return sqlDsn !== "" && !sqlDsn.startsWith("sqlite:");
}

/**
 * Listens on the private port.
 *
 * @throws {MaelstromError} invalid: it cannot be bound
 */
export function privateListeners(
  settings: Settings,
  gatewayAddress: string,
  log: Log,
): Deno.TcpListener[] {
  const { privateAddr, privatePort } = settings;
  if (privateAddr.length > 0 || isClustered(settings)) {
    return listenTcp(privateAddr, privatePort, FLAGS);
  }
  const listeners = listenTcp(["127.0.0.1"], privatePort, FLAGS);
  try {
    listeners.push(...listenTcp([gatewayAddress], privatePort, FLAGS));
  } catch (error) {
    log.warn("containers cannot call other components through this node", { error });
  }
  return listeners;
}

/** The address under which this node reaches its own private port. */
export function ownAddressOf({ privateAddr }: Pick<Settings, "privateAddr">): string {
  const [first = "127.0.0.1"] = privateAddr;
  return first === "0.0.0.0" ? "127.0.0.1" : first === "::" ? "::1" : first;
}

/**
 * The URL under which peers reach this node.
 *
 * @throws {MaelstromError} invalid: MAEL_PEER_URL is no URL of a node, or the machine has no address
 */
export function peerUrl(settings: Settings, gatewayAddress: string): string {
  const { privateAddr, privatePort } = settings;
  if (settings.peerUrl !== "") return checkUrl(settings.peerUrl);
  if (!isClustered(settings)) return urlOf(gatewayAddress, privatePort);
  const address = privateAddr.find((address) => !["0.0.0.0", "::"].includes(address)) ??
    ownAddress(gatewayAddress);
  if (address !== undefined) return urlOf(address, privatePort);
  throw new MaelstromError(
    "invalid",
    "Cannot find the address under which peers reach this node: set MAEL_PEER_URL",
  );
}

function urlOf(address: string, port: number): string {
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function checkUrl(given: string): string {
  const url = URL.parse(given);
  if (url?.protocol === "http:" && url.pathname === "/" && !url.search) return url.origin;
  throw new MaelstromError(
    "invalid",
    `Cannot use MAEL_PEER_URL: must be a URL like "http://10.0.0.5:8374", found "${given}"`,
  );
}

/** The machine's first address that is neither its own loop nor a bridge for containers. */
function ownAddress(gatewayAddress: string): string | undefined {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !/^(docker|br-|veth)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .find(({ family, internal, address }) =>
      family === "IPv4" && !internal && address !== gatewayAddress
    )?.address;
}
