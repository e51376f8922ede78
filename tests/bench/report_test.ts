import assert from "node:assert/strict";
import { page, table } from "./report.ts";

Deno.test("table() pads every column to its widest cell, short rows too", () => {
  assert.equal(
    table(["Proxy", "×"], [["nginx", "1.00"], ["Maelstrom"]]),
    [
      "| Proxy     | ×    |",
      "| --------- | ---- |",
      "| nginx     | 1.00 |",
      "| Maelstrom |      |",
    ].join("\n"),
  );
});

Deno.test("page() shows a bar that was not met as such", () => {
  const bar = { what: "Small answers", bar: "0.75 × nginx", stretch: "", measured: "0.50 ×" };
  const text = page(
    {
      machine: [["CPU", "two cores"]],
      proxies: ["nginx 1.22"],
      date: "2026-01-02",
      rounds: 5,
      roundSeconds: 3,
      busy: 0.25,
      minutes: 9.6,
    },
    [{
      title: "Small",
      columns: ["a"],
      rows: [["b"]],
      bars: [{ ...bar, isMet: false }],
      notes: [],
    }],
  );
  assert.match(text, /Small answers \| 0\.75 × nginx \| .*0\.50 × .*\*\*no\*\*/);
  assert.match(text, /25 % busy/);
});
