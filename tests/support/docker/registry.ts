/**
 * A registry with one image, on loopback, where the engine needs no TLS.
 *
 * Source: Docker Registry HTTP API V2; image manifest version 2, schema 2.
 * @module
 */

/** Who may pull. */
export interface RegistryOptions {
  readonly username?: string;
  readonly password?: string;
}

/** A running registry. */
export interface Registry extends AsyncDisposable {
  /** Name of the image it has: `127.0.0.1:40123/team/tiny:1`. */
  readonly ref: string;
  /** `127.0.0.1:40123`. */
  readonly address: string;
}

const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";

/** Serves an image whose one layer has one small file, different in every registry. */
export async function startRegistry({ username, password }: RegistryOptions = {}): Promise<
  Registry
> {
  const layer = tarWithFile("note", crypto.randomUUID());
  const layerDigest = await digestOf(layer);
  const config = encode({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/note"], Labels: { origin: "registry" } },
    rootfs: { type: "layers", diff_ids: [layerDigest] },
    history: [{ created: "2026-01-01T00:00:00Z" }],
  });
  const manifest = encode({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      size: config.length,
      digest: await digestOf(config),
    },
    layers: [{
      mediaType: "application/vnd.docker.image.rootfs.diff.tar",
      size: layer.length,
      digest: layerDigest,
    }],
  });
  const manifestDigest = await digestOf(manifest);
  const content = new Map<string, Uint8Array<ArrayBuffer>>([
    ["manifests/1", manifest],
    [`manifests/${manifestDigest}`, manifest],
    [`blobs/${await digestOf(config)}`, config],
    [`blobs/${layerDigest}`, layer],
  ]);
  const wanted = username &&
    `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (wanted && request.headers.get("authorization") !== wanted) {
      return new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=r" } });
    }
    const { pathname } = new URL(request.url);
    if (pathname === "/v2/") return Response.json({});
    const found = content.get(pathname.replace("/v2/team/tiny/", ""));
    if (!found) {
      const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
      return Response.json({ errors }, { status: 404 });
    }
    const type = pathname.includes("/manifests/") ? MANIFEST_TYPE : "application/octet-stream";
    return new Response(request.method === "HEAD" ? null : found, {
      headers: {
        "content-type": type,
        "content-length": String(found.length),
        ...(found === manifest ? { "docker-content-digest": manifestDigest } : {}),
      },
    });
  });
  const address = `127.0.0.1:${server.addr.port}`;
  return {
    address,
    ref: `${address}/team/tiny:1`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `sha256:${new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex()}`;
}

/** An archive with one file; `content` must be shorter than a block. */
export function tarWithFile(name: string, content: string): Uint8Array<ArrayBuffer> {
  const archive = new Uint8Array(4 * 512);
  const put = (at: number, text: string) => archive.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${content.length.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\0");
  put(263, "00");
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  put(512, content);
  return archive;
}
