/**
 * Reads what answered a call: a result, an error of the node's, or something that is not a node.
 * Pure, so that every odd answer can be tried in a table.
 * @module
 */
import { codeOfRpc, MaelstromError } from "../errors.ts";
import type { FoundKey } from "./locate.ts";

const EXCERPT_LENGTH_MAX = 300;

/** An HTTP answer, read whole. */
export interface Reply {
  readonly status: number;
  /** Empty when there was none. */
  readonly contentType: string;
  readonly body: string;
}

/**
 * The `result` of a JSON-RPC answer from `place`.
 *
 * @throws {MaelstromError} the code the node sent: its RPC error, by number
 * @throws {MaelstromError} not_allowed: HTTP 401 or 403 without one; says which key was used
 * @throws {MaelstromError} unreachable: what answered does not speak as a node does
 */
export function resultOf(reply: Reply, place: string, key: FoundKey | undefined): object {
  const isRefused = reply.status === 401 || reply.status === 403;
  const message = reply.status === 200 || isRefused ? objectOf(reply.body) : undefined;
  if (message && isObject(message.error)) throw errorOf(message.error);
  if (isRefused) throw refused(reply, place, key);
  if (message && isObject(message.result)) return message.result;
  throw new MaelstromError(
    "unreachable",
    `Cannot reach a node: ${place} answered ${describe(reply)}, which is not how a node answers`,
  );
}

function errorOf(error: Record<string, unknown>): MaelstromError {
  const code = typeof error.code === "number" ? codeOfRpc(error.code) : "internal";
  const message = typeof error.message === "string" && error.message !== ""
    ? error.message
    : `Cannot tell what failed: the node sent error ${String(error.code)} without a message`;
  return new MaelstromError(code, message, isObject(error.data) ? error.data : undefined);
}

/** Whatever answered says why in its own words, or the advice is ours. */
function refused(reply: Reply, place: string, found: FoundKey | undefined): MaelstromError {
  const said = excerptOf(reply);
  const advice =
    "set MAEL_CLUSTER_KEY or MAEL_CLUSTER_KEY_FILE to the key of the node's cluster, " +
    "or MAELSTROM_TOKEN to a token";
  if (found?.key === undefined && found?.token === undefined) {
    const places = found?.from ?? "the environment";
    const reason = `it wants the cluster key or a token, and none was found in ${places}`;
    return notAllowed(`Cannot use the node at ${place}: ${reason}; ${advice}`);
  }
  const kind = found.token === undefined ? "cluster key" : "token";
  const reason = `it does not accept the ${kind} from ${found.from}`;
  return notAllowed(`Cannot use the node at ${place}: ${reason}${said ? ` (${said})` : ""}`);
}

function notAllowed(message: string): MaelstromError {
  return new MaelstromError("not_allowed", message);
}

function describe(reply: Reply): string {
  const excerpt = excerptOf(reply);
  const shown = excerpt === "" ? "" : ` ${JSON.stringify(excerpt)}`;
  return [`HTTP ${reply.status}`, typeOf(reply)].filter((part) => part !== "").join(" ") + shown;
}

/** The first line of plain text; empty for anything else. */
function excerptOf(reply: Reply): string {
  if (typeOf(reply) !== "text/plain") return "";
  const line = reply.body.trim().split("\n")[0] ?? "";
  return line.length > EXCERPT_LENGTH_MAX ? `${line.slice(0, EXCERPT_LENGTH_MAX)}…` : line;
}

function typeOf({ contentType }: Reply): string {
  return contentType.split(";")[0]?.trim() ?? "";
}

function objectOf(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
