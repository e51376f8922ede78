/**
 * Fetching an image from its registry. Owns what a registry's refusals mean, which the engine only
 * passes on as text.
 *
 * Source: Docker Engine API 1.41, "Create an image", "Get image information from the registry".
 * @module
 */
import { MaelstromError } from "../errors.ts";
import { jsonLines } from "./frames.ts";
import { enginePlatform, platformText } from "./platform.ts";
import { parseReference } from "./reference.ts";
import { engineError, engineMessage, type EngineTransport } from "./transport.ts";

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

/** Silence after which a pull counts as dead, in milliseconds. */
const SILENCE_MS = 5 * 60_000;
/** Platforms named in an error. */
const PLATFORMS_SHOWN_MAX = 5;

/**
 * Fetches an image from its registry. No limit as long as there is progress.
 *
 * @throws {MaelstromError} not_found: the registry has no such image, hides it, or has it only for
 * other platforms
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
  const headers = username
    ? { "x-registry-auth": credentials(domain, username, password) }
    : undefined;
  const silence = new Silence(SILENCE_MS);
  const ended = AbortSignal.any([signal, silence.signal]);
  try {
    const response = await transport.open({
      method: "POST",
      path: "/images/create",
      query: { fromImage: `${domain}/${path}`, tag: digest ?? tag },
      ...(headers ? { headers } : {}),
      act,
      allow: [404, 500],
      deadlineMs: SILENCE_MS,
      signal: ended,
    });
    if (!response.ok) {
      throw pullError(engineMessage(await response.text()), act, response.status);
    }
    for await (const value of jsonLines(response.body)) {
      silence.interrupt();
      const step = value as WireProgress;
      if (step.error) throw pullError(step.error, act);
      onProgress?.(progressOf(step));
    }
  } catch (error) {
    if (silence.signal.aborted && !signal.aborted) {
      const minutes = SILENCE_MS / 60_000;
      throw new MaelstromError(
        "engine_unavailable",
        `Cannot ${act}: no progress for ${minutes} minutes`,
      );
    }
    if (isOtherPlatform(error)) throw await platformError(transport, ref, { headers, act, signal });
    throw transport.failure(error, act, signal);
  } finally {
    silence[Symbol.dispose]();
  }
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

interface WireDistribution {
  readonly Platforms?: readonly {
    readonly os?: string;
    readonly architecture?: string;
    readonly variant?: string;
  }[];
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
function pullError(message: string, act: string, status = 500): MaelstromError {
  const denied = /unauthorized|authentication required|no basic auth credentials/i;
  if (denied.test(message)) return new MaelstromError("not_allowed", `Cannot ${act}: ${message}`);
  const isAbsent = /not found|manifest unknown|does not exist/i.test(message);
  return engineError(isAbsent || OTHER_PLATFORM.test(message) ? 404 : status, message, act);
}

/** The second form is that of engines that keep images in containerd. */
const OTHER_PLATFORM = /no matching manifest for|no match for platform/;

function isOtherPlatform(error: unknown): boolean {
  return error instanceof MaelstromError && OTHER_PLATFORM.test(error.message);
}

/** Says which platform the machine has, and which ones the registry has the image for. */
async function platformError(
  transport: EngineTransport,
  ref: string,
  { headers, act, signal }: {
    readonly headers: Readonly<Record<string, string>> | undefined;
    readonly act: string;
    readonly signal: AbortSignal;
  },
): Promise<MaelstromError> {
  const { domain, path, tag, digest } = parseReference(ref);
  const wanted = await enginePlatform(transport, signal);
  const found = await transport.call({
    method: "GET",
    path: `/distribution/${domain}/${path}${digest ? `@${digest}` : `:${tag}`}/json`,
    ...(headers ? { headers } : {}),
    act: `ask for the platforms of image "${ref}"`,
    signal,
  }).then(({ body }) => platformsIn(body as WireDistribution), () => []);
  const shown = found.slice(0, PLATFORMS_SHOWN_MAX).join(", ");
  const only = shown === ""
    ? ""
    : `, only for ${shown}${found.length > PLATFORMS_SHOWN_MAX ? ", …" : ""}`;
  return new MaelstromError(
    "not_found",
    `Cannot ${act}: the registry does not have it for ${wanted}, which this machine is${only}`,
    { wanted, found },
  );
}

/** Attestations are listed as images for no platform at all. */
function platformsIn({ Platforms = [] }: WireDistribution): string[] {
  const known = Platforms.filter(({ os }) => os !== undefined && os !== "unknown");
  return [
    ...new Set(
      known.map(({ os, architecture, variant }) => platformText(os, architecture, variant)),
    ),
  ];
}

/** Source: RFC 4648 §5, which the engine wants for this header. */
function credentials(domain: string, username: string, password = ""): string {
  const text = JSON.stringify({ username, password, serveraddress: domain });
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url" });
}
