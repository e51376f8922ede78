/**
 * Images at the engine: look, pull, import, remove.
 *
 * Source: Docker Engine API 1.41, "Images".
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { jsonLines } from "./frames.ts";
import { normalizeReference, parseReference } from "./reference.ts";
import { engineError, engineMessage, type EngineTransport } from "./transport.ts";

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
  /** `8080/tcp` each. */
  readonly exposedPorts: readonly string[];
  readonly env: readonly string[];
  readonly cmd: readonly string[];
  readonly entrypoint: readonly string[];
}

/** One step of a pull: `{ "status": "Downloading", "layer": "a3ed95caeb02", … }`. */
export interface PullProgress {
  readonly status: string;
  readonly layer: string;
  readonly currentBytes: number;
  /** 0 when the engine does not know. */
  readonly totalBytes: number;
}

/** How {@linkcode pullImage} pulls. */
export interface PullOptions {
  readonly username?: string;
  readonly password?: string;
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
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

/** Silence after which a pull counts as dead, in milliseconds. */
const PULL_SILENCE_MS = 5 * 60_000;
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

/**
 * Fetches an image from its registry. No limit as long as there is progress.
 *
 * @throws {MaelstromError} not_found: the registry has no such image, or hides it
 * @throws {MaelstromError} not_allowed: the registry wants other credentials
 * @throws {MaelstromError} engine_unavailable: the pull failed or went silent
 */
export async function pullImage(
  transport: EngineTransport,
  ref: string,
  { username, password, onProgress, signal }: PullOptions,
): Promise<void> {
  const { domain, path, tag, digest } = parseReference(ref);
  const act = `pull image "${ref}"`;
  const silence = new Silence(PULL_SILENCE_MS);
  const ended = AbortSignal.any([signal, silence.signal]);
  try {
    const response = await transport.open({
      method: "POST",
      path: "/images/create",
      query: { fromImage: `${domain}/${path}`, tag: digest ?? tag },
      headers: username ? { "x-registry-auth": credentials(domain, username, password) } : {},
      act,
      allow: [500],
      deadlineMs: PULL_SILENCE_MS,
      signal: ended,
    });
    if (!response.ok) throw pullError(engineMessage(await response.text()), act);
    for await (const value of jsonLines(response.body)) {
      silence.interrupt();
      const step = value as WireProgress;
      if (step.error) throw pullError(step.error, act);
      onProgress?.(progressOf(step));
    }
  } catch (error) {
    if (silence.signal.aborted && !signal.aborted) {
      const minutes = PULL_SILENCE_MS / 60_000;
      throw new MaelstromError(
        "engine_unavailable",
        `Cannot ${act}: no progress for ${minutes} minutes`,
      );
    }
    throw transport.failure(error, act, signal);
  } finally {
    silence[Symbol.dispose]();
  }
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
      const step = value as WireProgress;
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

/** Aborts its signal when nothing interrupts it for `ms`. */
class Silence implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number) {
    this.#ms = ms;
    this.#timer = this.#begin();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  interrupt(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#begin();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #begin(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#controller.abort(), this.#ms);
  }
}

interface WireProgress {
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
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
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    env: config.Env ?? [],
    cmd: config.Cmd ?? [],
    entrypoint: config.Entrypoint ?? [],
  };
}

function progressOf({ status, id, progressDetail }: WireProgress): PullProgress {
  return {
    status: status ?? "",
    layer: id ?? "",
    currentBytes: progressDetail?.current ?? 0,
    totalBytes: progressDetail?.total ?? 0,
  };
}

/** What a registry refused comes from the engine as a failure of its own; only the text tells. */
function pullError(message: string, act: string): MaelstromError {
  const denied = /unauthorized|authentication required|no basic auth credentials/i;
  if (denied.test(message)) return new MaelstromError("not_allowed", `Cannot ${act}: ${message}`);
  const missing = /not found|manifest unknown|does not exist/i.test(message);
  return engineError(missing ? 404 : 500, message, act);
}

/** Source: RFC 4648 §5, which the engine wants for this header. */
function credentials(domain: string, username: string, password = ""): string {
  const text = JSON.stringify({ username, password, serveraddress: domain });
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url" });
}
