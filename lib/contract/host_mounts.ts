/**
 * Which directories of the machine containers may see. Looks at names only; whether a name leads
 * elsewhere is for whoever has the disk. Pure.
 * @module
 */
import { posix } from "node:path";
import type { Component } from "./v1.ts";

/** A directory that a component mounts, and the field that says so. */
export interface HostMount {
  /** Absolute, without `.`, `..` and a slash at the end. */
  readonly source: string;
  /** `docker.volumes[0].source`. */
  readonly path: string;
}

/** The directories of the machine that `component` mounts. */
export function hostMounts({ docker }: Component): HostMount[] {
  return (docker.volumes ?? []).flatMap(({ type = "bind", source }, i) =>
    type === "bind" ? [{ source: plainPath(source), path: `docker.volumes[${i}].source` }] : []
  );
}

/** The first of `component`'s mounts that is below none of `allowed`, which are plain paths. */
export function forbiddenMount(
  component: Component,
  allowed: readonly string[],
): HostMount | undefined {
  return hostMounts(component).find(({ source }) => !isBelow(source, allowed));
}

/** Whether the plain path `path` is one of `allowed` or inside one. */
export function isBelow(path: string, allowed: readonly string[]): boolean {
  return allowed.some((parent) =>
    parent === "/" || path === parent || path.startsWith(`${parent}/`)
  );
}

/** The absolute `path` without `.`, `..`, doubled slashes and a slash at the end. */
export function plainPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, "");
}
