/**
 * Opens the public door's TLS side: settings become certificates and listeners, whose connections
 * the HTTP engine serves like any other. Certificates from elsewhere than files have their place
 * here too.
 * @module
 */
import { MaelstromError, messageOf } from "../../lib/errors.ts";
import type { Exchange, Handler, Reply } from "../../lib/http/exchange.ts";
import type { Log } from "../../lib/log.ts";
import { type CertificateFile, CertificateFiles } from "../../lib/tls/certificate_files.ts";
import { TlsListener } from "../../lib/tls/tls_listener.ts";

/** What the door needs. */
export interface SecureDoorOptions {
  /** Addresses to bind; none means all. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** PEM files, the first for clients that name no host. */
  readonly certFiles: readonly string[];
  /** PEM files of their keys, in the same order. */
  readonly keyFiles: readonly string[];
  /** Longest time a connection may be idle, in milliseconds. */
  readonly idleMs: number;
  readonly log: Log;
}

/** The open door. Dispose it after the server that took its listeners. */
export class SecureDoor implements AsyncDisposable {
  private constructor(
    readonly listeners: readonly TlsListener[],
    private readonly certificates: CertificateFiles,
  ) {}

  /**
   * Reads the certificates and listens.
   *
   * @throws {MaelstromError} invalid: a file or pair cannot be used, or an address not be bound
   */
  static async open(options: SecureDoorOptions): Promise<SecureDoor> {
    const { addresses, port, idleMs, log } = options;
    const files = pairFiles(options.certFiles, options.keyFiles);
    await using stack = new AsyncDisposableStack();
    const certificates = stack.use(await CertificateFiles.open(files, { log }));
    const listeners: TlsListener[] = [];
    for (const hostname of addresses.length > 0 ? addresses : [undefined]) {
      listeners.push(
        stack.use(await listen({ hostname, port, certificates, log, limits: { idleMs } })),
      );
    }
    stack.move();
    return new SecureDoor(listeners, certificates);
  }

  /** Closes what connections are left, and looks at the files no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener[Symbol.asyncDispose]()));
    await this.certificates[Symbol.asyncDispose]();
  }
}

/**
 * `handler`, but requests for a host that their connection was not set up for are answered 421: the
 * client opens another one and asks there.
 *
 * Source: RFC 9110 §15.5.20.
 */
export function refuseMisdirected(
  handler: Handler,
  errorReply: (status: number, message: string, exchange: Exchange) => Reply,
): Handler {
  return (exchange) =>
    exchange.misdirected
      ? exchange.respond(errorReply(421, "This connection is for another host", exchange))
      : handler(exchange);
}

function pairFiles(
  certFiles: readonly string[],
  keyFiles: readonly string[],
): CertificateFile[] {
  if (certFiles.length !== keyFiles.length) {
    throw new MaelstromError(
      "invalid",
      "Cannot serve TLS: MAEL_TLS_CERT_FILE and MAEL_TLS_KEY_FILE must name as many files, " +
        `found ${certFiles.length} and ${keyFiles.length}`,
    );
  }
  return certFiles.map((certFile, i) => ({ certFile, keyFile: keyFiles[i]! }));
}

async function listen(options: Parameters<typeof TlsListener.listen>[0]): Promise<TlsListener> {
  try {
    return await TlsListener.listen(options);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    const reason = code === "EADDRINUSE"
      ? "another program is using it"
      : code === "EACCES"
      ? "not allowed (ports below 1024 need root or CAP_NET_BIND_SERVICE)"
      : messageOf(error);
    throw new MaelstromError(
      "invalid",
      `Cannot listen on ${options.hostname ?? "[::]"}:${options.port}: ${reason}; choose another ` +
        "with --public-https-port or --public-addr",
    );
  }
}
