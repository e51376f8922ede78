/**
 * A second opinion on what our client did: another client, which shares no code with ours.
 * @module
 */
import Dockerode from "dockerode";
import { testDockerHost } from "./labelled.ts";

/** What the engine says, in its own words; a test reads the few fields it asks about. */
// deno-lint-ignore no-explicit-any -- the engine's answer has no type of ours, on purpose
export type Said = any;

/** The part of the other client that tests use. Its own types would replace those of the runtime. */
export interface Witness {
  getContainer(id: string): {
    inspect(): Promise<Said>;
    start(): Promise<unknown>;
    wait(): Promise<{ StatusCode: number }>;
  };
  info(): Promise<Said>;
  createNetwork(options: { Name: string }): Promise<{ remove(): Promise<unknown> }>;
  getVolume(name: string): { inspect(): Promise<Said>; remove(): Promise<unknown> };
  getImage(ref: string): {
    inspect(): Promise<Said>;
    remove(options?: { force: boolean }): Promise<unknown>;
  };
}

/** Another client of the engine under test. */
export function witness(): Witness {
  const url = new URL(testDockerHost.replace(/^unix:/, "file:"));
  return url.protocol === "file:"
    ? new Dockerode({ socketPath: url.pathname })
    : new Dockerode({ protocol: "http", host: url.hostname, port: url.port });
}
