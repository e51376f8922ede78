/** When what failed is tried again, in words. Pure. @module */
import type { ComponentFailure } from "../lib/contract/v1.ts";

/** `next in 5 s`, counted at `nowMs`. */
export function nextTry({ retryAt, pullRetryAt }: ComponentFailure, nowMs: number): string {
  if (pullRetryAt === 0) return "next with a start";
  const seconds = Math.ceil(((pullRetryAt ?? retryAt) - nowMs) / 1000);
  return seconds > 0 ? `next in ${seconds} s` : "next is due";
}
