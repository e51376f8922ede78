/** Reading the query of an endpoint. @module */
import { MaelstromError } from "../../lib/errors.ts";

/**
 * The switch `name` of a query; absent is false.
 *
 * @throws {MaelstromError} invalid: neither true nor false
 */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? "false";
  if (text === "true" || text === "false") return text === "true";
  throw new MaelstromError(
    "invalid",
    `Cannot read ${name}: must be true or false, found ${JSON.stringify(text)}`,
  );
}
