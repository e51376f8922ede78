/** What `maelstrom project` does. @module */
import type { Project, ProjectChanges } from "../../lib/contract/v1.ts";
import { MaelstromError } from "../../lib/errors.ts";
import { escapeTokens } from "../../lib/project/interpolate.ts";
import { hasChanges } from "../../lib/project/plan.ts";
import { type Call, FailedWith } from "../command.ts";
import type { TableLayout } from "../output.ts";
import { readProject } from "../project_file.ts";
import { followOptions, followRollout } from "../wait.ts";
import { oneName } from "./operands.ts";
import { yamlText } from "./yaml.ts";

const LAYOUT: TableLayout = {
  columns: [
    { title: "Project", width: 30, cut: true },
    { title: "# Components", width: 15 },
    { title: "# Event Sources", width: 15 },
  ],
  dashes: 74,
  empty: "No projects found",
};

const EXIT_CHANGES = 1;
const EXIT_DIFF_FAILED = 2;

/**
 * `project put`: makes the cluster's project what the file says; with `--dry-run` it is
 * `project diff`.
 *
 * @throws {MaelstromError} invalid: the file is not right
 * @throws {MaelstromError} already_exists: a name in it belongs to another project
 * @throws {MaelstromError} stale_version: somebody else changed the project at the same time
 * @throws {MaelstromError} start_failed, timeout: as {@linkcode followRollout}
 */
export async function putProject(call: Call): Promise<number | void> {
  if (call.flags.has("dry-run") || call.flags.has("diffonly")) return await diffProject(call);
  const follow = followOptions(call, ["project", "put"]);
  const { project, file } = await readProject(call);
  const client = await call.client();
  const plan = await client.call("MaelstromService.PutProject", { project }, call.signal);
  await printPlan(plan, `Project saved: ${plan.name} from file: ${file}`, file, call);
  if (!follow) return;
  const rollouts = [...plan.componentsAdded, ...plan.componentsUpdated].map((
    { name, version },
  ) => ({ name, version: version + 1 }));
  await followRollout(client, rollouts, call.output, follow, call.signal);
}

/**
 * `project diff`: prints what a put would change, and changes nothing. The result is the exit code:
 * 0 for no change, else 1.
 *
 * @throws {FailedWith} whatever a put throws, with exit code 2
 */
export async function diffProject(call: Call): Promise<number> {
  try {
    const { project, file } = await readProject(call);
    const client = await call.client();
    const input = { project, diffOnly: true };
    const plan = await client.call("MaelstromService.PutProject", input, call.signal);
    await printPlan(plan, `Project diff: ${plan.name} from file: ${file}`, file, call);
    return hasChanges(plan) ? EXIT_CHANGES : 0;
  } catch (error) {
    throw new FailedWith(EXIT_DIFF_FAILED, error);
  }
}

async function printPlan(
  plan: ProjectChanges,
  title: string,
  file: string,
  { flags, output }: Call,
): Promise<void> {
  if (flags.has("json")) return await output.json(plan);
  if (hasChanges(plan)) {
    const { printProjectChanges } = await import("./project_changes.ts");
    return await printProjectChanges(plan, title, output);
  }
  const found = `No project changes detected for project: ${plan.name} using file: ${file}`;
  await output.line(`PutProject: ${found}`);
}

/** `project ls`: lists projects by name. */
export async function listProjects(call: Call): Promise<void> {
  const client = await call.client();
  const input = { namePrefix: call.flags.text("prefix") };
  const { projects } = await client.call("MaelstromService.ListProjects", input, call.signal);
  if (call.flags.has("json")) return await call.output.json(projects);
  const rows = projects.map(({ projectName, componentCount, eventSourceCount }) => [
    projectName,
    String(componentCount),
    String(eventSourceCount),
  ]);
  await call.output.table(LAYOUT, rows);
}

/** `project get`: prints a project as a file. @throws {MaelstromError} not_found */
export async function getProject(call: Call): Promise<void> {
  const name = oneName(call, ["project", "get"]);
  const client = await call.client();
  const { project } = await client.call("MaelstromService.GetProject", { name }, call.signal);
  if (call.flags.has("json")) return await call.output.json(project);
  const { text, renamed } = await projectText(project);
  await call.output.text(text);
  for (const given of renamed) {
    await call.output.hint(
      `Note: ${JSON.stringify(given)} lacks the project's name, which a put would add.`,
    );
  }
}

async function projectText(project: Project) {
  const { fileOfProject } = await import("../../lib/project/to_file.ts");
  const { file, renamed } = fileOfProject(project);
  return { text: escapeTokens(await yamlText(file)), renamed };
}

/** `project rm`: removes a project with all it holds. @throws {MaelstromError} not_found */
export async function removeProject(call: Call): Promise<void> {
  const name = oneName(call, ["project", "rm"]);
  const client = await call.client();
  const removed = await client.call("MaelstromService.RemoveProject", { name }, call.signal);
  if (!removed.found) {
    throw new MaelstromError("not_found", `Project not found: ${removed.name}`);
  }
  await call.output.line(`Project removed: ${removed.name}`);
}

/** `project schema`: prints the JSON Schema of project files. */
export async function printProjectSchema({ output }: Call): Promise<void> {
  const { projectJsonSchema } = await import("../../lib/project/file_schema.ts");
  await output.json(projectJsonSchema());
}
