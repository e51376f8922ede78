/**
 * Where the node is, and what to show it: a token, or the cluster key's signature. Owns the order of places and the rule
 * for the data directory; knows nothing of calls. Reads only through what it is given.
 * @module
 */
import { TOKEN_PREFIX } from "../contract/tokens.ts";
import { MaelstromError, messageOf } from "../errors.ts";

/** Environment variables by name, such as `Deno.env.toObject()`. Empty means unset. */
export type Env = Readonly<Record<string, string | undefined>>;

/** One place where a node may answer. */
export type RpcPlace =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "url"; readonly url: string };

/** What looking for the cluster key, or a token in its place, gave. */
export interface FoundKey {
  /** The cluster key, to sign with. Absent when there is none. */
  readonly key?: string;
  /** A token, to send. Absent when there is none. */
  readonly token?: string;
  /** Where it was found, or the places where it was looked for: `"MAEL_CLUSTER_KEY"`. */
  readonly from: string;
}

/** Places in the order in which they are tried, and the key for those that want one. */
export interface RpcTarget {
  readonly places: readonly RpcPlace[];
  /** The control socket that is not there, so that an error can say where we looked. */
  readonly absentSocket?: string;
  /** Looks for the key when a place first wants one: the socket needs none. */
  readonly findKey: () => Promise<FoundKey>;
}

/** What {@linkcode locateNode} looks at. */
export interface Surroundings {
  readonly env: Env;
  /** The user's id, such as `Deno.uid()`; 0 is root. */
  readonly uid: number | null;
  /** Text of a file; undefined when there is none. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** True when something is at `path`, or when that cannot be seen. */
  readonly exists: (path: string) => Promise<boolean>;
}

const SYSTEM_DATA_DIR = "/var/lib/maelstrom";
const DEFAULT_URL = "http://127.0.0.1:8374";
/** Name of the administrator's socket inside the data directory. */
export const CONTROL_SOCKET = "control.sock";
/** Name of the cluster key's file inside the data directory. */
export const CLUSTER_KEY_FILE = "cluster.key";

/**
 * The directory of a node's keys, sockets and embedded database: `MAEL_DATA_DIR`, else
 * `/var/lib/maelstrom` for root, else `$XDG_STATE_HOME/maelstrom` (`~/.local/state/maelstrom`).
 *
 * @throws {MaelstromError} invalid: no variable says where
 *
 * Source: XDG Base Directory Specification (relative paths are ignored).
 */
export function dataDir(env: Env, uid: number | null): string {
  if (env.MAEL_DATA_DIR) return withoutTrailingSlash(env.MAEL_DATA_DIR);
  if (uid === 0) return SYSTEM_DATA_DIR;
  if (env.XDG_STATE_HOME?.startsWith("/")) {
    return `${withoutTrailingSlash(env.XDG_STATE_HOME)}/maelstrom`;
  }
  if (env.HOME) return `${withoutTrailingSlash(env.HOME)}/.local/state/maelstrom`;
  throw new MaelstromError(
    "invalid",
    "Cannot find data directory: none of MAEL_DATA_DIR, XDG_STATE_HOME and HOME is set",
  );
}

/**
 * Where to look for a node: `MAELSTROM_PRIVATE_URL` alone when it is set, else the control socket
 * of the data directory if there is one, then `http://127.0.0.1:8374`.
 *
 * @throws {MaelstromError} invalid: `MAELSTROM_PRIVATE_URL` is not the URL of a node, or is not set
 * beside `MAELSTROM_TOKEN`
 */
export async function locateNode(surroundings: Surroundings): Promise<RpcTarget> {
  const { env, uid, exists } = surroundings;
  const given = env.MAELSTROM_PRIVATE_URL;
  const token = env.MAELSTROM_TOKEN;
  // The socket asks for none and would grant more; anywhere else is a guess that gets to see it.
  if (token && !given) {
    throw new MaelstromError(
      "invalid",
      "Cannot use MAELSTROM_TOKEN: MAELSTROM_PRIVATE_URL must say which node it is for",
    );
  }
  if (given) {
    const findKey = async () => token ? checkToken(token) : await findClusterKey(surroundings);
    return { places: [{ kind: "url", url: checkUrl(given) }], findKey };
  }
  // Nobody said that a node is at the default URL: while it is down any local user can listen
  // there, so the data directory's own key, whose owner has the socket, is not sent on a guess.
  const named = Boolean(env.MAEL_CLUSTER_KEY || env.MAEL_CLUSTER_KEY_FILE);
  const findKey = () =>
    named
      ? findClusterKey(surroundings)
      : Promise.resolve({ from: "MAEL_CLUSTER_KEY, MAEL_CLUSTER_KEY_FILE" });
  const path = `${dataDir(env, uid)}/${CONTROL_SOCKET}`;
  const fallback: RpcPlace = { kind: "url", url: DEFAULT_URL };
  if (!await exists(path)) return { places: [fallback], absentSocket: path, findKey };
  return { places: [{ kind: "socket", path }, fallback], findKey };
}

async function findClusterKey({ env, uid, readFile }: Surroundings): Promise<FoundKey> {
  if (env.MAEL_CLUSTER_KEY) return checkKey(env.MAEL_CLUSTER_KEY, "MAEL_CLUSTER_KEY");
  const named = env.MAEL_CLUSTER_KEY_FILE;
  const path = named || `${dataDir(env, uid)}/${CLUSTER_KEY_FILE}`;
  const looked = named
    ? `MAEL_CLUSTER_KEY, ${path}`
    : `MAEL_CLUSTER_KEY, MAEL_CLUSTER_KEY_FILE, ${path}`;
  try {
    const text = await readFile(path);
    return text === undefined ? { from: looked } : checkKey(text, path);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      return { from: `${looked} (not readable by this user)` };
    }
    if (error instanceof MaelstromError) throw error;
    throw new MaelstromError("invalid", `Cannot read cluster key: ${messageOf(error)}`, { path }, {
      cause: error,
    });
  }
}

function checkKey(text: string, from: string): FoundKey {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return { key, from };
  throw new MaelstromError(
    "invalid",
    `Cannot use cluster key: ${from} holds ${
      key === "" ? "nothing" : "more than one word of ASCII"
    }`,
  );
}

function checkToken(text: string): FoundKey {
  const token = text.trim();
  const from = "MAELSTROM_TOKEN";
  if (token.startsWith(TOKEN_PREFIX) && /^[\x21-\x7e]+$/.test(token)) return { token, from };
  const found = `must be one word that starts with "${TOKEN_PREFIX}"`;
  throw new MaelstromError("invalid", `Cannot use token: ${from} ${found}`);
}

function checkUrl(given: string): string {
  const fault = (found: string) =>
    new MaelstromError(
      "invalid",
      `Cannot use MAELSTROM_PRIVATE_URL: must be a URL like "${DEFAULT_URL}", found ${found}`,
    );
  const url = URL.parse(given);
  // A password in the URL must not be shown, so the URL is quoted only when it can hold none.
  if (given.includes("@")) throw fault('one with "@"');
  if (!url || !["http:", "https:"].includes(url.protocol)) throw fault(JSON.stringify(given));
  if (url.search || url.hash) throw fault("one with a query or fragment");
  return withoutTrailingSlash(url.href);
}

function withoutTrailingSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}
