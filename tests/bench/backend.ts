/**
 * What stands behind every proxy: the machine's nginx in a container that is the one instance of a
 * component, on the host's network, so that all proxies talk to the very same address.
 * @module
 */
import { join } from "node:path";
import type { DockerClient } from "../../lib/docker/client.ts";
import type { Component } from "../../lib/contract/v1.ts";
import type { TestNode } from "../support/node.ts";
import type { Address } from "./libc.ts";
import { outputOf } from "./process.ts";

const NGINX = "/usr/sbin/nginx";
const START_LIMIT_MS = 30_000;
const MIB = 1024 * 1024;

/** Bodies to fetch from the backend: path and size in bytes. */
export const FILES = [
  { path: "/16k", bytes: 16 * 1024 },
  { path: "/1m", bytes: MIB },
  { path: "/100m", bytes: 100 * MIB },
] as const;

/**
 * Small answers are made in memory, files are sent from the page cache. An upload is read whole
 * into memory before the answer: the body is in nginx's buffer when the inner request goes out.
 */
function nginxConf(port: number): string {
  return `daemon off;
user root;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  keepalive_timeout 120s;
  client_max_body_size 0;
  client_body_buffer_size 101m;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  default_type application/octet-stream;
  server {
    listen unix:/tmp/sink.sock;
    location / { return 200 "stored"; }
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root /bench/files;
    location = /small { default_type text/plain; return 200 "hello, benchmark"; }
    location = /health { return 200 "ok"; }
    location /upload/ {
      proxy_pass http://unix:/tmp/sink.sock;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
  }
}
`;
}

/** Puts nginx's configuration and `files` into `folder`, for the container to mount. */
export async function prepareBackend(
  folder: string,
  port: number,
  files: typeof FILES | readonly [],
): Promise<void> {
  await Deno.mkdir(join(folder, "files"), { recursive: true });
  await Deno.writeTextFile(join(folder, "nginx.conf"), nginxConf(port));
  for (const { path, bytes } of files) {
    await Deno.writeFile(join(folder, "files", path), new Uint8Array(bytes).fill(120));
  }
}

/** Makes the image `ref` of nginx and the libraries it needs, without a registry. */
export async function makeBackendImage(
  docker: DockerClient,
  ref: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const root = join(folder, "root");
  await Deno.mkdir(join(root, "etc"), { recursive: true });
  await Deno.mkdir(join(root, "tmp"));
  await Deno.writeTextFile(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/false\n");
  await Deno.writeTextFile(join(root, "etc/group"), "root:x:0:\n");
  const listed = await outputOf("ldd", [NGINX], signal);
  const libraries = Array.from(listed.matchAll(/(\/\S+) \(0x/g), ([, path = ""]) => path.slice(1));
  const tar = join(folder, "image.tar");
  const own = [NGINX.slice(1), ...new Set(libraries)];
  await outputOf("tar", ["-chf", tar, "-C", "/", ...own, "-C", root, "etc", "tmp"], signal);
  using file = await Deno.open(tar);
  const command = [`CMD ["${NGINX}","-p","/bench","-c","/bench/nginx.conf"]`];
  await docker.importImage(file.readable, { ref, changes: command, signal });
}

/** What a backend is made from. */
export interface BackendParts {
  /** Its image. */
  readonly ref: string;
  /** What {@linkcode prepareBackend} filled. */
  readonly folder: string;
  readonly port: number;
}

/** The component whose one instance is the backend. */
export function backendComponent({ ref, folder, port }: BackendParts): Component {
  return {
    name: "bench",
    version: 0,
    environment: [],
    // More than all slow clients of a case.
    maxConcurrency: 4000,
    minInstances: 1,
    maxInstances: 1,
    docker: {
      image: ref,
      httpPort: port,
      httpHealthCheckPath: "/health",
      networkName: "host",
      volumes: [{ type: "bind", source: folder, target: "/bench", readOnly: true }],
    },
  };
}

/** Makes the backend a component of `node` that gets every request, and waits until it serves. */
export async function putBackend(
  node: TestNode,
  parts: BackendParts,
  signal: AbortSignal,
): Promise<void> {
  await node.run(["comp", "put", "-f", "-"], JSON.stringify(backendComponent(parts)));
  await node.run(["es", "put", "bench-all", "--component", "bench", "--path", "/"]);
  await backendServes(node, signal);
}

/** Waits until `node` passes requests on to the backend. */
export async function backendServes(node: TestNode, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT_MS)]);
  const response = await fetch(`${node.url}/small`, { signal: limit });
  const text = await response.text();
  if (response.status === 200) return;
  throw new Error(`Cannot start the backend: ${response.status} ${text}`);
}

/** Where the backend listens. */
export function backendAddress(port: number): Address {
  return { hostname: "127.0.0.1", port };
}
