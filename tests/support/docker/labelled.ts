/**
 * Containers of one test: marked with a label nobody else has, and gone when the test ends, however
 * it ends. Tests that share an engine never see each other's containers.
 * @module
 */
import {
  type ContainerSpec,
  DEFAULT_DOCKER_HOST,
  DockerClient,
} from "../../../lib/docker/client.ts";
import { ensureSampleImage } from "../../../examples/quickstart/image.ts";

/** The engine tests run against. */
export const testDockerHost: string = Deno.env.get("DOCKER_HOST") || DEFAULT_DOCKER_HOST;

/** A client and the label of one test. Dispose it to remove what the test made. */
export interface Labelled extends AsyncDisposable {
  readonly docker: DockerClient;
  /** `name=value`, as filters take it. */
  readonly label: string;
  /** The same as a container's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Aborts when the test ends. */
  readonly signal: AbortSignal;
  /** Name of the sample image, made if need be. */
  image(): Promise<string>;
  /** A container of the sample image with the label, not started; gives its id. */
  create(spec?: Partial<ContainerSpec>): Promise<string>;
  /** The same, started. */
  run(spec?: Partial<ContainerSpec>): Promise<string>;
}

/** A label for one test; `label` when the test's subject already gives its containers one. */
export function labelled(label: string = `maelstrom-test=${crypto.randomUUID()}`): Labelled {
  const docker = new DockerClient({ host: testDockerHost });
  const stop = new AbortController();
  const signal = stop.signal;
  const [name = label, ...value] = label.split("=");
  const labels = { [name]: value.join("=") };
  const image = () => ensureSampleImage(docker, { say: () => {}, signal });
  const create = async (spec: Partial<ContainerSpec> = {}) => {
    const Image = spec.Image ?? await image();
    const Labels = { ...spec.Labels, ...labels };
    const { id } = await docker.createContainer({ ...spec, Image, Labels }, signal);
    return id;
  };
  const run = async (spec?: Partial<ContainerSpec>) => {
    const id = await create(spec);
    await docker.startContainer(id, signal);
    return id;
  };
  return {
    docker,
    label,
    labels,
    signal,
    image,
    create,
    run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await removeLabelled(docker, label);
      docker[Symbol.dispose]();
    },
  };
}

/** Removes all containers that carry `label`, running or not. */
export async function removeLabelled(docker: DockerClient, label: string): Promise<void> {
  const signal = new AbortController().signal;
  const left = await docker.listContainers({ labels: [label], all: true }, signal);
  await Promise.all(
    left.map(({ id }) => docker.removeContainer(id, { force: true, volumes: true }, signal)),
  );
}
