/** What `maelstrom cfg` does. @module */
import type { CfgInfo, CfgPut } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { type Call, UsageError } from "../command.ts";
import { readInput } from "../input.ts";
import { followOptions, followRollout } from "../wait.ts";
import type { TableLayout } from "../output.ts";
import { oneName } from "./operands.ts";

const LAYOUT: TableLayout = {
  columns: [
    { title: "Name", width: 30, cut: true },
    { title: "Value", width: 30, cut: true },
    { title: "Ver", width: 5 },
    { title: "Used By", width: 20 },
  ],
  dashes: 91,
  empty: "No values found",
};

const PUT = ["cfg", "put"];

/**
 * `cfg put`: sets named values, from NAME=VALUE or standard input.
 *
 * @throws {UsageError} neither form is complete, or both are mixed
 * @throws {MaelstromError} invalid: a name or value is not right, or standard input is no text
 * @throws {MaelstromError} start_failed, timeout: as {@linkcode followRollout}
 */
export async function putCfg(call: Call): Promise<void> {
  const follow = followOptions(call, PUT);
  const values = await valuesOf(call);
  const client = await call.client();
  const secret = call.flags.has("secret") ? { secret: true } : {};
  const { changed, components } = await client.call(
    "MaelstromService.PutCfg",
    { values: values.map((value) => ({ ...value, ...secret })) },
    call.signal,
  );
  const changes = new Map(changed.map((change) => [change.name, change]));
  for (const { name } of values) {
    const change = changes.get(name);
    const mark = change?.secret ? " (secret)" : "";
    await call.output.line(
      change ? `Value put: ${name} version ${change.version}${mark}` : `Value unchanged: ${name}`,
    );
  }
  for (const { name, version } of components) {
    await call.output.line(`Component rolls out: ${name} version ${version}`);
  }
  if (follow) await followRollout(client, components, call.output, follow, call.signal);
}

async function valuesOf(call: Call): Promise<Pick<CfgPut, "name" | "value">[]> {
  const { operands } = call;
  const [name, dash] = operands;
  if (name === undefined) {
    throw new UsageError('Cannot run "cfg put": NAME=VALUE is missing', PUT);
  }
  if (dash !== "-" || operands.length > 2 || name.includes("=")) return operands.map(assignment);
  const text = await readInput("-", "standard input", call);
  return [{ name, value: text.replace(/\r?\n$/, "") }];
}

/** Never tells what was found: it may be a secret. */
function assignment(text: string): Pick<CfgPut, "name" | "value"> {
  const at = text.indexOf("=");
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  const found = at === 0 ? "no name" : 'no "="';
  throw new UsageError(
    `Cannot read a value: must be NAME=VALUE, or NAME - alone to read standard input, found ${found}`,
    PUT,
  );
}

/** `cfg ls`: lists named values and who uses them. */
export async function listCfg(call: Call): Promise<void> {
  const client = await call.client();
  const { values } = await client.call("MaelstromService.ListCfg", {}, call.signal);
  if (call.flags.has("json")) return await call.output.json(values);
  await call.output.table(LAYOUT, values.map(rowOf));
}

function rowOf({ name, value = "(secret)", version, usedBy }: CfgInfo): string[] {
  return [name, value, String(version), usedBy.join(", ")];
}

/**
 * `cfg get`: prints a value as it is, with a line feed.
 *
 * @throws {MaelstromError} not_found; not_allowed: it is secret
 */
export async function getCfg(call: Call): Promise<void> {
  const name = oneName(call, ["cfg", "get"]);
  const client = await call.client();
  const { cfg } = await client.call("MaelstromService.GetCfg", { name }, call.signal);
  if (call.flags.has("json")) await call.output.json(cfg);
  else await call.output.text(`${cfg.value ?? ""}\n`);
}

/** `cfg rm`: removes a value. @throws {MaelstromError} not_found; in_use: components refer to it */
export async function removeCfg(call: Call): Promise<void> {
  const name = oneName(call, ["cfg", "rm"]);
  const client = await call.client();
  const { found } = await client.call("MaelstromService.RemoveCfg", { name }, call.signal);
  if (!found) {
    const message = `Cannot remove value: there is none with name ${JSON.stringify(name)}`;
    throw new MaelstromError("not_found", message);
  }
  await call.output.line(`Value removed: ${name}`);
}
