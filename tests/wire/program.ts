/** Components whose container runs a program of this folder, in the sample image's runtime. @module */
import { ensureSampleImage } from "../../examples/quickstart/image.ts";
import type { TestNode } from "../support/node.ts";

/** Puts component `name`, which runs `file` (of this folder, standing alone) on port 8080, at `/`. */
export async function putProgram(
  node: TestNode,
  name: string,
  file: string,
  component: object = {},
): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const image = await ensureSampleImage(node.docker, { say: () => {}, signal });
  const text = await Deno.readTextFile(new URL(file, import.meta.url));
  const program = `data:application/typescript;base64,${btoa(text)}`;
  const command = ["/bin/deno", "run", "-A", "--no-config", "--no-check", program];
  const docker = { image, httpPort: 8080, httpHealthCheckPath: "/health", command };
  await node.run(
    ["comp", "put", "-f", "-"],
    JSON.stringify({ name, maxConcurrency: 1000, maxInstances: 1, docker, ...component }),
  );
  await node.run(["es", "put", name, "--component", name, "--path", "/"]);
}
