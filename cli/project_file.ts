/**
 * Reads a project file: replaces `${NAME}`, checks what it says and adds its environment. All of it
 * is right, or nothing is sent.
 * @module
 */
import type { z } from "zod";
import type { NameValue, projectSchema } from "../lib/contract/v1.ts";
import { MaelstromError } from "../lib/errors.ts";
import { parseEnvFile, parseEnvLines } from "../lib/project/env_file.ts";
import type { ProjectFile } from "../lib/project/file_schema.ts";
import { interpolate } from "../lib/project/interpolate.ts";
import { type Call, UsageError } from "./command.ts";
import { type Document, parseDocuments } from "./documents.ts";
import { checkDocument, readInput } from "./input.ts";

const FILE = "maelstrom.yml";

/** A project from a file. */
export interface FoundProject {
  readonly project: z.input<typeof projectSchema>;
  /** Where it was found, as messages say it. */
  readonly file: string;
}

/**
 * The project in the file that `--file` names, else in `maelstrom.yml`. Lines that say nothing are
 * told to the user.
 *
 * @throws {MaelstromError} invalid: a file is missing, or not what it should be
 * @throws {MaelstromError} too_large: a file is larger than 1 MiB
 */
export async function readProject(call: Call): Promise<FoundProject> {
  const path = call.flags.text("file") ?? FILE;
  if (path === "") throw new UsageError("Cannot read the project: --file names no file");
  const file = path === "-" ? "standard input" : path;
  const document = await readFileDocument(path, file, call);
  const { projectFileSchema } = await import("../lib/project/file_schema.ts");
  const { value } = await checkDocument(document, { noun: "project", schema: projectFileSchema });
  const { projectOfFile } = await import("../lib/project/from_file.ts");
  const { project, ignored } = projectOfFile(value, await envFileEntries(value, call));
  for (const what of ignored) {
    await call.output.hint(`Note: ${file}: ${what} says nothing and is ignored.`);
  }
  const [{ check }, { projectSchema }] = await Promise.all([
    import("../lib/contract/check.ts"),
    import("../lib/contract/v1.ts"),
  ]);
  return { project: check(projectSchema, project, "project"), file };
}

async function readFileDocument(path: string, file: string, call: Call): Promise<Document> {
  const written = await readInput(path, file, call);
  const { text, originalOffset } = interpolate(written, { ...call.env, ...await extraEnv(call) });
  const documents = await parseDocuments(text, file, { text: written, originalOffset });
  const [document, ...surplus] = documents;
  if (document && surplus.length === 0) return document;
  const found = document ? `${documents.length} documents` : "none";
  throw new MaelstromError("invalid", `Cannot read the project: ${file} holds ${found}, not one`);
}

async function extraEnv(call: Call): Promise<Record<string, string>> {
  const path = call.flags.text("env");
  if (path === undefined) return {};
  return parseEnvFile(await readInput(path, path, call));
}

async function envFileEntries({ envfile }: ProjectFile, call: Call): Promise<NameValue[]> {
  if (!envfile) return [];
  return parseEnvLines(await readInput(envfile, envfile, call));
}
