/**
 * How much a connection reads at a time.
 * @module
 */
import assert from "node:assert/strict";
import { CHUNK_FRAME_BYTES } from "../../../lib/http/chunked.ts";
import { borrow, BUFFER_BYTES, giveBack, PAGE_BYTES } from "../../../lib/http/pages.ts";
import { Wire } from "../../../lib/http/wire.ts";
import { ScriptedConn } from "../../wire/scripted.ts";

const plenty = () => new ScriptedConn({ pieces: ["x".repeat(10 * PAGE_BYTES)], ends: false });

Deno.test("Wire.beginRead() leaves room in a page for the framing of what it read", async () => {
  const wire = new Wire(plenty(), BUFFER_BYTES, 1000);
  wire.useBuffer(borrow(PAGE_BYTES));
  wire.beginRead();
  await wire.pending;
  const used = borrow(PAGE_BYTES);
  giveBack(used);
  assert.equal(borrow(wire.end - wire.start + CHUNK_FRAME_BYTES), used);
});

Deno.test("Wire.beginRead() fills what is smaller than a page, also in several reads", async () => {
  const wire = new Wire(plenty(), BUFFER_BYTES, 1000);
  wire.end = 100;
  wire.beginRead();
  await wire.pending;
  assert.equal(wire.end, BUFFER_BYTES);
  wire.beginRead();
  assert.ok(!wire.reading);
});
