/**
 * What to create, in the engine's own words. Only the fields we use. Types alone.
 *
 * Source: Docker Engine API 1.41, "Create a container".
 * @module
 */

/** One mount: `{ "Type": "bind", "Source": "/srv/data", "Target": "/data", "ReadOnly": true }`. */
export interface MountSpec {
  readonly Type: "bind" | "volume" | "tmpfs";
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly?: boolean;
}

/** What the engine grants a container; memory is in bytes. */
export interface HostConfigSpec {
  readonly Binds?: readonly string[];
  readonly CapAdd?: readonly string[];
  readonly CapDrop?: readonly string[];
  readonly CpuShares?: number;
  readonly Dns?: readonly string[];
  readonly DnsOptions?: readonly string[];
  readonly DnsSearch?: readonly string[];
  readonly ExtraHosts?: readonly string[];
  readonly Init?: boolean;
  readonly LogConfig?: {
    readonly Type: string;
    readonly Config?: Readonly<Record<string, string>>;
  };
  readonly Memory?: number;
  readonly MemoryReservation?: number;
  readonly Mounts?: readonly MountSpec[];
  readonly NetworkMode?: string;
  readonly PidsLimit?: number;
  /** By container port: `{ "53/udp": [{ "HostIp": "127.0.0.1", "HostPort": "5353" }] }`. */
  readonly PortBindings?: Readonly<
    Record<string, readonly { readonly HostIp?: string; readonly HostPort: string }[]>
  >;
  readonly Ulimits?: readonly {
    readonly Name: string;
    readonly Soft: number;
    readonly Hard: number;
  }[];
}

/** A container to create, in the engine's own words; `name` is ours. Absent: the image's choice. */
export interface ContainerSpec {
  readonly name?: string;
  readonly Image: string;
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  /** `NAME=value` each. */
  readonly Env?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  /** `{ "8080/tcp": {} }`. */
  readonly ExposedPorts?: Readonly<Record<string, Readonly<Record<string, never>>>>;
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Tty?: boolean;
  readonly StopSignal?: string;
  readonly HostConfig?: HostConfigSpec;
}
