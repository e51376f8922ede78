/**
 * Who may use the API through the private port: asks every caller for the cluster key's signature
 * or a token, and tells the API who it is. What that caller may do is the API's to decide, and so
 * is whether the body is the one that was signed. Walk: gateway → **api_door** → api.
 * @module
 */
import { endpointRule, type Scope } from "../../lib/contract/scopes.ts";
import { TOKEN_PREFIX, tokenHash } from "../../lib/contract/tokens.ts";
import { asMaelstromError, errorKind, MaelstromError } from "../../lib/errors.ts";
import type { Exchange } from "../../lib/http/exchange.ts";
import { dropFields } from "../../lib/http/fields.ts";
import type { Upstream } from "../../lib/http/upstream.ts";
import { type Caller, CALLER_FIELD, writeCaller } from "../../lib/rpc/caller.ts";
import { SCHEME } from "../../lib/rpc/signature.ts";
import type { SignatureCheck } from "../../lib/rpc/signature_check.ts";
import type { TokenBook } from "../store/token_book.ts";
import { type Answer, replyOf } from "./error_reply.ts";

const LIMIT_MS = 60_000;
const WITHOUT_LIMIT = { deadline: Infinity, responseIdleMs: Infinity };
const DROP = dropFields(["authorization", CALLER_FIELD]);
const CHALLENGE = [["WWW-Authenticate", `${SCHEME} v=1, Bearer realm="maelstrom"`]] as const;

/** What the door needs. */
export interface ApiDoorOptions {
  /** The API's own server. */
  readonly api: Upstream;
  readonly signatures: SignatureCheck;
  readonly tokens: Pick<TokenBook, "use">;
  /** `loopback`: callers on this machine that show nothing are administrators. */
  readonly rpcAuth: "key" | "loopback";
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Lets callers through to the API. */
export class ApiDoor {
  readonly #options: ApiDoorOptions;

  constructor(options: ApiDoorOptions) {
    this.#options = options;
  }

  /** Passes a request for the API's path on, or answers why not. */
  async handle(exchange: Exchange, path: string): Promise<void> {
    let caller: Caller;
    try {
      caller = await this.#callerOf(exchange, path);
    } catch (error) {
      return await exchange.respond(replyOf(refusal(error), exchange));
    }
    const limits = endpointRule(path)?.streams
      ? WITHOUT_LIMIT
      : { deadline: performance.now() + LIMIT_MS };
    const add = `${CALLER_FIELD}: ${writeCaller(caller)}\r\n`;
    const result = await exchange.forward(this.#options.api, { drop: DROP, add, ...limits });
    const failure = FAILURES[result.kind];
    if (failure) await exchange.respond(replyOf(failure, exchange));
  }

  /** @throws {MaelstromError} not_allowed: nothing, or nothing valid, says who it is */
  async #callerOf(exchange: Exchange, path: string): Promise<Caller> {
    const field = exchange.header("authorization");
    if (field === undefined) return this.#withoutAny(exchange, path);
    const [scheme = ""] = field.split(" ", 1);
    const rest = field.slice(scheme.length).trim();
    switch (scheme.toLowerCase()) {
      case SCHEME.toLowerCase():
        return await this.#signer(exchange, field);
      case "bearer":
        return await this.#holder(rest);
      default:
        throw refused(`it takes ${SCHEME} or Bearer in the field Authorization`);
    }
  }

  #withoutAny(exchange: Exchange, path: string): Caller {
    const isHere = this.#options.rpcAuth === "loopback" && isLoopback(exchange.clientAddress);
    // A browser on this machine speaks for every page it shows.
    if (exchange.header("origin") === undefined) {
      if (isHere) return { scope: "admin", name: "a caller on this machine" };
      if (endpointRule(path)?.scope === "anybody") {
        return { scope: "anybody", name: "a caller that shows neither key nor token" };
      }
    }
    throw refused("it needs a request that is signed with the cluster key, or a token");
  }

  async #signer({ method, target }: Exchange, field: string): Promise<Caller> {
    const words = await this.#options.signatures.check({ method, target }, field);
    // A request that does not say which node it is for could be one that another node received.
    const scope: Scope = words.to === undefined ? "admin" : "peer";
    return { scope, name: `"${words.by}", who has the cluster key`, digest: words.digest };
  }

  async #holder(token: string): Promise<Caller> {
    if (!token.startsWith(TOKEN_PREFIX)) {
      throw refused(
        `Bearer takes a token (${TOKEN_PREFIX}…); the cluster key is never sent, requests are ` +
          "signed with it",
      );
    }
    const found = this.#options.tokens.use(await tokenHash(token));
    if (!found) throw refused("there is no such token, or it was removed");
    const { name, scope, expiresAt } = found;
    if (expiresAt > 0 && expiresAt <= this.#options.now()) {
      throw refused(`token "${name}" expired at ${new Date(expiresAt).toISOString()}`);
    }
    return { scope, name: `token "${name}"` };
  }
}

/** What is answered when the API could not; the other ends need no answer. */
const FAILURES: Readonly<Record<string, Answer | undefined>> = {
  timed_out: { status: 504, message: "The API did not answer" },
  not_sent: { status: 503, message: "The API is stopping" },
  gone: { status: 503, message: "The API is stopping" },
};

function refused(found: string): MaelstromError {
  return new MaelstromError("not_allowed", `Cannot use the API: ${found}`);
}

function refusal(error: unknown): Answer {
  const { code, message } = asMaelstromError(error);
  // Who it is was not shown, so no right is missing: 401, not the code's 403.
  if (code === "not_allowed") return { status: 401, message, headers: CHALLENGE };
  return { status: errorKind(code).status, message };
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
