/**
 * What `postgres://user:password@host:port/database?…` says. Owns the words a DSN may use, those of
 * PostgreSQL's own clients, and what of it may be shown; knows nothing of connections. Its values
 * hold the password, so no message is made of them except {@linkcode PostgresDsn.shown}.
 * @module
 */
import { MaelstromError, messageOf } from "../../lib/errors.ts";

const PORT = 5432;
const LOCAL_DIRECTORY = "/var/run/postgresql";

/** How the connection is encrypted: not, if the server can, without or with a look at its name. */
export type PostgresTls = false | "prefer" | "require" | {
  readonly rejectUnauthorized: true;
  /** Whose name the certificate must bear; without it an address would be checked as localhost. */
  readonly host: string;
  readonly ca?: string;
  readonly checkServerIdentity?: () => undefined;
};

/** What a DSN says. */
export interface PostgresDsn {
  /** For messages: `postgres://db.example:5432/maelstrom`, without user and password. */
  readonly shown: string;
  readonly host: string;
  readonly port: number;
  /** The unix socket, when that is the way. */
  readonly path?: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly tls: PostgresTls;
  /** Told to the server when a connection starts: `search_path`, `options`, `application_name`. */
  readonly parameters: Readonly<Record<string, string>>;
}

const PARAMETERS = ["application_name", "options", "search_path"];
const WORDS = ["host", "sslmode", "sslrootcert", ...PARAMETERS];

/**
 * Reads `text`; what it leaves out, the variables `PGUSER`, `PGPASSWORD` and `PGDATABASE` may say.
 *
 * @throws {MaelstromError} invalid: not a DSN, an unknown word, or a file that cannot be read
 */
export function parsePostgresDsn(text: string): PostgresDsn {
  const url = URL.parse(text);
  // A password with a plain / or # ends up in the path or behind it, and is not to be shown.
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || /^.+[/@]/.test(url.pathname) || url.hash) {
    throw refused(
      "it must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %xx for characters " +
        "that URLs reserve, and name one host",
    );
  }
  for (const word of url.searchParams.keys()) {
    if (!WORDS.includes(word)) {
      throw refused(`there may be ${WORDS.join(", ")} after its "?", found something else`);
    }
  }
  const given = (word: string) => url.searchParams.get(word) ?? undefined;
  const host = given("host") ?? (decoded(url.hostname).replace(/^\[|\]$/g, "") || LOCAL_DIRECTORY);
  if (host.includes(",")) {
    throw refused("it names several hosts; name one, or a balancer's address");
  }
  const port = Number(url.port || PORT);
  const isLocal = host.startsWith("/");
  const database = decoded(url.pathname.slice(1));
  const [user, password] = [decoded(url.username), decoded(url.password)];
  return {
    shown: isLocal
      ? `postgres:///${database}?host=${host}`
      : `postgres://${host.includes(":") ? `[${host}]` : host}:${port}/${database}`,
    host,
    port,
    ...(isLocal ? { path: `${host}/.s.PGSQL.${port}` } : {}),
    ...(user ? { user } : {}),
    ...(password ? { password } : {}),
    ...(database ? { database } : {}),
    tls: isLocal ? false : tlsOf(host, given("sslmode"), given("sslrootcert")),
    parameters: Object.fromEntries(
      PARAMETERS.flatMap((word) => given(word) === undefined ? [] : [[word, given(word)!]]),
    ),
  };
}

/** Source: PostgreSQL manual, "SSL Support", the table of modes. */
function tlsOf(host: string, mode = "prefer", rootFile: string | undefined): PostgresTls {
  const checked = () => ({
    rejectUnauthorized: true as const,
    host,
    ...(rootFile === undefined ? {} : { ca: readRoot(rootFile) }),
  });
  switch (mode) {
    case "disable":
      return false;
    case "allow":
    case "prefer":
      return "prefer";
    case "require":
      return rootFile === undefined ? "require" : tlsOf(host, "verify-ca", rootFile);
    case "verify-ca":
      return { ...checked(), checkServerIdentity: () => undefined };
    case "verify-full":
      return checked();
    default:
      throw refused("sslmode must be disable, prefer, require, verify-ca or verify-full");
  }
}

function readRoot(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw refused(`sslrootcert cannot be read: ${messageOf(error)}`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused("a % in it must be written %25");
  }
}

function refused(found: string): MaelstromError {
  return new MaelstromError("invalid", `Cannot use MAEL_SQL_DSN: ${found}`);
}
