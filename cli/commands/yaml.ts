/** YAML for people to read, edit and put back. @module */
import type { Output } from "../output.ts";

/** Prints `value` as YAML that readers of YAML 1.1 and 1.2 understand alike. */
export async function printYaml(value: object, output: Output): Promise<void> {
  await output.text(await yamlText(value));
}

/** `value` as YAML that readers of YAML 1.1 and 1.2 understand alike. */
export async function yamlText(value: object): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { compat: "yaml-1.1", lineWidth: 0 });
}
