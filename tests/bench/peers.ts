/**
 * The other proxies: nginx, HAProxy and Caddy from Debian's packages, each with one worker or
 * thread, keep-alive to the backend and the same forwarded fields as ours.
 * @module
 */
import { join } from "node:path";
import type { Address } from "./libc.ts";
import { endProcess, outputOf } from "./process.ts";

const START_LIMIT_MS = 10_000;

/** A proxy under test, ours or a peer. */
export interface Proxy {
  readonly name: string;
  /** As it tells itself. */
  readonly version: string;
  readonly address: Address;
  /** Its first process; workers descend from it. */
  readonly pid: number;
}

/** What a peer is started with. */
export interface PeerOptions {
  readonly port: number;
  readonly backend: Address;
  /** An empty folder of its own. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** A peer that runs until it is disposed. */
export type Peer = Proxy & AsyncDisposable;

const authority = ({ hostname, port }: Address) => `${hostname}:${port}`;

/** Starts nginx with one worker. */
export async function startNginx(options: PeerOptions): Promise<Peer> {
  const { port, backend, folder, signal } = options;
  const conf = join(folder, "nginx.conf");
  await Deno.writeTextFile(conf, nginxConf(port, backend, folder));
  const info = await new Deno.Command("nginx", { args: ["-v"], signal }).output();
  const version = versionIn(new TextDecoder().decode(info.stderr));
  const args = ["-p", folder, "-c", conf];
  return await startPeer("nginx", version, "nginx", args, {}, options);
}

function nginxConf(port: number, backend: Address, folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${folder}/${kind};\n`).join("");
  return `daemon off;
${Deno.uid() === 0 ? "user root;\n" : ""}worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 20000; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  keepalive_timeout 120s;
  client_max_body_size 0;
${temporary}  upstream backend {
    server ${authority(backend)};
    keepalive 512;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }
  }
}
`;
}

/** Starts HAProxy with one thread. */
export async function startHaproxy(options: PeerOptions): Promise<Peer> {
  const { port, backend, folder, signal } = options;
  const conf = join(folder, "haproxy.cfg");
  await Deno.writeTextFile(
    conf,
    `global
  nbthread 1
  maxconn 12000
  no strict-limits
  tune.pool-high-fd-ratio 90
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout http-keep-alive 120s
  option forwardfor
  http-reuse always
frontend public
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend backend
backend backend
  server one ${authority(backend)} pool-max-conn 512
`,
  );
  const version = versionIn(await outputOf("haproxy", ["-v"], signal));
  return await startPeer("HAProxy", version, "haproxy", ["-db", "-f", conf], {}, options);
}

/** Starts Caddy on one core. */
export async function startCaddy(options: PeerOptions): Promise<Peer> {
  const { port, backend, folder, signal } = options;
  const conf = join(folder, "Caddyfile");
  await Deno.writeTextFile(
    conf,
    `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy ${authority(backend)} {
    transport http {
      keepalive_idle_conns_per_host 512
      compression off
    }
  }
}
`,
  );
  const env = { GOMAXPROCS: "1", HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const version = versionIn(await outputOf("caddy", ["version"], signal));
  const args = ["run", "--config", conf, "--adapter", "caddyfile"];
  return await startPeer("Caddy", version, "caddy", args, env, options);
}

function versionIn(text: string): string {
  return /\d+\.\d+[.\w]*/.exec(text)?.[0] ?? "unknown";
}

async function startPeer(
  name: string,
  version: string,
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  { port, signal }: PeerOptions,
): Promise<Peer> {
  const child = new Deno.Command(command, {
    args: [...args],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const told = new Response(child.stderr).text();
  const address = { hostname: "127.0.0.1", port };
  const peer = {
    name,
    version,
    address,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      await endProcess(child);
      await told;
    },
  };
  try {
    await answers(address, signal);
    return peer;
  } catch (error) {
    await endProcess(child);
    throw new Error(`Cannot start ${name}: ${await told}`, { cause: error });
  }
}

async function answers(address: Address, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + START_LIMIT_MS;
  let found: unknown = "no answer";
  while (performance.now() < endMs) {
    try {
      const response = await fetch(`http://${authority(address)}/small`, { signal });
      await response.body?.cancel();
      if (response.status === 200) return;
      found = `status ${response.status}`;
    } catch (error) {
      signal.throwIfAborted();
      found = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Cannot reach ${authority(address)}: ${found}`);
}
