/**
 * Methods on named values. An answered put is in effect on this node, and so are the new versions of
 * the components that use what changed. Secret values come in and never go out.
 * @module
 */
import { cfgNames, SECRET_LENGTH_MIN } from "../../lib/contract/cfg.ts";
import type { CfgInfo, CfgPut, Outputs } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { NamedValues } from "../secrets/named_values.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Changes, Store, StoredCfg } from "../store/store.ts";
import type { Methods } from "./rpc.ts";

type Noun =
  | "MaelstromService.PutCfg"
  | "MaelstromService.GetCfg"
  | "MaelstromService.ListCfg"
  | "MaelstromService.RemoveCfg";

/** The methods, over `store`; `named` seals and opens. */
export function cfgMethods(
  store: Store,
  catalog: Pick<Catalog, "refresh">,
  named: Pick<NamedValues, "prepareSealing" | "seal" | "says">,
): Pick<Methods, Noun> {
  return {
    async "MaelstromService.PutCfg"({ values }, signal) {
      refuseTwice(values);
      await named.prepareSealing(values);
      const result = await store.change((changes) => putAll(values, changes, named));
      await catalog.refresh(signal);
      return result;
    },
    async "MaelstromService.GetCfg"({ name }) {
      const cfg = (await listInfos(store)).find((info) => info.name === name);
      if (!cfg) {
        throw new MaelstromError("not_found", `Cannot show value "${name}": there is none`);
      }
      if (cfg.secret) {
        throw new MaelstromError("not_allowed", `Cannot show value "${name}": it is secret`);
      }
      return { cfg };
    },
    async "MaelstromService.ListCfg"() {
      return { values: await listInfos(store) };
    },
    async "MaelstromService.RemoveCfg"({ name }, signal) {
      const found = await store.removeCfg(name);
      await catalog.refresh(signal);
      return { name, found };
    },
  };
}

function refuseTwice(values: readonly CfgPut[]): void {
  const seen = new Set<string>();
  for (const [index, { name }] of values.entries()) {
    const path = `input.values[${index}].name`;
    if (seen.has(name)) {
      throw new MaelstromError("invalid", `${path} is given twice: "${name}"`, { path });
    }
    seen.add(name);
  }
}

async function putAll(
  values: readonly CfgPut[],
  changes: Changes,
  named: Pick<NamedValues, "seal" | "says">,
): Promise<Outputs["MaelstromService.PutCfg"]> {
  const changed = [];
  const renewed = [];
  for (const { name, value: text, secret = false } of values) {
    const before = await changes.getCfg(name);
    if (secret) refuseShort(name, text);
    else if (before?.secret) throw isSecret(name);
    const isSame = before !== undefined && named.says(before, text);
    if (isSame && before.secret === secret) continue;
    const value = secret ? named.seal(name, text) : text;
    changed.push({ name, secret, version: await changes.putCfg({ name, secret, value }) });
    if (!isSame) renewed.push(name);
  }
  const components = await changes.renewComponentsUsing(renewed);
  return { changed, components: components.map(({ name, version }) => ({ name, version })) };
}

/** Forgetting the flag must not show what was secret, nor let those replace it who may not. */
function isSecret(name: string): MaelstromError {
  return new MaelstromError(
    "invalid",
    `Cannot put value "${name}": it is secret; put it with --secret, or remove it first`,
  );
}

function refuseShort(name: string, text: string): void {
  if (text.length >= SECRET_LENGTH_MIN) return;
  throw new MaelstromError(
    "invalid",
    `Cannot put secret "${name}": must have at least ${SECRET_LENGTH_MIN} characters, because ` +
      "shorter ones cannot be told from other text in logs",
  );
}

async function listInfos(store: Store): Promise<CfgInfo[]> {
  const [values, { components }] = await Promise.all([store.listCfg(), store.desiredState()]);
  const users = new Map<string, string[]>();
  for (const { component } of components) {
    for (const name of cfgNames(component)) {
      users.set(name, [...users.get(name) ?? [], component.name]);
    }
  }
  return values.map((value) => infoOf(value, users.get(value.name) ?? []));
}

function infoOf({ value, ...info }: StoredCfg, usedBy: readonly string[]): CfgInfo {
  return { ...info, ...(info.secret ? {} : { value }), usedBy };
}
