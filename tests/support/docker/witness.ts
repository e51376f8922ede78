/**
 * A second opinion on what our client did: another client, which shares no code with ours.
 * @module
 */
// @ts-types="@types/dockerode"
import Dockerode from "dockerode";
import { testDockerHost } from "./labelled.ts";

/** Another client of the engine under test. */
export function witness(): Dockerode {
  const url = new URL(testDockerHost.replace(/^unix:/, "file:"));
  return url.protocol === "file:"
    ? new Dockerode({ socketPath: url.pathname })
    : new Dockerode({ protocol: "http", host: url.hostname, port: url.port });
}
