/**
 * What a connection may tell beyond its bytes: that they came through TLS, and for which name. The
 * engine reads it, whoever terminates TLS gives it. Types only.
 * @module
 */

/** The name a TLS connection was opened for, and what its certificate vouches for. */
export interface TlsFacts {
  /** The name the client asked for (SNI), lower-case; "" when it gave none. */
  readonly servername: string;
  /**
   * True when a request for `host` (lower-case, without port) does not belong on this connection:
   * the client asked for another name, and the certificate it got does not cover `host` either.
   */
  misdirects(host: string): boolean;
}

/** A connection whose bytes came through TLS. */
export interface SecureConn extends Deno.Conn {
  readonly tls: TlsFacts;
}
