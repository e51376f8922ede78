/**
 * What the engine tells about containers, in our words. Pure.
 *
 * Source: Docker Engine API 1.41, "List containers", "Inspect a container".
 * @module
 */

/** Where a container is in its life, as the engine calls it. */
export type ContainerStatus =
  | "created"
  | "running"
  | "paused"
  | "restarting"
  | "removing"
  | "exited"
  | "dead";

/** A published port: host 33001 leads to 8080/tcp. */
export interface PublishedPort {
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** A container in a list. */
export interface ContainerSummary {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** The image as it was asked for; an id when that name has moved on. */
  readonly image: string;
  readonly imageId: string;
  readonly createdAtMs: number;
  readonly status: ContainerStatus;
  readonly labels: Readonly<Record<string, string>>;
  /** Address by network name: `{ "bridge": "172.17.0.2" }`; only networks that gave one. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** The process of a container. Times are in milliseconds since 1970; 0 means never. */
export interface ContainerState {
  readonly status: ContainerStatus;
  /** True while paused, too. */
  readonly running: boolean;
  readonly exitCode: number;
  /** Why the last start failed; otherwise empty. */
  readonly error: string;
  readonly oomKilled: boolean;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

/** What is mounted, and where. */
export interface MountPoint {
  readonly type: string;
  /** Absolute, without a slash at its end. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** Everything we ask about one container. */
export interface ContainerDetail extends Omit<ContainerSummary, "status"> {
  readonly state: ContainerState;
  readonly tty: boolean;
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly MountPoint[];
  /** What the engine says the process runs with, unchecked. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What the engine says it granted, unchecked. */
  readonly hostConfig: Readonly<Record<string, unknown>>;
}

interface WireNetworks {
  readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string } | null>> | null;
}

/** The engine's JSON for a container in a list. */
export interface WireSummary {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly Image: string;
  readonly ImageID: string;
  readonly Created: number;
  readonly State: ContainerStatus;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly NetworkSettings?: WireNetworks | null;
}

/** The engine's JSON for one container. */
export interface WireDetail {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Image: string;
  readonly Config: Readonly<Record<string, unknown>> & {
    readonly Image: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Tty?: boolean;
  };
  readonly State: {
    readonly Status: ContainerStatus;
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly Error?: string;
    readonly OOMKilled?: boolean;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Mounts?:
    | readonly { readonly Type: string; readonly Destination: string; readonly RW: boolean }[]
    | null;
  readonly HostConfig?: Readonly<Record<string, unknown>>;
  readonly NetworkSettings?:
    | WireNetworks & {
      readonly Ports?:
        | Readonly<
          Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
        >
        | null;
    }
    | null;
}

/** A list entry, in our words. */
export function summaryOf(wire: WireSummary): ContainerSummary {
  return {
    id: wire.Id,
    name: wire.Names?.[0]?.slice(1) ?? "",
    image: wire.Image,
    imageId: wire.ImageID,
    createdAtMs: wire.Created * 1000,
    status: wire.State,
    labels: wire.Labels ?? {},
    addresses: addressesIn(wire.NetworkSettings),
  };
}

/** One container, in our words. */
export function detailOf(wire: WireDetail): ContainerDetail {
  const { State: state, Config: config } = wire;
  return {
    id: wire.Id,
    name: wire.Name.slice(1),
    image: config.Image,
    imageId: wire.Image,
    createdAtMs: timeOf(wire.Created),
    labels: config.Labels ?? {},
    tty: config.Tty ?? false,
    state: {
      status: state.Status,
      running: state.Running,
      exitCode: state.ExitCode,
      error: state.Error ?? "",
      oomKilled: state.OOMKilled ?? false,
      startedAtMs: timeOf(state.StartedAt),
      finishedAtMs: timeOf(state.FinishedAt),
    },
    addresses: addressesIn(wire.NetworkSettings),
    ports: portsIn(wire),
    mounts: (wire.Mounts ?? []).map(({ Type, Destination, RW }) => ({
      type: Type,
      target: Destination,
      readOnly: !RW,
    })),
    config,
    hostConfig: wire.HostConfig ?? {},
  };
}

function addressesIn(networks: WireNetworks | null | undefined): Record<string, string> {
  const addresses: Record<string, string> = {};
  for (const [name, network] of Object.entries(networks?.Networks ?? {})) {
    if (network?.IPAddress) addresses[name] = network.IPAddress;
  }
  return addresses;
}

function portsIn(wire: WireDetail): PublishedPort[] {
  return Object.entries(wire.NetworkSettings?.Ports ?? {}).flatMap(([key, bindings]) => {
    const [port = "0", protocol = "tcp"] = key.split("/");
    return (bindings ?? []).map((binding) => ({
      containerPort: Number(port),
      protocol,
      hostIp: binding.HostIp,
      hostPort: Number(binding.HostPort),
    }));
  });
}

/** The engine writes the year 1 for "never". */
function timeOf(text: string): number {
  return Math.max(0, Date.parse(text) || 0);
}
