/**
 * Reads what answered a call: a result, an error of the node's, or something that is not a node.
 * Pure, so that every odd answer can be tried in a table.
 * @module
 */
import { codeOfRpc, MaelstromError } from "../errors.ts";
import type { FoundKey } from "./locate.ts";

const EXCERPT_LENGTH_MAX = 120;

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
 * @throws {MaelstromError} not_allowed: HTTP 401 or 403; says which key was used
 * @throws {MaelstromError} unreachable: what answered does not speak as a node does
 */
export function resultOf(reply: Reply, place: string, key: FoundKey | undefined): object {
  if (reply.status === 401 || reply.status === 403) throw refused(place, key);
  const message = reply.status === 200 ? objectOf(reply.body) : undefined;
  if (message && isObject(message.error)) throw errorOf(message.error);
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

function refused(place: string, key: FoundKey | undefined): MaelstromError {
  const advice = "set MAEL_CLUSTER_KEY or MAEL_CLUSTER_KEY_FILE to the key of the node's cluster";
  const found = key?.key === undefined
    ? `it wants the cluster key, and none was found in ${key?.from ?? "the environment"}`
    : `it does not accept the cluster key from ${key.from}`;
  return new MaelstromError("not_allowed", `Cannot use the node at ${place}: ${found}; ${advice}`);
}

function describe({ status, contentType, body }: Reply): string {
  const type = contentType.split(";")[0]?.trim() ?? "";
  const line = body.trim().split("\n")[0] ?? "";
  const excerpt = line.length > EXCERPT_LENGTH_MAX ? `${line.slice(0, EXCERPT_LENGTH_MAX)}…` : line;
  const shown = type === "text/plain" && excerpt !== "" ? ` ${JSON.stringify(excerpt)}` : "";
  return [`HTTP ${status}`, type].filter((part) => part !== "").join(" ") + shown;
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
