/** The bodies of answers that the engine gives by itself. @module */
import type { Reply } from "../../lib/http/exchange.ts";

/** A short plain text that says what was wrong with the request. */
export function errorReply(status: number, reason: string): Reply {
  return {
    status,
    headers: [["Content-Type", "text/plain; charset=utf-8"]],
    body: reason,
  };
}
