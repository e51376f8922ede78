/**
 * The Docker Engine as the rest of the program sees it: one object whose methods each do one thing
 * at the engine. Every method may throw engine_unavailable when the engine does not answer in time
 * and invalid when it refuses; further codes stand beside the method. "Is not there" and "is so
 * already" are values.
 * @module
 */
import type { ContainerDetail, ContainerSummary } from "./container_detail.ts";
import type { ContainerSpec } from "./container_spec.ts";
import * as containers from "./containers.ts";
import { type DockerEvent, type EventOptions, events } from "./events.ts";
import { execInContainer, type ExecOptions, type ExecResult } from "./exec.ts";
import * as images from "./images.ts";
import { containerLogs, type LogLine, type LogOptions } from "./logs.ts";
import { enginePlatform } from "./platform.ts";
import { pullImage, type PullOptions } from "./pull.ts";
import { EngineTransport } from "./transport.ts";

export type {
  ContainerDetail,
  ContainerState,
  ContainerStatus,
  ContainerSummary,
  MountPoint,
  PublishedPort,
} from "./container_detail.ts";
export type { ContainerSpec, HostConfigSpec, MountSpec } from "./container_spec.ts";
export type {
  ChangeOutcome,
  CreatedContainer,
  ListOptions,
  RemoveOutcome,
  StopOptions,
} from "./containers.ts";
export type { DockerEvent, EventOptions } from "./events.ts";
export type { ExecOptions, ExecResult } from "./exec.ts";
export type { OutputStream } from "./frames.ts";
export type { ImageDetail, ImageSummary, ImportOptions, RemoveImageOutcome } from "./images.ts";
export type { LogLine, LogOptions } from "./logs.ts";
export type { PullOptions, PullProgress } from "./pull.ts";

/** Where an engine is when nobody says otherwise. */
export const DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock";

/** Which engine a {@linkcode DockerClient} talks to. */
export interface DockerClientOptions {
  /** `unix:///var/run/docker.sock` or `tcp://host:port`. */
  readonly host: string;
  /** Applied to what containers write before anybody sees it. @default {(text) => text} */
  readonly redact?: (text: string) => string;
}

/** What an engine says of itself and its machine. */
export interface EngineInfo {
  /** Stays the same while the engine keeps its data. */
  readonly id: string;
  /** The machine's host name. */
  readonly name: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** `20.10.24`. */
  readonly serverVersion: string;
  /** `Debian GNU/Linux 12 (bookworm)`. */
  readonly operatingSystem: string;
  /** `x86_64`. */
  readonly architecture: string;
  readonly kernelVersion: string;
  /** True when containers outlive a restart of the engine. */
  readonly liveRestore: boolean;
  /** Directory of images and containers on the engine's machine: `/var/lib/docker`. */
  readonly dataRoot: string;
}

interface WireInfo {
  readonly ID: string;
  readonly Name: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly ServerVersion: string;
  readonly OperatingSystem: string;
  readonly Architecture: string;
  readonly KernelVersion: string;
  readonly LiveRestoreEnabled?: boolean;
  readonly DockerRootDir: string;
}

interface WireNetwork {
  readonly IPAM?: {
    readonly Config?:
      | readonly { readonly Subnet?: string; readonly Gateway?: string }[]
      | null;
  };
}

/** Where a container finds its machine when no network says so. */
const FALLBACK_GATEWAY = "172.17.0.1";

/** Talks to one Docker Engine. Dispose it when done. */
export class DockerClient implements Disposable {
  readonly #transport: EngineTransport;
  readonly #redact: (text: string) => string;
  /** True when the engine is this machine's: what it sees on its disk can be looked at. */
  readonly isLocal: boolean;

  /** @throws {MaelstromError} invalid: `host` is neither `unix:///path` nor `tcp://host:port` */
  constructor({ host, redact = (text) => text }: DockerClientOptions) {
    this.#transport = new EngineTransport(host);
    this.#redact = redact;
    this.isLocal = host.startsWith("unix:");
  }

  /** Ends the client; calls under way end by their own signals. */
  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  /** Resolves when the engine answers. */
  async ping(signal: AbortSignal): Promise<void> {
    const response = await this.#transport.open({
      method: "GET",
      path: "/_ping",
      act: "ping Docker",
      signal,
    });
    await response.body?.cancel();
  }

  /** What the engine says of itself. */
  async info(signal: AbortSignal): Promise<EngineInfo> {
    const act = "ask Docker about itself";
    const { body } = await this.#transport.call({ method: "GET", path: "/info", act, signal });
    const wire = body as WireInfo;
    return {
      id: wire.ID,
      name: wire.Name,
      cpus: wire.NCPU,
      memoryBytes: wire.MemTotal,
      serverVersion: wire.ServerVersion,
      operatingSystem: wire.OperatingSystem,
      architecture: wire.Architecture,
      kernelVersion: wire.KernelVersion,
      liveRestore: wire.LiveRestoreEnabled ?? false,
      dataRoot: wire.DockerRootDir,
    };
  }

  /**
   * Makes a container. After an abort it may exist all the same.
   *
   * @throws {MaelstromError} not_found: with `detail.image`, the image is not there
   * @throws {MaelstromError} already_exists: the name is taken
   */
  createContainer(
    spec: ContainerSpec,
    signal: AbortSignal,
  ): Promise<containers.CreatedContainer> {
    return containers.createContainer(this.#transport, spec, signal);
  }

  /**
   * Starts a container; resolves when its process runs, `unchanged` when it did already.
   *
   * @throws {MaelstromError} not_found: no such container
   */
  startContainer(id: string, signal: AbortSignal): Promise<"done" | "unchanged"> {
    return containers.startContainer(this.#transport, id, signal);
  }

  /** Stops a container, by force after the grace time; resolves when its process has ended. */
  stopContainer(id: string, options: containers.StopOptions): Promise<containers.ChangeOutcome> {
    return containers.stopContainer(this.#transport, id, options);
  }

  /** Sends SIGKILL, or `processSignal`, to the container's process. */
  killContainer(
    id: string,
    signal: AbortSignal,
    processSignal = "SIGKILL",
  ): Promise<containers.ChangeOutcome> {
    return containers.killContainer(this.#transport, id, processSignal, signal);
  }

  /** Removes a container; a running one only by `force`. */
  removeContainer(
    id: string,
    options: { readonly force?: boolean; readonly volumes?: boolean },
    signal: AbortSignal,
  ): Promise<containers.RemoveOutcome> {
    return containers.removeContainer(this.#transport, id, options, signal);
  }

  /** Freezes a container's processes: no CPU time, memory kept. */
  pauseContainer(id: string, signal: AbortSignal): Promise<containers.ChangeOutcome> {
    return containers.pauseContainer(this.#transport, id, signal);
  }

  /** Lets a frozen container go on. */
  unpauseContainer(id: string, signal: AbortSignal): Promise<containers.ChangeOutcome> {
    return containers.unpauseContainer(this.#transport, id, signal);
  }

  /** The container with this id or name, if there is one. */
  inspectContainer(
    id: string,
    signal: AbortSignal,
  ): Promise<ContainerDetail | undefined> {
    return containers.inspectContainer(this.#transport, id, signal);
  }

  /** The containers that carry all the labels; only running ones unless `all`. */
  listContainers(
    options: containers.ListOptions,
    signal: AbortSignal,
  ): Promise<ContainerSummary[]> {
    return containers.listContainers(this.#transport, options, signal);
  }

  /**
   * The lines a container wrote, and with `follow` those it will write.
   *
   * @throws {MaelstromError} not_found: no such container
   */
  async *containerLogs(id: string, options: LogOptions): AsyncGenerator<LogLine, void, undefined> {
    for await (const logLine of containerLogs(this.#transport, id, options)) {
      yield { ...logLine, line: this.#redact(logLine.line) };
    }
  }

  /**
   * The last `count` lines a container wrote to either output, oldest first.
   *
   * @throws {MaelstromError} not_found: no such container
   */
  async lastLogLines(id: string, count: number, signal: AbortSignal): Promise<string[]> {
    const lines: string[] = [];
    for await (const { line } of this.containerLogs(id, { tail: count, signal })) lines.push(line);
    return lines.slice(-count);
  }

  /**
   * Runs a command in a running container.
   *
   * @throws {MaelstromError} not_found: no such container
   * @throws {MaelstromError} timeout: no end within `timeoutMs`; the command may go on
   */
  async exec(id: string, command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const ran = await execInContainer(this.#transport, id, command, options);
    return { ...ran, stdout: this.#redact(ran.stdout), stderr: this.#redact(ran.stderr) };
  }

  /** Events as they happen, over one stream; throws when that breaks, never ends by itself. */
  events(options: EventOptions): AsyncIterable<DockerEvent> {
    return events(this.#transport, options);
  }

  /** What the engine's machine is: `linux/amd64`. */
  platform(signal: AbortSignal): Promise<string> {
    return enginePlatform(this.#transport, signal);
  }

  /** True when the engine has the image. */
  async imageExists(ref: string, signal: AbortSignal): Promise<boolean> {
    return await this.inspectImage(ref, signal) !== undefined;
  }

  /** The image of this name or id, if the engine has it. */
  inspectImage(ref: string, signal: AbortSignal): Promise<images.ImageDetail | undefined> {
    return images.inspectImage(this.#transport, ref, signal);
  }

  /** All images the engine has. */
  listImages(signal: AbortSignal): Promise<images.ImageSummary[]> {
    return images.listImages(this.#transport, signal);
  }

  /**
   * Fetches an image from its registry.
   *
   * @throws {MaelstromError} not_found: the registry has no such image, hides it, or has it only
   * for other platforms
   * @throws {MaelstromError} not_allowed: the registry wants other credentials
   */
  pullImage(ref: string, options: PullOptions): Promise<void> {
    return pullImage(this.#transport, ref, options);
  }

  /** Makes an image from the files in a tar archive; gives its id. */
  importImage(tar: ReadableStream<Uint8Array>, options: images.ImportOptions): Promise<string> {
    return images.importImage(this.#transport, tar, options);
  }

  /** Takes an image's name away, and the image with its last name. */
  removeImage(
    ref: string,
    options: { readonly force?: boolean },
    signal: AbortSignal,
  ): Promise<images.RemoveImageOutcome> {
    return images.removeImage(this.#transport, ref, options, signal);
  }

  /** The address under which containers on the engine's bridge reach this machine. */
  async gatewayAddress(signal: AbortSignal): Promise<string> {
    for (const network of ["docker_gwbridge", "bridge"]) {
      const { status, body } = await this.#transport.call({
        method: "GET",
        path: `/networks/${network}`,
        act: `inspect network "${network}"`,
        allow: [404],
        signal,
      });
      const address = status === 404 ? undefined : gatewayOf(body as WireNetwork);
      if (address) return address;
    }
    return FALLBACK_GATEWAY;
  }
}

/** An engine that chose the gateway itself only tells the subnet, whose first address it took. */
function gatewayOf({ IPAM }: WireNetwork): string | undefined {
  for (const { Gateway, Subnet } of IPAM?.Config ?? []) {
    if (Gateway && /^\d+(\.\d+){3}$/.test(Gateway)) return Gateway;
    const subnet = /^(\d+\.\d+\.\d+)\.(\d+)\/\d+$/.exec(Subnet ?? "");
    if (subnet) return `${subnet[1]}.${Number(subnet[2]) + 1}`;
  }
  return undefined;
}
