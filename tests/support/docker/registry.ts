/**
 * A registry with one repository, on loopback, where the engine needs no TLS. What it has can be
 * changed, and its layers can be slowed down half way.
 *
 * Source: Docker Registry HTTP API V2; image manifest version 2, schema 2.
 * @module
 */
import type { DockerClient } from "../../../lib/docker/client.ts";
import { withDeadline } from "../../../lib/async/deadline.ts";
import { pause } from "../../../lib/async/pause.ts";
import { unlessAborted } from "../../../lib/async/unless_aborted.ts";
import { ARCHITECTURE, type Architecture, waitingProgram } from "./elf.ts";

/** Who may pull. */
export interface RegistryOptions {
  readonly username?: string;
  readonly password?: string;
}

/** What an image is like. */
export interface ImageOptions {
  /** @default {ARCHITECTURE} */
  readonly architecture?: Architecture;
  /** True: the name leads to a list of platforms, in which only this one is. */
  readonly isListed?: boolean;
  /** Size of an additional layer, in bytes. */
  readonly layerBytes?: number;
}

/** A running registry. */
export interface Registry extends AsyncDisposable {
  /** Name of the image it has from the start: `127.0.0.1:40123/team/tiny:1`. */
  readonly ref: string;
  /** `127.0.0.1:40123`. */
  readonly address: string;
  /** Method and path of each request so far. */
  readonly seen: readonly string[];
  /** Pulls of `tag` that were let in so far. */
  pulls(tag?: string): number;
  /** Puts an image that waits until it is killed; it is never the same. Gives its name. */
  put(tag: string, options?: ImageOptions): Promise<string>;
  /** Removes what was pulled from here. */
  clean(docker: DockerClient): Promise<void>;
  /** From now on layers come to a crawl half way; the result lets them go on. */
  hold(): () => void;
  /** Resolves when a layer is half way. */
  held(): Promise<void>;
  /** Resolves when a client has gone away from a layer half way. */
  left(): Promise<void>;
}

const CLEAN_LIMIT_MS = 30_000;
const WAIT_LIMIT_MS = 30_000;
const DOCKER = "application/vnd.docker";
const MANIFEST_TYPE = `${DOCKER}.distribution.manifest.v2+json`;
const LIST_TYPE = `${DOCKER}.distribution.manifest.list.v2+json`;

interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly digest: string;
}

/** Serves `team/tiny:1`, an image with a small program and a file that differs in every registry. */
export async function startRegistry({ username, password }: RegistryOptions = {}): Promise<
  Registry
> {
  const contents = new Map<string, Content>();
  const seen: string[] = [];
  const gate = new Gate();
  const wanted = username &&
    `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (wanted && request.headers.get("authorization") !== wanted) {
      return new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=r" } });
    }
    seen.push(`${request.method} ${pathname}`);
    if (pathname === "/v2/") return Response.json({});
    const found = contents.get(pathname.replace("/v2/team/tiny/", ""));
    if (!found) {
      const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
      return Response.json({ errors }, { status: 404 });
    }
    const isLayer = found.type.endsWith(".tar");
    const body = request.method === "HEAD"
      ? null
      : isLayer
      ? gate.pass(found.bytes, request.signal)
      : found.bytes;
    return new Response(body, {
      headers: {
        "content-type": found.type,
        "content-length": String(found.bytes.length),
        "docker-content-digest": found.digest,
      },
    });
  });
  const address = `127.0.0.1:${server.addr.port}`;
  const put = async (tag: string, options: ImageOptions = {}) => {
    const image = await imageOf(tag, { ...options, origin: address });
    for (const [path, content] of image) contents.set(path, content);
    return `${address}/team/tiny:${tag}`;
  };
  return {
    address,
    ref: await put("1"),
    seen,
    pulls: (tag = "1") =>
      seen.filter((line) => line === `HEAD /v2/team/tiny/manifests/${tag}`).length,
    put,
    async clean(docker) {
      const images = await docker.listImages(AbortSignal.timeout(CLEAN_LIMIT_MS));
      for (const { id, labels } of images) {
        if (labels.origin !== address) continue;
        await docker.removeImage(id, { force: true }, AbortSignal.timeout(CLEAN_LIMIT_MS));
      }
    },
    hold: () => gate.hold(),
    held: () => soon(gate.held.promise, "no layer was asked for"),
    left: () => soon(gate.left.promise, "nobody went away from a layer"),
    async [Symbol.asyncDispose]() {
      gate.open.resolve();
      await server.shutdown();
    },
  };
}

const DRIP_EVERY_MS = 20;

async function soon(promise: Promise<void>, otherwise: string): Promise<void> {
  await withDeadline(
    WAIT_LIMIT_MS,
    new AbortController().signal,
    (signal) => unlessAborted(promise, signal),
    () => new Error(`${otherwise} within ${WAIT_LIMIT_MS} ms`),
  );
}

/** Lets bytes through; while it holds, half of them and then one after the other. */
class Gate {
  open = Promise.withResolvers<void>();
  held = Promise.withResolvers<void>();
  left = Promise.withResolvers<void>();
  #isHolding = false;

  hold(): () => void {
    this.open = Promise.withResolvers();
    this.held = Promise.withResolvers();
    this.left = Promise.withResolvers();
    this.#isHolding = true;
    return () => {
      this.#isHolding = false;
      this.open.resolve();
    };
  }

  pass(bytes: Uint8Array<ArrayBuffer>, gone: AbortSignal): BodyInit {
    if (!this.#isHolding) return bytes;
    const { open, held, left } = this;
    const ended = new AbortController();
    open.promise.then(() => ended.abort());
    gone.addEventListener("abort", () => {
      ended.abort();
      left.resolve();
    });
    let at = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const from = at;
        if (from > 0) {
          held.resolve();
          // The engine notices that it should stop only when something arrives.
          await pause(DRIP_EVERY_MS, ended.signal);
        }
        if (gone.aborted) return controller.error(gone.reason);
        at = from === 0 ? bytes.length >> 1 : ended.signal.aborted ? bytes.length : from + 1;
        controller.enqueue(bytes.slice(from, at));
        if (at === bytes.length) controller.close();
      },
    }, { highWaterMark: 0 });
  }
}

/** Everything an image consists of, by path in its repository. */
async function imageOf(
  tag: string,
  { architecture = ARCHITECTURE, isListed, layerBytes = 0, origin }: ImageOptions & {
    readonly origin: string;
  },
): Promise<Map<string, Content>> {
  const program = tarWithFile("wait", waitingProgram(architecture), 0o755);
  const layers = [program, tarWithFile("note", crypto.randomUUID())];
  if (layerBytes > 0) layers.push(tarWithFile("ballast", noise(layerBytes)));
  const blobs = await Promise.all(
    layers.map((layer) => contentOf(layer, `${DOCKER}.image.rootfs.diff.tar`)),
  );
  const config = await contentOf(
    encode({
      architecture,
      os: "linux",
      config: { Cmd: ["/wait"], Labels: { origin } },
      rootfs: { type: "layers", diff_ids: blobs.map(({ digest }) => digest) },
      history: blobs.map(() => ({ created: "2026-01-01T00:00:00Z" })),
    }),
    `${DOCKER}.container.image.v1+json`,
  );
  const manifest = await contentOf(
    encode({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor(config),
      layers: blobs.map(descriptor),
    }),
    MANIFEST_TYPE,
  );
  const list = await contentOf(
    encode({
      schemaVersion: 2,
      mediaType: LIST_TYPE,
      manifests: [{ ...descriptor(manifest), platform: { os: "linux", architecture } }],
    }),
    LIST_TYPE,
  );
  return new Map([
    ...[config, ...blobs].map((blob) => [`blobs/${blob.digest}`, blob] as const),
    [`manifests/${manifest.digest}`, manifest],
    [`manifests/${list.digest}`, list],
    [`manifests/${tag}`, isListed ? list : manifest],
  ]);
}

function descriptor({ bytes, type, digest }: Content) {
  return { mediaType: type, size: bytes.length, digest };
}

async function contentOf(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Content> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { bytes, type, digest: `sha256:${hash.toHex()}` };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Bytes that nothing can make smaller. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

const BLOCK_BYTES = 512;

/** An archive with one file. */
export function tarWithFile(
  name: string,
  content: string | Uint8Array<ArrayBuffer>,
  mode = 0o644,
): Uint8Array<ArrayBuffer> {
  const file = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const blocks = Math.ceil(file.length / BLOCK_BYTES);
  const archive = new Uint8Array((3 + blocks) * BLOCK_BYTES);
  const put = (at: number, text: string) => archive.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, `${mode.toString(8).padStart(7, "0")}\0`);
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${file.length.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\0");
  put(263, "00");
  const sum = archive.subarray(0, BLOCK_BYTES).reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  archive.set(file, BLOCK_BYTES);
  return archive;
}
