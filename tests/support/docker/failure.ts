/** Checks of thrown errors. @module */
import assert from "node:assert/strict";
import { type ErrorCode, MaelstromError } from "../../../lib/errors.ts";

/** A check for `assert.rejects`: our error with `code`, a fitting message, and `detail` if given. */
export function failure(
  code: ErrorCode,
  message: RegExp,
  detail?: unknown,
): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MaelstromError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    if (detail !== undefined) assert.deepEqual(error.detail, detail);
    return true;
  };
}
