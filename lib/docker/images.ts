/**
 * Images at the engine: look, import, remove. How they are pulled is in `pull.ts`.
 *
 * Source: Docker Engine API 1.41, "Images".
 * @module
 */
import { jsonLines } from "./frames.ts";
import { platformText } from "./platform.ts";
import { normalizeReference, parseReference } from "./reference.ts";
import { engineError, type EngineTransport } from "./transport.ts";

/** An image in a list. */
export interface ImageSummary {
  /** `sha256:…`. */
  readonly id: string;
  /** As the engine writes them: `nginx:latest`; none when another image took them over. */
  readonly tags: readonly string[];
  /** `nginx@sha256:…`. */
  readonly digests: readonly string[];
  readonly createdAtMs: number;
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** One image, with what a container made from it starts with. */
export interface ImageDetail extends ImageSummary {
  /** What it is made for: `linux/amd64`, `linux/arm64/v8`. */
  readonly platform: string;
  /** `8080/tcp` each. */
  readonly exposedPorts: readonly string[];
  readonly env: readonly string[];
  readonly cmd: readonly string[];
  readonly entrypoint: readonly string[];
}

/** How {@linkcode importImage} names and configures the image. */
export interface ImportOptions {
  readonly ref: string;
  /** Lines as in a Dockerfile: `CMD ["/bin/app"]`. */
  readonly changes?: readonly string[];
  readonly signal: AbortSignal;
}

/** `in_use`: a container needs it. */
export type RemoveImageOutcome = "done" | "in_use" | "not_found";

const IMPORT_DEADLINE_MS = 10 * 60_000;

/** The image of this name or id, if the engine has it. */
export async function inspectImage(
  transport: EngineTransport,
  ref: string,
  signal: AbortSignal,
): Promise<ImageDetail | undefined> {
  const { status, body } = await transport.call({
    method: "GET",
    path: `/images/${normalizeReference(ref)}/json`,
    act: `inspect image "${ref}"`,
    allow: [404],
    signal,
  });
  return status === 404 ? undefined : detailOf(body as WireImageDetail);
}

/** All images the engine has, the layers in between left out. */
export async function listImages(
  transport: EngineTransport,
  signal: AbortSignal,
): Promise<ImageSummary[]> {
  const { body } = await transport.call({
    method: "GET",
    path: "/images/json",
    act: "list images",
    signal,
  });
  return (body as WireImage[]).map((wire) => summaryOf(wire, wire.Created * 1000, wire.Labels));
}

/** Makes an image with one layer from the files in `tar`; gives its id. */
export async function importImage(
  transport: EngineTransport,
  tar: ReadableStream<Uint8Array>,
  { ref, changes, signal }: ImportOptions,
): Promise<string> {
  const { domain, path, tag } = parseReference(ref);
  const act = `import image "${ref}"`;
  const response = await transport.open({
    method: "POST",
    path: "/images/create",
    query: { fromSrc: "-", repo: `${domain}/${path}`, tag, changes },
    body: tar,
    act,
    deadlineMs: IMPORT_DEADLINE_MS,
    signal,
  });
  let id = "";
  try {
    for await (const value of jsonLines(response.body)) {
      const step = value as WireImport;
      if (step.error) throw engineError(500, step.error, act);
      if (step.status?.startsWith("sha256:")) id = step.status;
    }
  } catch (error) {
    throw transport.failure(error, act, signal);
  }
  return id;
}

/** Takes the name away, and the image with its last name; `force` even when a container needs it. */
export async function removeImage(
  transport: EngineTransport,
  ref: string,
  { force }: { readonly force?: boolean },
  signal: AbortSignal,
): Promise<RemoveImageOutcome> {
  const { status } = await transport.call({
    method: "DELETE",
    path: `/images/${normalizeReference(ref)}`,
    query: { force },
    act: `remove image "${ref}"`,
    allow: [404, 409],
    signal,
  });
  return status === 404 ? "not_found" : status === 409 ? "in_use" : "done";
}

interface WireImport {
  readonly status?: string;
  readonly error?: string;
}

interface WireImage {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

interface WireImageDetail extends Omit<WireImage, "Created"> {
  readonly Created?: string;
  readonly Os?: string;
  readonly Architecture?: string;
  readonly Variant?: string;
  readonly Config?: {
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
    readonly Env?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
  };
}

function summaryOf(
  wire: Omit<WireImage, "Created">,
  createdAtMs: number,
  labels: Readonly<Record<string, string>> | null | undefined,
): ImageSummary {
  return {
    id: wire.Id,
    tags: (wire.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>"),
    digests: (wire.RepoDigests ?? []).filter((digest) => digest !== "<none>@<none>"),
    createdAtMs,
    sizeBytes: wire.Size,
    labels: labels ?? {},
  };
}

function detailOf(wire: WireImageDetail): ImageDetail {
  const config = wire.Config ?? {};
  const createdAtMs = Math.max(0, Date.parse(wire.Created ?? "") || 0);
  return {
    ...summaryOf(wire, createdAtMs, config.Labels),
    platform: platformText(wire.Os, wire.Architecture, wire.Variant),
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    env: config.Env ?? [],
    cmd: config.Cmd ?? [],
    entrypoint: config.Entrypoint ?? [],
  };
}
