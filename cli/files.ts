/** Looks at files as locating a node asks for it. @module */

/** Text of a file; undefined when there is none. @throws {Deno.errors.PermissionDenied} */
export async function readFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** True when something is at `path`, or when that cannot be seen. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
