/**
 * Keeps containers out of the machine's directories, but for those that `MAEL_HOST_MOUNTS` names.
 * Asked at a put, and again at a start: nodes may differ, and so may where a link leads by then.
 * @module
 */
import { forbiddenMount, hostMounts, isBelow } from "../lib/contract/host_mounts.ts";
import type { Component } from "../lib/contract/v1.ts";
import { MaelstromError, messageOf } from "../lib/errors.ts";

/** The rule of one node. */
export class HostMounts {
  readonly #allowed: readonly string[];
  readonly #isLocal: boolean;

  /**
   * @param allowed plain absolute paths; what is below them may be mounted
   * @param isLocal whether the engine's machine is this one, so that its links can be followed
   */
  constructor(allowed: readonly string[], isLocal: boolean) {
    this.#allowed = allowed;
    this.#isLocal = isLocal;
  }

  /** @throws {MaelstromError} invalid: `component` mounts what this node does not allow */
  checkPut(component: Component): void {
    const found = forbiddenMount(component, this.#allowed);
    if (!found) return;
    const { path, source } = found;
    const message = `Cannot put "${component.name}": ${path} is ${this.#outside(source)}`;
    throw new MaelstromError("invalid", message);
  }

  /**
   * Follows links, too. What a link is changed to after this is not seen: whoever may write inside
   * an allowed directory is trusted with that.
   *
   * @throws {MaelstromError} start_failed: `component` mounts what this node does not allow
   */
  async checkStart(component: Component): Promise<void> {
    if (this.#allowed.includes("/")) return;
    const named = forbiddenMount(component, this.#allowed);
    if (named) throw refused(component, `${named.path} is ${this.#outside(named.source)}`);
    const mounts = this.#isLocal ? hostMounts(component) : [];
    if (mounts.length === 0) return;
    const targets = await Promise.all(this.#allowed.map((path) => target(component, path)));
    const allowed = targets.filter((path) => path !== undefined);
    for (const { path, source } of mounts) {
      const leads = await target(component, source);
      // The engine will tell that nothing is there.
      if (leads === undefined || isBelow(leads, allowed)) continue;
      throw refused(component, `${path} "${source}" leads to ${this.#outside(leads)}`);
    }
  }

  #outside(source: string): string {
    const allowed = this.#allowed.length === 0 ? "names none" : this.#allowed.join(", ");
    return `"${source}", and MAEL_HOST_MOUNTS of this node does not allow it (${allowed})`;
  }
}

/** Where `path` leads; undefined when nothing is there. */
async function target(component: Component, path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw refused(component, `cannot see where "${path}" leads: ${messageOf(error)}`);
  }
}

function refused({ name }: Component, found: string): MaelstromError {
  return new MaelstromError("start_failed", `Cannot start "${name}": ${found}`);
}
