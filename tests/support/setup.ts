/**
 * Makes ready what the tests need: a Docker Engine, the sample image, a browser, PostgreSQL,
 * PgBouncer, shells and what network namespaces need.
 * `deno task test` runs it first; on a fresh machine it installs what is missing.
 * @module
 */
import { ensureEngine } from "../../examples/quickstart/engine.ts";
import { ensureSampleImage } from "../../examples/quickstart/image.ts";
import { DockerClient } from "../../lib/docker/client.ts";
import { messageOf } from "../../lib/errors.ts";
import { ensureChromium } from "./chromium.ts";
import { testDockerHost } from "./docker/labelled.ts";
import { ensureNamespaces } from "./namespaces.ts";
import { ensurePgbouncer } from "./pgbouncer.ts";
import { ensurePostgres } from "./postgres.ts";
import { ensureShells } from "./shells.ts";

const say = (text: string) => console.log(text);
const { signal } = new AbortController();

try {
  await ensureEngine({ say, signal });
  using docker = new DockerClient({ host: testDockerHost });
  await ensureSampleImage(docker, { say, signal });
  await ensureChromium(say);
  await ensurePostgres(say);
  await ensurePgbouncer(say);
  await ensureShells(say);
  await ensureNamespaces(say);
} catch (error) {
  console.error(`Cannot set up the tests: ${messageOf(error)}`);
  Deno.exit(1);
}
