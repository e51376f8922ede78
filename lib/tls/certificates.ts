/**
 * Certificates as data: reading a pair, checking that its halves belong together, and choosing one
 * of several by the name a client asks for. Knows nothing of files or sockets.
 *
 * Source: RFC 6066 §3 (SNI); RFC 6125 §6.4 (wildcards).
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { MaelstromError, messageOf } from "../errors.ts";

/** A certificate chain and its key, both PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** A checked pair. */
export interface Certificate extends CertificatePair {
  /** Names it covers, lower-case; `*.example.org` covers one more label. */
  readonly names: readonly string[];
  readonly expires: Date;
  readonly context: SecureContext;
}

/**
 * The checked form of `pair`; `label` names it in errors.
 *
 * @throws {MaelstromError} invalid: not PEM, or the key belongs to another certificate
 */
export function readCertificate(pair: CertificatePair, label: string): Certificate {
  const { cert, key } = pair;
  const refuse = (found: string) =>
    new MaelstromError("invalid", `Cannot use certificate "${label}": ${found}`);
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(cert);
  } catch (error) {
    throw refuse(`not a PEM certificate (${messageOf(error)})`);
  }
  let matches: boolean;
  try {
    matches = x509.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw refuse(`its key is not a PEM private key without password (${messageOf(error)})`);
  }
  if (!matches) throw refuse("its key belongs to another certificate");
  const names = namesOf(x509);
  if (names.length === 0) throw refuse("it names no host");
  return {
    cert,
    key,
    names,
    expires: new Date(x509.validTo),
    context: createSecureContext({ cert, key }),
  };
}

/** Names of hosts and addresses; the common name counts only when there are no others. */
function namesOf(x509: X509Certificate): string[] {
  const names = (x509.subjectAltName ?? "").split(", ").flatMap((entry) => {
    const match = /^(?:DNS|IP Address):(.+)$/.exec(entry);
    return match ? [match[1]!.toLowerCase()] : [];
  });
  if (names.length > 0) return names;
  const common = /^CN ?= ?(.+)$/m.exec(x509.subject)?.[1];
  return common ? [common.toLowerCase()] : [];
}

/** True when a certificate with `names` covers `host`. */
export function covers(names: readonly string[], host: string): boolean {
  return names.includes(host) || names.includes(wildcardOf(host));
}

/** The wildcard that would cover `host`: `*.b.c` for `a.b.c`. */
function wildcardOf(host: string): string {
  const dot = host.indexOf(".");
  return dot <= 0 ? "" : `*${host.slice(dot)}`;
}

/** Several certificates, the first of them for clients that name no host or an unknown one. */
export class CertificateSet {
  readonly default: Certificate;
  readonly #byName = new Map<string, Certificate>();

  /** @throws {Error} `certificates` is empty: a bug */
  constructor(readonly certificates: readonly Certificate[]) {
    const [first] = certificates;
    if (!first) throw new Error("Cannot choose from no certificates");
    this.default = first;
    for (const certificate of certificates) {
      for (const name of certificate.names) {
        // The first one that has a name keeps it, as the order of the setting says.
        if (!this.#byName.has(name)) this.#byName.set(name, certificate);
      }
    }
  }

  /** The certificate for `servername` (lower-case): its own name, then a wildcard, then the default. */
  choose(servername: string): Certificate {
    return this.#byName.get(servername) ?? this.#byName.get(wildcardOf(servername)) ?? this.default;
  }
}
