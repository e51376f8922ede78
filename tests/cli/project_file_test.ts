import assert from "node:assert/strict";
import fc from "fast-check";
import { yamlText } from "../../cli/commands/yaml.ts";
import { parseDocuments } from "../../cli/documents.ts";
import { checkDocument } from "../../cli/input.ts";
import { check } from "../../lib/contract/check.ts";
import { projectSchema } from "../../lib/contract/v1.ts";
import { projectFileSchema } from "../../lib/project/file_schema.ts";
import { projectOfFile } from "../../lib/project/from_file.ts";
import { escapeTokens, interpolate } from "../../lib/project/interpolate.ts";
import { hasChanges, planProject } from "../../lib/project/plan.ts";
import { fileOfProject } from "../../lib/project/to_file.ts";
import { anyProject, asProject, stored } from "../support/project/builders.ts";

Deno.test("fileOfProject() as YAML is read back as the same project", async () => {
  await fc.assert(fc.asyncProperty(anyProject, async (wanted) => {
    const items = stored(wanted);
    const { file, renamed } = fileOfProject(asProject("demo", items));
    assert.deepEqual(renamed, []);
    const text = escapeTokens(await yamlText(file));
    const [document, ...others] = await parseDocuments(interpolate(text, { A: "x" }).text, "f");
    assert.ok(document && others.length === 0);
    const shape = { noun: "project", schema: projectFileSchema };
    const { value } = await checkDocument(document, shape);
    const { project, ignored } = projectOfFile(value);
    assert.deepEqual(ignored, []);
    const plan = planProject(check(projectSchema, project, "project"), items);
    assert.equal(hasChanges(plan), false, JSON.stringify(plan, undefined, 1));
  }));
});
