/**
 * How a project's components and event sources are called: short in its file, with the project's
 * name before them in the cluster. Pure.
 * @module
 */
import { canonicalName } from "../contract/names.ts";

/** The name in the cluster of what `project` calls `name`: `hello` becomes `demo_hello`. */
export function prefixedName(project: string, name: string): string {
  const prefix = `${canonicalName(project)}_`;
  const canonical = canonicalName(name);
  return canonical.startsWith(prefix) ? canonical : prefix + canonical;
}

/** The shortest name that {@linkcode prefixedName} turns into `name` again, or `name` itself. */
export function shortName(project: string, name: string): string {
  const prefix = `${project}_`;
  const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return short !== "" && prefixedName(project, short) === name ? short : name;
}
