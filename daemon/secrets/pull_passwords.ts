/**
 * The passwords of registries as this node may use them: seals them for the store and opens them
 * for a pull. Whatever holds a component in between, a snapshot or a row, has the sealed text.
 * Knows nothing of where components are kept. Walk: api → **pull_passwords** → store; images →
 * pull_passwords.
 * @module
 */
import { HIDDEN_PASSWORD, keepsPassword } from "../../lib/contract/pull_password.ts";
import type { Component } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Opened } from "../../lib/secrets/sealer.ts";
import type { SecretKey } from "./secret_key.ts";

/** Before a sealed text, which tells it from a password that an older daemon stored. */
const MARK = "sealed:";

/** Seals and opens the `pullPassword` of components. */
export class PullPasswords {
  readonly #key: Pick<SecretKey, "sealer" | "prepare" | "otherKey">;
  readonly #sealed: () => readonly string[];

  /** `sealed` gives all that is sealed in the cluster. */
  constructor(
    key: Pick<SecretKey, "sealer" | "prepare" | "otherKey">,
    sealed: () => readonly string[],
  ) {
    this.#key = key;
    this.#sealed = sealed;
  }

  /**
   * `component` as it is stored. Where its password is that of one of `known`, the sealed text is
   * the same too, so that equal contents stay equal; one that keeps its password has that of the
   * first.
   *
   * @throws {MaelstromError} invalid: secrets are sealed with a key this node does not have
   */
  async seal(component: Component, known: readonly Component[]): Promise<Component> {
    const { pullPassword: password } = component.docker;
    if (!password) return component;
    if (keepsPassword(component)) return withPassword(component, known[0]?.docker.pullPassword);
    const same = known.map(({ docker }) => docker.pullPassword)
      .find((text) => text && isSealed(text) && this.#says(component.name, text, password));
    if (same) return withPassword(component, same);
    await this.prepare();
    return withPassword(component, this.#sealText(component.name, password));
  }

  /** True when this node has the key. */
  get canSeal(): boolean {
    return this.#key.sealer !== undefined;
  }

  /**
   * Makes this node's key, if there is none and nothing is sealed yet.
   *
   * @throws {MaelstromError} invalid: secrets are sealed with a key this node does not have
   */
  async prepare(): Promise<void> {
    await this.#key.prepare(this.#sealed());
  }

  /**
   * What seals the components that an older daemon stored, each password once; others it gives back
   * as they are. Needs the key.
   */
  sealOld(): (component: Component) => Component {
    const done = new Map<string, string>();
    return (component) => {
      const { name, docker: { pullPassword: password } } = component;
      if (!isClear(component) || !password) return component;
      const key = JSON.stringify([name, password]);
      const text = done.get(key) ?? this.#sealText(name, password);
      done.set(key, text);
      return withPassword(component, text);
    };
  }

  /** `component` with its password in clear, or with the word for it where this node cannot open it. */
  open(component: Component): Component {
    const { pullPassword } = component.docker;
    if (!pullPassword || !isSealed(pullPassword)) return component;
    const opened = this.#openText(component.name, pullPassword);
    return withPassword(component, opened?.kind === "open" ? opened.text : HIDDEN_PASSWORD);
  }

  /**
   * The password of `component` in clear; undefined when it has none.
   *
   * @throws {MaelstromError} start_failed: this node cannot open it
   */
  textOf({ name, docker: { pullPassword } }: Component): string | undefined {
    if (!pullPassword || !isSealed(pullPassword)) return pullPassword;
    const opened = this.#openText(name, pullPassword);
    if (opened?.kind === "open") return opened.text;
    const found = opened?.kind === "damaged"
      ? "its sealed text is damaged; put it again"
      : this.#key.otherKey(pullPassword.slice(MARK.length));
    throw new MaelstromError("start_failed", `cannot open pullPassword of "${name}": ${found}`);
  }

  #says(name: string, text: string, password: string): boolean {
    const opened = this.#openText(name, text);
    return opened?.kind === "open" && opened.text === password;
  }

  #openText(name: string, sealed: string): Opened | undefined {
    const opened = this.#key.sealer?.open(placeOf(name), sealed.slice(MARK.length));
    return opened?.kind === "open" ? { ...opened, text: JSON.parse(opened.text) } : opened;
  }

  #sealText(name: string, password: string): string {
    const { sealer } = this.#key;
    // As JSON, like the rest of a component: not every text is UTF-8.
    if (sealer) return MARK + sealer.seal(placeOf(name), JSON.stringify(password));
    throw new MaelstromError("invalid", `Cannot seal pullPassword of "${name}": no secret key yet`);
  }
}

/** True when `component` has a password that nobody has sealed. */
export function isClear({ docker: { pullPassword } }: Component): boolean {
  return Boolean(pullPassword) && !isSealed(pullPassword!);
}

/** The password of `component` as it is sealed, without the mark; none when it is not. */
export function sealedPasswords({ docker: { pullPassword } }: Component): string[] {
  return pullPassword && isSealed(pullPassword) ? [pullPassword.slice(MARK.length)] : [];
}

function isSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/** What the sealed text opens under: no named value can have such a name. */
function placeOf(component: string): string {
  return `pull:${component}`;
}

function withPassword(component: Component, pullPassword: string | undefined): Component {
  const { pullPassword: _replaced, ...docker } = component.docker;
  return { ...component, docker: { ...docker, ...(pullPassword ? { pullPassword } : {}) } };
}
