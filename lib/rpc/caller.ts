/**
 * Who calls, in the words in which the private door tells the API. The door takes the field out of
 * what clients send, so on its socket the field is the door's own.
 * @module
 */
import { type Scope, SCOPES } from "../contract/scopes.ts";

/** Name of the field by which the door says who calls. */
export const CALLER_FIELD = "maelstrom-caller";

/** A caller that was let in: `{ "scope": "read", "name": "token \"ci\"" }`. */
export interface Caller {
  readonly scope: Scope;
  /** For people. */
  readonly name: string;
  /** What the body's digest has to be; absent when the body was not signed. */
  readonly digest?: string;
}

/** Whoever can open the control socket, which its mode leaves to this user and root. */
export const ADMINISTRATOR: Caller = { scope: "admin", name: "the control socket" };

/** `caller` as a field's value. */
export function writeCaller(caller: Caller): string {
  return encodeURIComponent(JSON.stringify(caller));
}

/** The caller in a field's value; undefined when there is none, or it is not the door's. */
export function readCaller(value: string | null): Caller | undefined {
  const fields = value === null ? undefined : parse(value);
  const { scope, name, digest } = fields ?? {};
  const known = SCOPES.find((one) => one === scope);
  if (known === undefined || typeof name !== "string") return undefined;
  return { scope: known, name, ...(typeof digest === "string" ? { digest } : {}) };
}

function parse(value: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = JSON.parse(decodeURIComponent(value));
    return typeof fields === "object" && fields !== null
      ? fields as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}
