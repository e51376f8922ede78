/**
 * What an engine's machine and an image are made for.
 *
 * Source: Docker Engine API 1.41, "Get version"; OCI image index, "platform".
 * @module
 */
import type { EngineTransport } from "./transport.ts";

/** `linux/amd64`, `linux/arm64/v8`; empty when neither part is known. */
export function platformText(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part).join("/");
}

/** The platform of the engine's machine: `linux/amd64`. */
export async function enginePlatform(
  transport: EngineTransport,
  signal: AbortSignal,
): Promise<string> {
  const act = "ask Docker for its platform";
  const { body } = await transport.call({ method: "GET", path: "/version", act, signal });
  const { Os, Arch } = body as { readonly Os?: string; readonly Arch?: string };
  return platformText(Os, Arch);
}
