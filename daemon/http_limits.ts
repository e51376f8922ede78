/** What a peer of a door may cost, from the settings. @module */
import type { HttpLimits } from "../lib/http/limits.ts";
import type { Settings } from "./config.ts";

/**
 * The limits of one server. Of connections each of `servers` that share a port may have its part,
 * so that all together never have more than the setting says.
 */
export function httpLimits(settings: Settings, servers = 1): HttpLimits {
  return {
    headBytesMax: settings.headBytesMax,
    fieldsMax: settings.fieldsMax,
    targetBytesMax: settings.targetBytesMax,
    connectionsMax: Math.ceil(settings.connectionsMax / servers),
    connectionsPerClientMax: Math.ceil(settings.connectionsPerClientMax / servers),
    headReadMs: settings.headTimeoutSeconds * 1000,
    idleMs: settings.idleTimeoutSeconds * 1000,
    bodyIdleMs: settings.bodyIdleSeconds * 1000,
  };
}
