/** Judges what became of a case: what the client was told, and what the instance heard. @module */
import assert from "node:assert/strict";
import type { RequestCase } from "../data/requests.ts";
import { type Heard, readResponse } from "./reader.ts";

/** Asserts that `heard`, what the instance heard of a case and {@linkcode NEXT} behind it, and `answers`, all the client read until the end, are as the case wants. */
export function judge(want: RequestCase, heard: Heard, answers: string): void {
  assert.deepEqual(heard.bad, [], "the instance must be able to read all it gets");
  const lines = heard.requests.map(({ line }) => line);
  const statuses = statusesIn(answers);
  if (want.want === "refused") {
    assert.deepEqual(lines, [], "nothing of it, and nothing behind it, is a request");
    assert.equal(statuses.length, 1, JSON.stringify(answers));
    assert.ok(statuses[0]! >= 400, JSON.stringify(answers));
    if (want.status !== undefined) assert.equal(statuses[0], want.status);
    assert.match(answers, /\r\nConnection: close\r\n/);
  } else {
    assert.equal(lines.length, 2, lines.join("; "));
    assert.match(lines[0]!, / \/case HTTP\/1\.1$/);
    assert.equal(heard.requests[0]!.body, want.body);
    assert.equal(lines[1], "GET /next HTTP/1.1");
    assert.deepEqual(statuses, [200, 200]);
  }
}

/** The final statuses in what a client heard until the end. */
export function statusesIn(answers: string): number[] {
  const statuses: number[] = [];
  for (let at = 0; at < answers.length;) {
    const reading = readResponse(answers, at, "GET", true);
    if (reading.kind !== "message") throw new Error(`not an answer: ${JSON.stringify(answers)}`);
    statuses.push(Number(reading.message.line.slice(9, 12)));
    at = reading.end;
  }
  return statuses;
}
