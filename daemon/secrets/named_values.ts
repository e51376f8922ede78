/**
 * The named values as this node may use them: seals and opens the secret ones, puts them in place of
 * references, and takes them out of what containers write. Knows nothing of where they are kept.
 * Walk: catalog ⇒ **named_values**; api, converger, docker → named_values.
 * @module
 */
import { resolveCfg } from "../../lib/contract/cfg.ts";
import type { CfgPut } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { Redactor } from "../../lib/secrets/redactor.ts";
import type { CfgValue } from "../store/store.ts";
import type { SecretKey } from "./secret_key.ts";

/** Replaced secrets that are still taken out of what is written. */
const FORMER_MAX = 200;

/** The cluster's values, on one node. */
export class NamedValues {
  readonly #key: Pick<SecretKey, "sealer" | "prepare" | "otherKey">;
  readonly #log: Log;
  readonly #sealed: () => readonly string[];
  #values = new Map<string, CfgValue>();
  /** Secrets by their sealed text, which is never the same twice. */
  #opened = new Map<string, string>();
  /** Containers may still write what has been replaced. */
  #former: readonly string[] = [];
  #redactor = new Redactor([]);
  #told = new Set<string>();

  /** `sealed` gives all that is sealed in the cluster. */
  constructor(
    key: Pick<SecretKey, "sealer" | "prepare" | "otherKey">,
    log: Log,
    sealed: () => readonly string[],
  ) {
    this.#key = key;
    this.#log = log;
    this.#sealed = sealed;
  }

  /** These are the values now. Logs each secret that this node cannot open, once. */
  use(values: readonly CfgValue[]): void {
    this.#values = new Map(values.map((value) => [value.name, value]));
    const before = this.#opened;
    const told = new Set<string>();
    this.#opened = new Map();
    for (const value of values.filter(({ secret }) => secret)) {
      try {
        this.#opened.set(value.value, before.get(value.value) ?? this.#open(value));
      } catch (error) {
        if (!this.#told.has(value.value)) {
          this.#log.warn("components that use a secret cannot start here", { error });
        }
        told.add(value.value);
      }
    }
    this.#told = told;
    const gone = [...before].filter(([sealed]) => !this.#opened.has(sealed)).map(([, text]) =>
      text
    );
    this.#former = [...new Set([...gone, ...this.#former])].slice(0, FORMER_MAX);
    this.#redactor = new Redactor([...this.#opened.values(), ...this.#former]);
  }

  /**
   * `text` with values in place of its references.
   *
   * @throws {MaelstromError} start_failed: a value is not there, or this node cannot open it
   */
  resolve(text: string): string {
    return resolveCfg(text, (name) => {
      const value = this.#values.get(name);
      if (value) return this.textOf(value);
      throw new MaelstromError("start_failed", `there is no value "${name}"`);
    });
  }

  /** `text` without any secret, also those replaced since this node started. */
  redact(text: string): string {
    return this.#redactor.redact(text);
  }

  /**
   * What `value` says.
   *
   * @throws {MaelstromError} start_failed: this node cannot open it
   */
  textOf(value: CfgValue): string {
    if (!value.secret) return value.value;
    return this.#opened.get(value.value) ?? this.#open(value);
  }

  /** True when `value` says `text`; false as well when this node cannot tell. */
  says(value: CfgValue, text: string): boolean {
    try {
      return this.textOf(value) === text;
    } catch {
      return false;
    }
  }

  /**
   * Makes this node's key if one of `values` needs it, there is none, and nothing is sealed yet.
   *
   * @throws {MaelstromError} invalid: secrets are sealed with a key this node does not have
   */
  async prepareSealing(values: readonly CfgPut[]): Promise<void> {
    if (values.some(({ secret }) => secret)) await this.#key.prepare(this.#sealed());
  }

  /**
   * `text` as it is kept under `name`.
   *
   * @throws {MaelstromError} invalid: this node has no key
   */
  seal(name: string, text: string): string {
    if (this.#key.sealer) return this.#key.sealer.seal(name, text);
    throw new MaelstromError("invalid", `Cannot seal "${name}": no secret key yet; try again`);
  }

  #open(value: CfgValue): string {
    const { sealer } = this.#key;
    const opened = sealer?.open(value.name, value.value);
    if (opened?.kind === "open") return opened.text;
    const found = opened?.kind === "damaged"
      ? "its sealed text is damaged; put it again"
      : this.#key.otherKey(value.value);
    throw new MaelstromError("start_failed", `cannot open secret "${value.name}": ${found}`);
  }
}
