/** Port bindings as `docker run -p` takes them, in the engine's form. Pure. @module */
import { MaelstromError } from "../../lib/errors.ts";

/** Host side of a binding; an empty port lets the engine choose. */
export interface HostPort {
  readonly HostIp: string;
  readonly HostPort: string;
}

const BINDING =
  /^(?:(?<ip>(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:]+\]):)?(?:(?<host>\d*)(?:-(?<hostEnd>\d+))?:)?(?<port>\d+)(?:-(?<end>\d+))?(?:\/(?<protocol>tcp|udp|sctp))?$/i;

/**
 * The engine's `PortBindings` for `specs`: `["127.0.0.1:8080:80"]` gives
 * `{ "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] }`.
 *
 * @throws {MaelstromError} invalid: not a binding, or ranges of different lengths
 */
export function portBindings(specs: readonly string[]): Record<string, HostPort[]> {
  const bindings: Record<string, HostPort[]> = {};
  for (const [index, spec] of specs.entries()) {
    const parts = BINDING.exec(spec)?.groups;
    if (!parts) throw bad(index, spec);
    const first = Number(parts.port);
    const length = Number(parts.end ?? first) - first;
    const host = parts.host ? Number(parts.host) : undefined;
    const hostLength = host === undefined ? length : Number(parts.hostEnd ?? host) - host;
    if (length < 0 || hostLength !== length) throw bad(index, spec);
    for (let i = 0; i <= length; i++) {
      const key = `${first + i}/${(parts.protocol ?? "tcp").toLowerCase()}`;
      const HostIp = (parts.ip ?? "").replace(/^\[|\]$/g, "");
      (bindings[key] ??= []).push({ HostIp, HostPort: host === undefined ? "" : `${host + i}` });
    }
  }
  return bindings;
}

function bad(index: number, spec: string): MaelstromError {
  return new MaelstromError("invalid", `Unable to parse port: ${index} - ${spec}`);
}
