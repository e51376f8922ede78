/** What `maelstrom token` does: tokens by which people and programs use the API. @module */
import { TOKEN_SCOPES, TOKEN_SECONDS_MAX, type TokenScope } from "../../lib/contract/tokens.ts";
import { parseLength } from "../../lib/contract/since.ts";
import type { TokenInfo } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Call, UsageError } from "../command.ts";
import type { Cell, TableLayout } from "../output.ts";
import { relativeTime } from "../relative_time.ts";
import { oneName } from "./operands.ts";

const CREATE = ["token", "create"];

const TOKENS: TableLayout = {
  columns: [
    { title: "Name", width: 24 },
    { title: "Scope", width: 8 },
    { title: "Created", width: 15 },
    { title: "Expires", width: 19 },
    { title: "Last used", width: 15 },
  ],
  dashes: 89,
  empty: "No tokens found",
};

/** `token create`: makes a token and prints it, which nothing will do again. */
export async function createToken(call: Call): Promise<void> {
  const { flags, output, signal } = call;
  const name = oneName(call, CREATE);
  const input = { name, scope: scopeOf(call), ...lifeOf(call) };
  const client = await call.client();
  const created = await client.call("MaelstromService.CreateToken", input, signal);
  if (flags.has("json")) return await output.json(created);
  // Alone on the output, so that a script can take it from there.
  await output.line(created.token);
  const end = created.expiresAt === 0 ? "never" : new Date(created.expiresAt).toISOString();
  await output.hint(
    `Token created: ${created.name}, scope ${created.scope}, expires ${end}. Keep it: it is not ` +
      "shown again.",
  );
}

/** `token ls`: lists tokens, without what opens the door. */
export async function listTokens(call: Call): Promise<void> {
  const client = await call.client();
  const { tokens } = await client.call("MaelstromService.ListTokens", {}, call.signal);
  if (call.flags.has("json")) return await call.output.json(tokens);
  await call.output.table(TOKENS, tokens.map((token) => rowOf(token, call.nowMs)));
}

/** `token rm`: removes a token; it is refused from then on. @throws {MaelstromError} not_found */
export async function removeToken(call: Call): Promise<void> {
  const name = oneName(call, ["token", "rm"]);
  const client = await call.client();
  const removed = await client.call("MaelstromService.RemoveToken", { name }, call.signal);
  if (!removed.found) {
    const message = `Cannot remove token: there is none with name ${JSON.stringify(name)}`;
    throw new MaelstromError("not_found", message);
  }
  await call.output.line(`Token removed: ${removed.name}`);
}

function scopeOf({ flags }: Call): TokenScope {
  const given = flags.text("scope");
  const scope = TOKEN_SCOPES.find((one) => one === given);
  if (scope) return scope;
  const found = given === undefined ? "is missing" : `cannot be ${JSON.stringify(given)}`;
  throw new UsageError(
    `Cannot run "token create": --scope ${found}; it is one of ${TOKEN_SCOPES.join(", ")}`,
    CREATE,
  );
}

function lifeOf({ flags }: Call): { expiresInSeconds?: number } {
  const given = flags.text("expires");
  if (given === undefined) return {};
  const seconds = Math.ceil((parseLength(given) ?? 0) / 1000);
  if (seconds >= 1 && seconds <= TOKEN_SECONDS_MAX) return { expiresInSeconds: seconds };
  const found = JSON.stringify(given);
  throw new UsageError(
    `Cannot read --expires: must be a length of time (90d, 12h) of at most ten years, found ${found}`,
    CREATE,
  );
}

function rowOf(
  { name, scope, createdAt, expiresAt, lastUsedAt }: TokenInfo,
  nowMs: number,
): Cell[] {
  const isOver = expiresAt > 0 && expiresAt <= nowMs;
  const expires = expiresAt === 0 ? "never" : relativeTime(expiresAt, nowMs);
  return [
    name,
    scope,
    relativeTime(createdAt, nowMs),
    isOver ? { text: expires, style: "red" } : expires,
    lastUsedAt === 0 ? "never" : relativeTime(lastUsedAt, nowMs),
  ];
}
