/**
 * References to named values: `${cfg:NAME}` in a component's environment. Owns how they are written
 * and escaped; knows nothing of the values. Pure.
 * @module
 */

/** What stands in the environment before the name of a value. */
export const CFG_OPENING = "cfg:";
/** Longest name of a value, in characters. */
export const CFG_NAME_LENGTH_MAX = 100;
/** Fewest characters of a secret: shorter ones cannot be told from other text in a log. */
export const SECRET_LENGTH_MIN = 4;

const REFERENCE = /(\$?)\$\{cfg:([^}]*)\}/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** What is wrong with the name of a value; undefined when nothing is. Case counts. */
export function cfgNameFault(name: string): string | undefined {
  if (name === "") return "is required";
  if (name.length > CFG_NAME_LENGTH_MAX) return `is longer than ${CFG_NAME_LENGTH_MAX} characters`;
  return NAME.test(name)
    ? undefined
    : "must be a name like DB_PASSWORD (letters, digits and _ . -, not beginning with a digit)";
}

/** The part of a component in which values are referenced. */
interface HasEnvironment {
  readonly environment: readonly { readonly value: string }[];
}

/** The names a component's environment refers to, each once, in order. */
export function cfgNames({ environment }: HasEnvironment): string[] {
  const names = environment.flatMap(({ value }) =>
    [...value.matchAll(REFERENCE)].filter(([, escape]) => escape === "").map(([, , name]) => name!)
  );
  return [...new Set(names)].sort();
}

/** `text` with its references replaced by what `valueOf` gives, and `$${cfg:X}` by `${cfg:X}`. */
export function resolveCfg(text: string, valueOf: (name: string) => string): string {
  return text.replace(
    REFERENCE,
    (_all, escape: string, name: string) => escape ? `\${cfg:${name}}` : valueOf(name),
  );
}
